//! What a comparison of runs comes to, over all of its rules: findings, whether there are runs enough, one verdict.

use super::comparison::{ALARM, Design, RUNS_MIN, compare_runs};
use super::finding::{Finding, Outcome, Verdict};
use super::told;
use crate::baseline::BaselineRun;
use crate::scenario::{Scenario, Sli};

/// What a comparison comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Slower than tolerated, no slower, or not to be said.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// What is said of each rule.
    pub findings: Vec<Finding>,
    /// Why so few runs cannot say what was asked, where that is so.
    too_few: Option<String>,
}

/// Judges later runs against earlier ones.
pub fn judge_runs(before: &[&BaselineRun], after: &[&BaselineRun], design: Design, tolerance: f64) -> Judgement {
    let is_few = before.len() < RUNS_MIN;
    let findings = match design {
        // One run or groups could pass on too little; fewer than five pairs can do neither by their ranks.
        Design::One | Design::Groups if is_few => Vec::new(),
        _ => compare_runs(before, after, design, tolerance),
    };
    let any = |outcome: Outcome| findings.iter().any(|finding| finding.outcome == outcome);
    let verdict = match () {
        () if is_few || findings.is_empty() => Verdict::Inconclusive,
        () if any(Outcome::Fail) => Verdict::Fail,
        () if any(Outcome::Inconclusive) => Verdict::Inconclusive,
        () => Verdict::Pass,
    };
    let too_few = too_few(before.len(), after.len(), design, &findings).filter(|_| verdict == Verdict::Inconclusive);
    let reason = too_few.clone().unwrap_or_else(|| reason(verdict, &findings, tolerance));
    Judgement { verdict, reason, findings, too_few }
}

impl Judgement {
    /// A line for each rule; before them, why they cannot say what was asked, where that is so.
    pub fn lines(&self) -> Vec<String> {
        let line = |head: &dyn std::fmt::Display, text: &str| format!("{:<13} {text}", head.to_string());
        let nothing = self.findings.is_empty().then_some(&self.reason);
        let head = self.too_few.as_ref().or(nothing).map(|why| line(&self.verdict, why));
        let rule = |finding: &Finding| line(&finding.outcome, &format!("{}: {}", finding.title, finding.message));
        head.into_iter().chain(self.findings.iter().map(rule)).collect()
    }
}

fn reason(verdict: Verdict, findings: &[Finding], tolerance: f64) -> String {
    let deciding = |finding: &&Finding| finding.outcome == verdict.outcome();
    let others = findings.iter().filter(deciding).count().saturating_sub(1);
    match (verdict, findings.iter().find(deciding)) {
        (Verdict::Fail | Verdict::Inconclusive, Some(finding)) => told(finding, others),
        (Verdict::Pass, _) => format!("no rule is more than {:.1} % worse than before", tolerance * 100.0),
        _ => "no rule on a time or a rate was measured, so there is nothing to compare".to_owned(),
    }
}

fn too_few(before: usize, after: usize, design: Design, findings: &[Finding]) -> Option<String> {
    let least = pairs_least(findings.len());
    match design {
        Design::Pairs if before < RUNS_MIN => {
            Some(format!("fewer than {RUNS_MIN} pairs show no more than how runs differ; make {least} or more"))
        }
        Design::Pairs if before < least && !findings.is_empty() => {
            let one =
                if findings.len() == 1 { "a rule".to_owned() } else { format!("one of {} rules", findings.len()) };
            Some(format!("{before} pairs cannot show that {one} got worse; make {least} or more"))
        }
        Design::One | Design::Groups if before < RUNS_MIN => Some(format!(
            "{after} against {before} runs show no more than how they differ; give folders of {RUNS_MIN} runs or more"
        )),
        _ => None,
    }
}

/// The fewest pairs that can show one of so many rules to be slower. By accident all of k pairs lean one way with a
/// probability of 2^−k (Wilcoxon 1945), and the smallest probability must stand against all rules (Holm 1979).
pub fn pairs_least(rules: usize) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "few rules")]
    let line = ALARM / rules.max(1) as f64;
    let mut pairs = 1;
    let mut probability = 0.5;
    while probability > line {
        pairs += 1;
        probability /= 2.0;
    }
    pairs
}

/// How many rules of a scenario can be compared between runs: those on times and rates.
pub fn comparable_rules(scenario: &Scenario) -> usize {
    scenario.slos.iter().filter(|slo| slo.sli.is_time() || matches!(slo.sli, Sli::Throughput(_))).count()
}
