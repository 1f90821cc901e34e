//! `junit.xml`: one case per finding, one suite per group, for the viewers of CI systems. GitLab tells cases apart by
//! class and name, and GitHub's viewers read a time of each; so both are always there.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::labels::clipped;
use super::{Report, figures, labels};
use crate::judge::{Finding, Group, Outcome, Verdict};

/// Most characters of a name; GitLab keeps 255.
const NAME_MAX: usize = 240;
/// Most characters of a message, and of the text below it.
const MESSAGE_MAX: usize = 1_000;
const TEXT_MAX: usize = 4_000;

/// The suites, in order, by their names in the file.
const GROUPS: &[(Group, &str)] = &[
    (Group::Validity, "validity"),
    (Group::Slo, "slo"),
    (Group::Ledger, "ledger"),
    (Group::Scaling, "scaling"),
    (Group::Conformance, "conformance"),
    (Group::Regression, "regression"),
];

pub(super) fn render(report: &Report) -> Vec<u8> {
    let mut junit = Junit::new(clipped(&format!("proofload {}", report.run.scenario), NAME_MAX));
    junit.set_time(Duration::from_millis(report.run.lasted_ms));
    for (group, name) in GROUPS {
        let mut suite = TestSuite::new(*name);
        suite.set_time(Duration::ZERO);
        let found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.group == *group).collect();
        let classes = labels::unique(found.iter().map(|finding| clipped(&finding.id, NAME_MAX)));
        suite.add_test_cases(found.into_iter().zip(&classes).map(|(finding, class)| case(finding, class)));
        if *group == Group::Validity {
            suite.add_test_cases(silent_verdict(report));
        }
        if !suite.test_cases.is_empty() {
            suite.add_property(("environment", clipped(&report.run.environment, NAME_MAX).as_str()));
            suite.add_property(("seed", report.run.seed.to_string().as_str()));
            junit.add_test_suite(suite);
        }
    }
    junit.to_string().expect("a report holds nothing that XML cannot").into_bytes()
}

fn case(finding: &Finding, class: &str) -> TestCase {
    let status = match finding.outcome {
        Outcome::Pass | Outcome::Warning => TestCaseStatus::success(),
        Outcome::Fail => no_success(NonSuccessKind::Failure, finding),
        Outcome::Inconclusive | Outcome::Invalid => no_success(NonSuccessKind::Error, finding),
        Outcome::NotJudged => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(message(finding));
            status
        }
    };
    let mut case = timed(&clipped(&finding.title, NAME_MAX), class, status);
    if matches!(finding.outcome, Outcome::Pass | Outcome::Warning) {
        case.set_system_out(told(finding));
    }
    case
}

fn no_success(kind: NonSuccessKind, finding: &Finding) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word(finding.outcome)).set_message(message(finding)).set_description(told(finding));
    status
}

/// A rule takes no time of its own.
fn timed(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class).set_time(Duration::ZERO);
    case
}

/// One line that says without the rest of the report what is wrong.
fn message(finding: &Finding) -> String {
    match finding.outcome {
        Outcome::Pass | Outcome::Fail => clipped(&finding.message, MESSAGE_MAX),
        outcome => clipped(&format!("{outcome}: {}", finding.message), MESSAGE_MAX),
    }
}

/// The rule, why, and the figures behind it.
fn told(finding: &Finding) -> String {
    let mut lines = vec![clipped(&finding.title, TEXT_MAX), clipped(&message(finding), TEXT_MAX)];
    if let Some(figure) = &finding.figure {
        let margin = figures::margin_of(finding).map_or_else(String::new, |margin| format!(", {margin}"));
        let interval = figures::interval(figure).map_or_else(String::new, |range| format!(" ({range})"));
        let (value, limit) = (figures::value(figure), figures::limit(figure));
        lines.push(clipped(&format!("{value}{interval}, limit {limit}{margin}"), TEXT_MAX));
    }
    // A check is one look, and a profile says itself how many it has.
    if !matches!(finding.group, Group::Validity | Group::Conformance) {
        lines.push(format!("{} samples", finding.samples));
    }
    lines.extend(finding.needed.map(|needed| format!("{needed} more samples would decide")));
    lines.join("\n")
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fail => "fail",
        Outcome::Invalid => "invalid",
        _ => "inconclusive",
    }
}

/// A case for a verdict that no finding shows, as of a stopped run: otherwise the file would look green.
fn silent_verdict(report: &Report) -> Option<TestCase> {
    let red = |finding: &Finding| matches!(finding.outcome, Outcome::Fail | Outcome::Inconclusive | Outcome::Invalid);
    if report.verdict == Verdict::Pass || report.findings.iter().any(red) {
        return None;
    }
    let kind = if report.verdict == Verdict::Fail { NonSuccessKind::Failure } else { NonSuccessKind::Error };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(report.verdict.to_string().to_lowercase());
    status.set_message(clipped(&format!("{}: {}", report.verdict, report.reason), MESSAGE_MAX));
    Some(timed("the run as a whole", "verdict", status))
}
