//! Checks by name, and the slowest samples: the tables that read the record itself.

use super::rows::ROWS_MAX;
use super::scale::clock;
use super::step_name;
use super::timeline::seconds;
use crate::evidence::{CheckCounts, RunRecord, SlowSample, StepEvidence};
use crate::report::words;

pub(super) struct Checks {
    pub(super) rows: Vec<CheckRow>,
    pub(super) left_out: usize,
}

pub(super) struct CheckRow {
    pub(super) check: String,
    pub(super) step: String,
    /// Held, did not, share that did not.
    pub(super) cells: [String; 3],
}

pub(super) struct Slowest {
    pub(super) rows: Vec<SlowRow>,
    pub(super) left_out: usize,
}

pub(super) struct SlowRow {
    pub(super) step: String,
    pub(super) at: String,
    /// Response time, before the send, service time.
    pub(super) times: [String; 3],
    pub(super) outcome: String,
    pub(super) pass: String,
}

/// Every check, those that failed most often first.
pub(super) fn checks(record: &RunRecord) -> Checks {
    let of_step = |step: &'_ StepEvidence| {
        let step_name = step_name(step);
        let rows = step.checks.iter().map(move |(check, counts)| (step_name.clone(), check.clone(), *counts));
        rows.collect::<Vec<_>>()
    };
    let mut all: Vec<(String, String, CheckCounts)> = record.steps.iter().flat_map(of_step).collect();
    all.sort_by_key(|(_, _, counts)| std::cmp::Reverse(counts.failed));
    Checks {
        left_out: all.len().saturating_sub(ROWS_MAX),
        rows: all.into_iter().take(ROWS_MAX).map(|(step, check, counts)| check_row(step, &check, counts)).collect(),
    }
}

fn check_row(step: String, check: &str, counts: CheckCounts) -> CheckRow {
    let CheckCounts { passed, failed } = counts;
    CheckRow {
        check: words::clip(check, 200),
        step,
        cells: [
            words::count(passed),
            words::count(failed),
            words::maybe(words::percent(failed, passed.saturating_add(failed)), "%"),
        ],
    }
}

/// The slowest of every step, step by step.
pub(super) fn slowest(record: &RunRecord) -> Slowest {
    let all = || record.steps.iter().flat_map(|step| step.slowest.iter().map(move |sample| (step, sample)));
    Slowest {
        left_out: all().count().saturating_sub(ROWS_MAX),
        rows: all().take(ROWS_MAX).map(|(step, sample)| slow_row(step, sample)).collect(),
    }
}

fn slow_row(step: &StepEvidence, sample: &SlowSample) -> SlowRow {
    let before_ms = (sample.response_ms - sample.service_ms).max(0.0);
    SlowRow {
        step: step_name(step),
        at: clock(seconds(sample.at_ms, 1e3)),
        times: [sample.response_ms, before_ms, sample.service_ms].map(|ms| words::value(ms, "ms")),
        outcome: words::clip(&sample.outcome, 120),
        pass: format!("{} no. {}", words::clip(&sample.workload, 80), words::count(sample.iteration)),
    }
}
