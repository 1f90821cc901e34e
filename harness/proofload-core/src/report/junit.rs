//! `junit.xml`: one case per finding, one suite per group, for the viewers of CI systems.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use crate::judge::{Finding, Group, Outcome, Verdict};

/// The suites, in order, by their names in the file.
const GROUPS: &[(Group, &str)] = &[
    (Group::Validity, "validity"),
    (Group::Slo, "slo"),
    (Group::Ledger, "ledger"),
    (Group::Scaling, "scaling"),
    (Group::Regression, "regression"),
];

pub(super) fn render(report: &Report) -> Vec<u8> {
    let mut junit = Junit::new(text(&format!("proofload {}", report.run.scenario)));
    junit.set_time(Duration::from_millis(report.run.lasted_ms));
    for (group, name) in GROUPS {
        let mut suite = TestSuite::new(*name);
        suite.add_test_cases(report.findings.iter().filter(|finding| finding.group == *group).map(case));
        if *group == Group::Validity {
            suite.add_test_cases(silent_verdict(report));
        }
        if !suite.test_cases.is_empty() {
            suite.add_property(("environment", text(&report.run.environment).as_str()));
            suite.add_property(("seed", report.run.seed.to_string().as_str()));
            junit.add_test_suite(suite);
        }
    }
    junit.to_string().expect("a report holds nothing that XML cannot").into_bytes()
}

fn case(finding: &Finding) -> TestCase {
    let told = format!("{}\n{}\n{} samples", finding.title, finding.message, finding.samples);
    let status = match finding.outcome {
        Outcome::Pass | Outcome::Warning => TestCaseStatus::success(),
        Outcome::Fail => no_success(NonSuccessKind::Failure, finding, &told),
        Outcome::Inconclusive | Outcome::Invalid => no_success(NonSuccessKind::Error, finding, &told),
        Outcome::NotJudged => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(text(&finding.message));
            status
        }
    };
    let mut case = TestCase::new(text(&finding.title), status);
    case.set_classname(text(&finding.id));
    match finding.outcome {
        Outcome::Pass => case.set_system_out(text(&finding.message)),
        Outcome::Warning => case.set_system_out(text(&format!("WARNING: {}", finding.message))),
        _ => &mut case,
    };
    case
}

fn no_success(kind: NonSuccessKind, finding: &Finding, told: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word(finding.outcome)).set_message(text(&finding.message)).set_description(text(told));
    status
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
    status.set_type(report.verdict.to_string().to_lowercase()).set_message(text(&report.reason));
    let mut case = TestCase::new("the run as a whole", status);
    case.set_classname("verdict");
    Some(case)
}

/// Without the two code points that XML forbids and the library lets through.
fn text(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "")
}
