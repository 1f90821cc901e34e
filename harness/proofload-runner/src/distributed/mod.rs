//! One run from several generator processes, here or elsewhere: one plan split exactly, one clock, one merged record.
//!
//! The coordinator is the process of the run. Workers join it over TCP, prove that they were asked for, build the same
//! plan from the same text and seed, learn how far their clock is from the coordinator's, and send their shards of the
//! load. A worker that goes away is told as lost: its share of the load was not sent, so the run is INVALID.

mod coordinator;
mod offset;
mod wire;
mod worker;

pub(crate) use coordinator::{Coordinator, Gathered};
pub use wire::{AssignedSystem, Assignment};
pub use worker::{Joined, join};
