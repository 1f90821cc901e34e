//! Does each system keep its contract? What a check saw is a fact, whatever the load was worth; a check that saw nothing
//! proves nothing.

use super::finding::{Figure, Finding, Group, Outcome};
use crate::conformance::{Counted, Outcome as Came, ProfileResult, count, weigh};
use crate::evidence::{CheckEvidence, ConformanceAnswer, RunEnd, RunRecord};
use crate::scenario::{ConformanceClause, Scenario};

/// The checks that did not pass, a finding each, and then each profile as a whole.
pub(super) fn judge(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    scenario.conformance.iter().flat_map(|clause| judge_clause(clause, record)).collect()
}

fn judge_clause(clause: &ConformanceClause, record: &RunRecord) -> Vec<Finding> {
    let of_clause = record.conformance.iter().find(|it| (it.profile, &it.system) == (clause.profile, &clause.system));
    let checks = match of_clause.map(|evidence| &evidence.answer) {
        Some(ConformanceAnswer::Checked(checks)) => checks,
        Some(ConformanceAnswer::NotCarriedOut(why)) => return vec![not_carried_out(clause, why.clone())],
        None => return vec![not_carried_out(clause, nothing_kept(record.run.end).to_owned())],
    };
    let asked: Vec<&CheckEvidence> = checks.iter().filter(|check| check.was_asked_for()).collect();
    let mut findings: Vec<Finding> = asked.iter().filter_map(|check| judge_check(clause, check)).collect();
    findings.push(judge_profile(clause, &asked, checks.len() - asked.len()));
    findings
}

/// Why a record holds nothing of a contract that its scenario asks for.
fn nothing_kept(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Completed => "the run ended before its checks were carried out",
        RunEnd::Running | RunEnd::Interrupted => "the run was stopped before its checks were carried out",
        RunEnd::Aborted => "the run was ended early, before its checks were carried out",
    }
}

fn not_carried_out(clause: &ConformanceClause, why: String) -> Finding {
    Finding::plain(Group::Conformance, &id(clause), title(clause), Outcome::Inconclusive, why)
}

/// What passed needs no finding of its own, and what was not carried out is told with the profile.
fn judge_check(clause: &ConformanceClause, check: &CheckEvidence) -> Option<Finding> {
    let counts = check.level.is_binding(clause.strict);
    let outcome = match (check.outcome, counts) {
        (Came::Pass | Came::Skip, _) => return None,
        (Came::Fail, true) => Outcome::Fail,
        (Came::Error | Came::Inconclusive, true) => Outcome::Inconclusive,
        (_, false) => Outcome::Warning,
    };
    let message = match check.outcome {
        Came::Error => format!("the check itself could not be carried out: {}", check.message),
        Came::Inconclusive => format!("nothing was proved: {}", check.message),
        _ => check.message.clone(),
    };
    let id = format!("{}.{}", id(clause), check.id);
    let title = format!("{} {} {}", subject(clause), check.level.word(), check.id);
    let samples = u64::from(check.outcome.is_executed());
    Some(Finding { samples, ..Finding::plain(Group::Conformance, &id, title, outcome, message) })
}

fn judge_profile(clause: &ConformanceClause, asked: &[&CheckEvidence], left_out: usize) -> Finding {
    let counted: Vec<Counted<'_>> = asked.iter().map(|check| check.counted()).collect();
    let (result, reason) = weigh(clause.strict, &counted);
    let counts = count(&counted);
    let outcome = match result {
        ProfileResult::Success => Outcome::Pass,
        ProfileResult::Partial => Outcome::Inconclusive,
        ProfileResult::Failure => Outcome::Fail,
    };
    let mut told = vec![counts.told()];
    if counts.pass < asked.len() || result != ProfileResult::Success {
        told.push(reason + &why_open(clause, asked, result));
    }
    if left_out > 0 {
        told.push(format!("not asked for: {left_out}"));
    }
    let failed = counted.iter().filter(|check| check.level.is_binding(clause.strict) && check.outcome == Came::Fail);
    #[expect(clippy::cast_precision_loss, reason = "a profile has a few hundred checks")]
    let failed = failed.count() as f64;
    let executed = counts.executed();
    Finding {
        figure: (executed > 0).then(|| Figure {
            value: Some(failed),
            interval: None,
            limit: 0.0,
            unit: "failed".to_owned(),
        }),
        samples: executed as u64,
        ..Finding::plain(Group::Conformance, &id(clause), title(clause), outcome, told.join("; "))
    }
}

/// Of a profile that is not decided, why the first such check is not.
fn why_open(clause: &ConformanceClause, asked: &[&CheckEvidence], result: ProfileResult) -> String {
    let open = |check: &&&CheckEvidence| check.level.is_binding(clause.strict) && !check.outcome.is_executed();
    match asked.iter().find(open) {
        Some(first) if result == ProfileResult::Partial => format!(" ({})", first.message),
        _ => String::new(),
    }
}

fn id(clause: &ConformanceClause) -> String {
    format!("conformance.{}.{}", clause.system, clause.profile.name())
}

/// `conformance(fish)`, and of which system where that is not the name of the contract.
fn subject(clause: &ConformanceClause) -> String {
    let profile = clause.profile.name();
    if clause.system == profile {
        return format!("conformance({profile})");
    }
    format!("conformance({profile}) of {}", clause.system)
}

/// The same, and what of it was asked for: a part that holds says nothing of the rest.
fn title(clause: &ConformanceClause) -> String {
    match clause.select.as_slice() {
        [] => subject(clause),
        select => format!("{}, only {}", subject(clause), select.join(", ")),
    }
}
