//! The effects: load on the wire, processes, clusters, conformance cases. The harness knows a platform only over
//! the wire and shares no code with the reference stack.

mod audit;
mod clock;
mod cluster;
mod collector;
pub mod conformance;
pub mod cross_check;
pub mod distributed;
mod environment;
pub mod event;
mod limits;
mod load;
pub mod otlp;
mod prometheus;
pub mod run;

pub use clock::unix_ms;
pub use limits::machine_limits;
