//! Conformance over the wire: profiles made of areas, areas made of cases. A case is one short function that talks to the
//! target through its [`context::Context`] and says what it saw; everything it sent is on record, without secrets.

mod answer;
mod areas;
mod call;
mod case;
mod context;
mod dicom;
mod form;
mod image;
mod options;
mod profile;
mod prometheus;
mod run;
mod token;

#[cfg(test)]
mod tests;

pub use options::{Event, Options, TargetError, Timeouts, TokenSource};
pub use proofload_core::conformance::ConformanceProfile;
pub use run::{check_selection, list, run, run_until};
