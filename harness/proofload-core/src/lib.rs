//! What a load test means, without doing anything: the scenario and environment as checked types, the plan of every
//! arrival, the evidence of a run, the judge and the reports.
//!
//! Absent on purpose: clocks, network, files, randomness, tokio. Text comes in as strings, time as numbers, the seed
//! as an argument, so everything here can be repeated on a stored run with the same bytes as the answer.

pub mod baseline;
pub mod conformance;
pub mod data;
pub mod environment;
pub mod evidence;
pub mod judge;
pub mod live;
pub mod pairs;
pub mod payload;
pub mod plan;
pub mod report;
pub mod sarif;
pub mod scenario;
mod source;
pub mod trace;

pub use source::{Problem, Problems};

/// The version of every file format that proofload reads and writes.
pub const API_VERSION: &str = "proofload/v1";
