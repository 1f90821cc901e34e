//! The reference stack: gateway and worker roles of `medical-platform` and `fish`.
//!
//! `gateway` and `worker` see only `ports`; `stack/compose.rs` alone names adapters. What each role answers on the wire is
//! written down in `reference-stack/API.md`.

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
