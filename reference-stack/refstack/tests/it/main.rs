//! The reference stack through its own doors: real servers on free ports, a real store in a temporary folder, and a stand-in
//! for the one neighbour, the inference server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fish;
mod gateway;
mod idempotency;
mod queue_contract;
mod stack;
mod store;
mod support;
mod upload;
mod worker;
