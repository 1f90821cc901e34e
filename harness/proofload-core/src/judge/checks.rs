//! Checks: the share that did not hold, over the whole run.

use super::finding::{Finding, Group, Outcome};
use super::slo::{no_samples, share_at_most};
use crate::evidence::{RunRecord, StepEvidence};
use crate::scenario::{Scenario, Sli};

/// Most checks that a message names.
const NAMED_MAX: usize = 3;

/// Judges the share of failed checks of a step.
pub(super) fn judge(step: Option<&StepEvidence>, max: f64) -> Finding {
    let (failed, due) = step.map(sums).unwrap_or_default();
    match step {
        Some(step) if due > 0 => {
            share_at_most(failed, due, max, &format!("{failed} of {due} checks did not hold{}", named(step)))
        }
        _ => no_samples("nothing was checked"),
    }
}

/// Steps with more than one in a hundred checks that did not hold, and no rule that says how many may: the run cannot
/// pass on the others alone.
pub(super) fn uncovered(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    let covered = |name: &str| scenario.slos.iter().any(|slo| matches!(&slo.sli, Sli::Checks(rule) if rule == name));
    let uncovered = record.steps.iter().filter(|step| !covered(&step.name));
    let finding = |step: &StepEvidence| {
        let ((failed, due), name) = (sums(step), &step.name);
        let message = format!(
            "{failed} of {due} checks did not hold{}, and no rule says how many may; add {{ sli: checks({name}), max: … }}",
            named(step)
        );
        let title = format!("checks({name}) are covered by a rule");
        (failed * 100 > due).then(|| {
            Finding::plain(Group::Slo, &format!("uncovered.checks.{name}"), title, Outcome::Inconclusive, message)
        })
    };
    uncovered.filter_map(finding).collect()
}

/// How many checks failed, and how many there were.
fn sums(step: &StepEvidence) -> (u64, u64) {
    let failed = step.checks.values().map(|counts| counts.failed).sum();
    let passed: u64 = step.checks.values().map(|counts| counts.passed).sum();
    (failed, failed + passed)
}

/// The checks that failed most often, in words.
fn named(step: &StepEvidence) -> String {
    let mut failed: Vec<(&String, u64)> = step.checks.iter().map(|(name, counts)| (name, counts.failed)).collect();
    failed.retain(|(_, times)| *times > 0);
    failed.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let words: Vec<String> = failed.iter().take(NAMED_MAX).map(|(name, times)| format!("`{name}` {times}×")).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}
