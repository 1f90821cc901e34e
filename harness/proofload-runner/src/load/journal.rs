//! The client's own journal of jobs: one line when a job is accepted, one when it ends.

use serde::{Deserialize, Serialize};

/// One line of `record.jobs.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalLine {
    /// Milliseconds from the start of the run.
    pub(crate) at_ms: u64,
    /// The flow.
    pub(crate) flow: String,
    /// The job's id.
    pub(crate) id: String,
    /// `accepted`, or the word it ended with.
    pub(crate) state: String,
}
