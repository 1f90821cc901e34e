//! The generator: one thread of its own that sends what the plan says is due, and measures.

mod audit;
mod body;
mod book;
mod checks;
mod connection;
mod data;
mod executor_open;
mod executor_vus;
mod flow;
mod generator;
mod job;
mod journal;
mod pacing;
mod recorder;
mod target;
mod values;
mod walk;
mod webhook;
mod websocket;
mod world;

pub(crate) use book::JobEntry;
pub(crate) use data::{LoadedData, load_data};
pub(crate) use generator::{Control, Generator, GeneratorEvent, Outcome, Tick};
pub(crate) use recorder::{ClosedSecond, Timed};
pub(crate) use target::Target;
pub(crate) use world::{LoadedPayload, PayloadFile, SystemAccess, WorldParts, compile};
