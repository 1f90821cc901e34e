//! When may a run end? Once every job has ended and every scaling clause is decided, or their limits have passed.

use proofload_core::evidence::RunRecord;
use proofload_core::judge::Outcome;
use proofload_core::scenario::Scenario;

use crate::load::Tick;

/// Whether nothing is left to wait for.
pub(super) fn is_settled(tick: &Tick, scenario: &Scenario, record: &RunRecord) -> bool {
    let jobs_done = tick.jobs_open == 0 && tick.passes == 0;
    jobs_done && scaling_decided(scenario, record)
}

/// Whether more time could not change what is said of any scaling clause.
pub(super) fn scaling_decided(scenario: &Scenario, record: &RunRecord) -> bool {
    let findings = proofload_core::judge::judge_scaling_clauses(scenario, record);
    findings.iter().all(|finding| finding.outcome != Outcome::Inconclusive)
}
