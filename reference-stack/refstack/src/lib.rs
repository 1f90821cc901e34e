//! The reference stack: gateway and worker roles of `medical-platform` and `fish`.
//!
//! `gateway` and `worker` see only `ports`; `stack/compose.rs` alone names adapters. What each role answers on the wire is
//! written down in `reference-stack/API.md`.
//!
//! A study goes this way: `gateway/edge` (limits, token) → `study_upload` → `ports::objects` → `ports::jobs` (row and message in
//! one transaction) → wake → `worker/consume` → `attempt` → `study` → `ports::inference` → `ports::jobs::settle` under the lease.
//!
//! Absent, and where they belong when they come: `RabbitMQ`, Kafka, Celery, `PostgreSQL`, Redis and S3 (`adapters/`, chosen in
//! `stack/compose.rs`, held to `tests/it/queue_contract.rs`), an outbox relay (with the first broker adapter), `mediaudit` and
//! `pcbench` (`gateway/`, beside the other routes), rate limits (`gateway/edge.rs`).

pub mod adapters;
pub mod clock;
pub mod defect;
pub mod gateway;
pub mod ports;
pub mod serve;
pub mod stack;
pub mod system;
pub mod url_rule;
pub mod wake;
pub mod worker;

mod figures;
mod hex;
mod messages;
mod sniff;
