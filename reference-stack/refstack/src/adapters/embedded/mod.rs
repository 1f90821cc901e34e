//! The adapters that need nothing installed: `SQLite` for queue, jobs and idempotency keys, files for objects, memory for the
//! cache. Several processes share one folder.

pub mod cache;
pub mod objects;

mod jobs;
mod keys;
mod lock;
mod queue;
mod queue_sql;
mod store;
mod writer;

pub use store::Store;
