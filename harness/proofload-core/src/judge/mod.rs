//! From evidence to a verdict. A pure function of scenario and record, so a stored run can be judged again.

mod burn;
mod checks;
mod comparison;
mod conformance;
mod cost;
mod finding;
mod judgement;
mod ledger;
mod power;
mod regression;
mod scaling;
pub mod search;
mod slo;
mod standing;
pub mod statistics;
mod steadiness;
pub mod turns;
mod validity;

pub use burn::{Burn, BurnCount, BurnRule, burn_rules};
pub use comparison::{Comparison, Design, compare, compare_runs};
pub(crate) use cost::{PricedWorkload, has_one_clock, rounded, speed, spending};
pub use finding::{Figure, Finding, Group, Outcome, Verdict};
pub use judgement::{Judgement, comparable_rules, judge_runs, pairs_least};
pub use power::{Detectable, POWER, detectable};
pub(crate) use slo::PER_1000;
pub use slo::samples_least;
pub use standing::{SecondCounts, Standing, StandingState, Standings};
pub use validity::{Signal, Unfit, unfit_above};

use crate::baseline::{Baseline, BaselineRun};
use crate::evidence::{Aborted, RunEnd, RunRecord};
use crate::report::Report;
use crate::scenario::Scenario;

/// The confidence at which percentile rules pass and fail, per rule.
pub const CONFIDENCE: f64 = 0.99;

/// What the environment can answer, so that a rule that needs more reads NOT JUDGED HERE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "one for each part that an environment may have")]
pub struct Abilities {
    /// A Prometheus can be asked.
    pub prometheus: bool,
    /// A Kubernetes cluster is watched.
    pub kubernetes: bool,
    /// Any cluster is watched.
    pub cluster: bool,
    /// Things have prices.
    pub prices: bool,
}

impl Abilities {
    /// What a record shows the environment to have had.
    pub fn of(record: &RunRecord) -> Self {
        let kind = record.cluster.as_ref().map(|cluster| cluster.kind.as_str());
        Self {
            prometheus: !record.external.is_empty(),
            kubernetes: kind.is_some_and(|kind| kind != "local"),
            cluster: kind.is_some(),
            prices: record.prices.is_some(),
        }
    }

    fn has(self, need: &str) -> bool {
        match need {
            "prometheus" => self.prometheus,
            "kubernetes" => self.kubernetes,
            "cluster" => self.cluster,
            "prices" => self.prices,
            _ => false,
        }
    }
}

/// Judges a run.
pub fn judge(scenario: &Scenario, record: &RunRecord) -> Report {
    judge_against(scenario, record, None)
}

/// Judges a run, and compares it with accepted ones where some are given.
pub fn judge_against(scenario: &Scenario, record: &RunRecord, baseline: Option<&Baseline>) -> Report {
    let abilities = Abilities::of(record);
    let signals = validity::signals(scenario, record);
    let mut findings = validity::findings(&signals);
    findings.extend(scenario.slos.iter().map(|slo| slo::judge_slo(slo, scenario, record, abilities)));
    findings.extend(steadiness::judge(scenario, record));
    findings.extend(record.aborted.iter().map(aborted));
    findings.extend(ledger::always(scenario, record));
    findings.extend(slo::uncovered_errors(scenario, record));
    findings.extend(checks::uncovered(scenario, record));
    findings.extend(judge_scaling_clauses(scenario, record));
    findings.extend(conformance::judge(scenario, record));
    if let Some(baseline) = baseline {
        let run = BaselineRun::of_findings(&findings, &record.run);
        findings.extend(regression::judge(&run, baseline, scenario.regression.tolerance));
    }
    let (verdict, reason) = weigh(&findings, record);
    Report::new(record, verdict, reason, findings, signals)
}

/// The rule that ended the run early did not hold, whatever so short a run shows of it otherwise.
fn aborted(aborted: &Aborted) -> Finding {
    let id = format!("aborted.{}", aborted.rule);
    Finding::plain(Group::Slo, &id, aborted.rule.clone(), Outcome::Fail, aborted.why.clone())
}

/// What would be said of the scenario's scaling clauses, were the run to end now.
pub fn judge_scaling_clauses(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    scenario.scaling.iter().flat_map(|clause| scaling::judge_scaling(clause, record)).collect()
}

/// One verdict of many findings. Observed facts outrank a failed instrument, which outranks every timing.
fn weigh(findings: &[Finding], record: &RunRecord) -> (Verdict, String) {
    let first = |wanted: &dyn Fn(&Finding) -> bool| findings.iter().find(|finding| wanted(finding));
    let count = |outcome: Outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    if let Some(fact) = first(&|finding| finding.outcome == Outcome::Fail && finding.group.is_fact()) {
        return (Verdict::Fail, told(fact, count(Outcome::Fail) - 1));
    }
    if let Some(broken) = first(&|finding| finding.outcome == Outcome::Invalid) {
        return (Verdict::Invalid, told(broken, count(Outcome::Invalid) - 1));
    }
    if matches!(record.run.end, RunEnd::Running | RunEnd::Interrupted) {
        // Contracts are looked at when all else is over.
        let when = if record.conformance.is_empty() { "before its plan ended" } else { "before all checks were made" };
        return (Verdict::Inconclusive, format!("the run was stopped {when}"));
    }
    if let Some(failed) = first(&|finding| finding.outcome == Outcome::Fail) {
        return (Verdict::Fail, told(failed, count(Outcome::Fail) - 1));
    }
    if let Some(open) = first(&|finding| finding.outcome == Outcome::Inconclusive) {
        return (Verdict::Inconclusive, told(open, count(Outcome::Inconclusive) - 1));
    }
    match count(Outcome::Pass) {
        0 => (Verdict::Inconclusive, "no rule was judged, so nothing was shown".to_owned()),
        1 => (Verdict::Pass, "the one rule that was judged holds".to_owned()),
        passed => (Verdict::Pass, format!("all {passed} rules that were judged hold")),
    }
}

/// A finding in a sentence, and how many others say the same.
fn told(finding: &Finding, others: usize) -> String {
    match others {
        0 => format!("{}: {}", finding.title, finding.message),
        _ => format!("{}: {} (and {others} more)", finding.title, finding.message),
    }
}
