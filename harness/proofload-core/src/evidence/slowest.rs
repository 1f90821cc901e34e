//! The slowest samples of a step: the ones a reader asks for first.

use serde::{Deserialize, Serialize};

/// Most samples that are named of one step.
pub const SLOWEST_MAX: usize = 20;

/// One slow sample. It was answered or given up; what was never sent took no time and is not among these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowSample {
    /// Its intended start, milliseconds from the start of the run.
    pub at_ms: u64,
    /// End − intended start. Of one that was given up: until then.
    pub response_ms: f64,
    /// End − send; of a job, end − acceptance.
    pub service_ms: f64,
    /// What came of it: `status 200`, `timed-out`.
    pub outcome: String,
    /// The workload of its pass.
    pub workload: String,
    /// The number of its pass within the workload.
    pub iteration: u64,
}

/// Puts the slowest first and keeps as many as are named. The order is total, so however samples were shared out, the
/// same ones are kept.
pub fn keep_slowest(samples: &mut Vec<SlowSample>) {
    samples.sort_by(|a, b| {
        let slower = b.response_ms.total_cmp(&a.response_ms);
        slower.then_with(|| (a.at_ms, &a.workload, a.iteration).cmp(&(b.at_ms, &b.workload, b.iteration)))
    });
    samples.truncate(SLOWEST_MAX);
}
