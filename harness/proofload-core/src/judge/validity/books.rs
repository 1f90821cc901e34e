//! The recorder's own books: whatever began must have ended, and whatever was due must have begun. A sample that is
//! missing without a trace would make every figure prettier than the truth.

use crate::evidence::{Histogram, MICROS_MAX, RunEnd, RunRecord, StepEvidence, StepKind};
use crate::scenario::{Executor, Scenario, Step};

/// What adding up the record shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Books {
    /// Samples that some count has and another lacks.
    pub(super) lost: u64,
    /// Samples at the end of the scale.
    pub(super) saturated: u64,
}

pub(super) fn balance(scenario: &Scenario, record: &RunRecord) -> Books {
    let mut books = Books { lost: 0, saturated: 0 };
    for step in &record.steps {
        let times = Histogram::merge(step.seconds.iter().map(|second| &second.response));
        let answered: u64 = step.seconds.iter().map(|second| second.answered).sum();
        books.lost += unended(step) + answered.abs_diff(times.len());
        // The end of the scale is a bucket; whatever lies in it was recorded as the limit or close to it.
        let end = times.lowest_equivalent(MICROS_MAX);
        books.saturated += if times.max() >= end { times.count_between(end, times.max()) } else { 0 };
    }
    // A run that was stopped or killed ends between an arrival and its first sample.
    if record.run.end == RunEnd::Completed {
        books.lost += unbegun(scenario, record) + unmeasured_lag(record);
    }
    books
}

/// Samples that began and have no end, or an end and no beginning.
fn unended(step: &StepEvidence) -> u64 {
    let seconds = step.seconds.iter();
    seconds.map(|second| second.due.abs_diff(second.answered + second.broken + second.dropped)).sum()
}

/// Arrivals of which not even the first request was begun. Every pass begins the first step of its flow, if only to
/// be dropped; flows that think first are left out, for the end of a run may find a pass thinking.
fn unbegun(scenario: &Scenario, record: &RunRecord) -> u64 {
    let planned: u64 = record.plan.iter().map(|workload| workload.arrivals).sum();
    let undelivered = planned.saturating_sub(record.generator.due);
    let mut begun_in_all = Some(0);
    let mut missing = 0;
    for (index, flow) in scenario.flows.iter().enumerate() {
        let workloads: Vec<usize> =
            (0..scenario.workloads.len()).filter(|workload| scenario.workloads[*workload].flow == index).collect();
        if workloads.is_empty() {
            continue;
        }
        let Some(Step::Request(first)) = flow.steps.first() else {
            begun_in_all = None;
            continue;
        };
        let begun = begun(record, &first.name);
        begun_in_all = begun_in_all.map(|all| all + begun);
        let open = |workload: &usize| {
            matches!(scenario.workloads[*workload].executor, Executor::Open { .. } | Executor::Replay(_))
        };
        if workloads.iter().all(open) {
            let planned = |workload: &usize| record.plan.get(*workload).map_or(0, |planned| planned.arrivals);
            missing += workloads.iter().map(planned).sum::<u64>().saturating_sub(begun);
        }
    }
    // What was never delivered is a signal of its own, with a line of its own.
    let missing = missing.saturating_sub(undelivered);
    begun_in_all.map_or(0, |begun| record.generator.due.saturating_sub(begun)).max(missing)
}

/// How often a request was begun in the whole run.
fn begun(record: &RunRecord, request: &str) -> u64 {
    let step = record.step(StepKind::Request, request);
    step.map_or(0, |step| step.seconds.iter().map(|second| second.due).sum())
}

/// Open arrivals whose own lateness nobody wrote down.
fn unmeasured_lag(record: &RunRecord) -> u64 {
    let planned: u64 = record.plan.iter().map(|workload| workload.arrivals).sum();
    planned.min(record.generator.due).saturating_sub(record.generator.wake_lag.thaw().len())
}
