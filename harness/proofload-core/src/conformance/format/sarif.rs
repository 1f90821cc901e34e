//! `conformance.sarif`, for code scanning: what failed, and what could not be decided. An API has no source file here, so
//! each result points at the evidence in `conformance.json`.

use crate::conformance::{CheckResult, ConformanceReport, Level, Outcome};
use crate::sarif::{Found, Rule, log};

pub(super) fn render(report: &ConformanceReport) -> String {
    let rules: Vec<Rule> = report.checks.iter().map(rule).collect();
    let found: Vec<Found> = report.checks.iter().enumerate().filter_map(|(place, check)| found(place, check)).collect();
    log(&format!("proofload conform {}", report.heading.profile), &rules, &found)
}

fn rule(check: &CheckResult) -> Rule {
    Rule {
        id: check.id.clone(),
        sentence: check.sentence.clone(),
        help: format!("{} ({}): {}", check.level.word(), check.source, check.sentence),
        level: level(check.level),
    }
}

fn found(place: usize, check: &CheckResult) -> Option<Found> {
    let level = match check.outcome {
        Outcome::Fail => Some(level(check.level)),
        Outcome::Error | Outcome::Inconclusive => None,
        Outcome::Pass | Outcome::Skip => return None,
    };
    let repeat = check.repro.as_ref().map_or_else(String::new, |line| format!("; repeat it with {line}"));
    Some(Found {
        rule: place,
        level,
        message: format!("{}: {}{repeat}", check.outcome.word(), check.message),
        file: "conformance.json".to_owned(),
        line: 1,
        about: check.exchanges.last().map_or_else(|| check.feature.clone(), |exchange| exchange.request.clone()),
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
        Level::May => "note",
    }
}
