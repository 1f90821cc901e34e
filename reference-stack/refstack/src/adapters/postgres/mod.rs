//! Queue, jobs and idempotency keys in a `PostgreSQL` database that gateways and workers on several machines share.
//!
//! Every transaction that touches a message and its job locks the message first; that order keeps two of them from waiting for
//! each other.

mod bell;
mod jobs;
mod keys;
mod migrations;
mod outbox;
mod queue;
mod queue_sql;
mod store;

pub use migrations::{Migrated, migrate};
pub use outbox::Unsent;
pub use store::PgStore;
