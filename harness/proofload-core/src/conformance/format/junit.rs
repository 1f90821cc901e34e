//! `conformance.junit.xml`, for CI systems: a failed check is a failure; a fault of the harness, or a check that proved
//! nothing, is an error; what was not carried out is skipped with its reason.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::conformance::{CheckResult, ConformanceReport, Outcome};

pub(super) fn render(report: &ConformanceReport) -> String {
    let run = &report.heading;
    let mut suite = TestSuite::new(format!("conformance {}", run.profile));
    suite.set_time(Duration::ZERO);
    suite.add_properties([
        Property::new("target", run.target.as_str()),
        Property::new("date", run.date.as_str()),
        Property::new("suite_version", run.suite_version.as_str()),
        Property::new("result", report.result.word()),
    ]);
    suite.add_test_cases(report.checks.iter().map(case));
    let mut junit = Report::new("proofload conformance");
    junit.add_test_suite(suite);
    junit.to_string().expect("writing XML to a string cannot fail")
}

fn case(check: &CheckResult) -> TestCase {
    let mut status = match check.outcome {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Error | Outcome::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Skip => TestCaseStatus::skipped(),
    };
    if check.outcome != Outcome::Pass {
        let kind = check.skip_reason.map_or(check.outcome.word(), |reason| reason.word());
        status.set_type(kind);
        status.set_message(message(check, kind));
        status.set_description(description(check));
    }
    let mut case = TestCase::new(check.id.as_str(), status);
    case.set_classname(format!("{} {}", check.level.word(), check.feature)).set_time(Duration::ZERO);
    case
}

/// What is neither failed nor passed says so, for viewers that show the message alone.
fn message(check: &CheckResult, kind: &str) -> String {
    match check.outcome {
        Outcome::Fail => check.message.clone(),
        _ => format!("{}: {}", kind.to_uppercase(), check.message),
    }
}

fn description(check: &CheckResult) -> String {
    let repro = check.repro.iter().map(|line| format!("\n{line}"));
    let exchanges = check.exchanges.iter().map(|exchange| {
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("\n{} -> {status} {}", exchange.request, exchange.answer)
    });
    format!("{} ({})", check.sentence, check.source) + &repro.chain(exchanges).collect::<String>()
}
