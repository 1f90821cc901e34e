//! The generator: threads of their own that send what the plan says is due, and measure.

mod book;
mod broken;
mod checks;
mod connector;
mod data;
mod event;
mod exchange;
mod executor_open;
mod executor_vus;
mod flow;
mod gaps;
mod generator;
#[cfg(feature = "goose")]
mod goose;
mod grpc;
mod http1;
mod http2;
mod job;
mod journal;
mod known;
mod merge;
mod multipart;
mod pacing;
mod payload;
mod pool;
mod recent;
mod recorder;
mod request;
mod script;
mod second;
mod shard;
mod slowest;
mod target;
mod values;
mod walk;
mod watch;
mod webhook;
mod websocket;
mod world;

pub(crate) use data::{LoadedData, load_data};
pub(crate) use event::{Control, GeneratorEvent, JobOutcome, Outcome, Tick};
pub(crate) use exchange::Piece;
pub(crate) use generator::{Generator, Shards};
#[cfg(feature = "goose")]
pub(crate) use goose::keep_interrupts;
pub(crate) use grpc::{Methods, load_methods};
pub(crate) use payload::{LoadedPayload, PayloadFile, Source as PayloadOrigin};
pub(crate) use recorder::Timed;
pub(crate) use script::compile;
pub(crate) use second::ClosedSecond;
pub(crate) use target::Target;
pub(crate) use world::{SystemAccess, WorldParts};
