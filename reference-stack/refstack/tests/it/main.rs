//! The reference stack through its own doors: real servers on free ports, real stores and databases, and a stand-in for
//! the one neighbour, the inference server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cache;
mod fish;
mod gateway;
mod idempotency;
mod objects;
mod postgres;
mod queue_contract;
mod rabbitmq;
mod stack;
mod store;
mod store_contract;
mod support;
mod upload;
mod worker;
