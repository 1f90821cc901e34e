//! Steps that go wrong and that no rule covers.

use super::super::finding::{Finding, Group, Outcome};
use crate::evidence::{RunRecord, Second};
use crate::scenario::{Scenario, Sli};

/// Steps that went wrong for more than one in a hundred and that no rule on errors covers: nothing says that this is
/// right, so the run cannot pass on the others alone.
pub(in crate::judge) fn uncovered_errors(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    let covered = |name: &str| scenario.slos.iter().any(|slo| matches!(&slo.sli, Sli::Errors(rule) if rule == name));
    let uncovered = record.steps.iter().filter(|step| !covered(&step.name));
    uncovered
        .filter_map(|step| {
            let sum = |pick: fn(&Second) -> u64| step.seconds.iter().map(pick).sum::<u64>();
            let (due, bad) = (sum(|second| second.due), sum(|second| second.errors + second.broken + second.dropped));
            let name = &step.name;
            let message = format!(
                "{bad} of {due} went wrong, and no rule says how many may; add {{ sli: errors({name}), max: … }}"
            );
            let title = format!("errors({name}) are covered by a rule");
            (bad * 100 > due).then(|| {
                Finding::plain(Group::Slo, &format!("uncovered.{name}"), title, Outcome::Inconclusive, message)
            })
        })
        .collect()
}
