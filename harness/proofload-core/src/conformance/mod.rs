//! Conformance: what a check is, what came of it, the verdict on a profile, and the report in four formats. Pure.
//!
//! A result is never better than its evidence: a MUST that was skipped or stayed open makes a profile *partial*, and a
//! run in which nothing was executed is never a success.

mod check;
mod format;
mod outcome;
mod profile;
mod redact;
mod report;
mod verdict;

pub use check::{CheckInfo, Level};
pub use format::files;
pub use outcome::{Outcome, ProfileResult, SkipReason};
pub use profile::ConformanceProfile;
pub use redact::Redactor;
pub use report::{CheckResult, ConformanceReport, Counts, Exchange, Heading};
pub(crate) use verdict::{Counted, count, weigh};
