//! Is this run slower than the accepted ones?

use super::comparison::{Design, RUNS_MIN, compare_runs};
use super::finding::{Finding, Group, Outcome};
use crate::baseline::{Baseline, BaselineRun};

/// Compares every rule on times and rates with the accepted runs.
pub(super) fn judge(run: &BaselineRun, baseline: &Baseline, tolerance: f64) -> Vec<Finding> {
    let comparable: Vec<&BaselineRun> = baseline.comparable(&run.run).collect();
    match comparable.len() {
        few if few < RUNS_MIN => vec![too_few(few, baseline.runs.len() - few)],
        _ => compare_runs(&comparable, &[run], Design::One, tolerance),
    }
}

fn too_few(runs: usize, others: usize) -> Finding {
    let others = match others {
        0 => String::new(),
        _ => format!(" ({others} more are of another scenario, environment or machine)"),
    };
    let message = format!(
        "{runs} accepted runs can be compared with{others}, and {RUNS_MIN} are needed; accept more with `proofload baseline accept`"
    );
    let title = "no slower than the accepted runs".to_owned();
    Finding {
        samples: runs as u64,
        needed: Some((RUNS_MIN - runs) as u64),
        ..Finding::plain(Group::Regression, "regression", title, Outcome::Inconclusive, message)
    }
}
