//! `conformance.md`, for job summaries and pull requests: the verdict, what needs a reader, then every check in a line.

use super::command;
use crate::conformance::{CheckResult, ConformanceReport, Outcome};

pub(super) fn render(report: &ConformanceReport) -> String {
    let run = &report.heading;
    let counts = &report.counts;
    let mut text = format!(
        "# Conformance: {profile}, {result}\n\n{reason}.\n\n\
         Target {target}, {date}, suite {version}.\n\n\
         | pass | fail | error | inconclusive | skip |\n|---|---|---|---|---|\n| {} | {} | {} | {} | {} |\n",
        counts.pass,
        counts.fail,
        counts.error,
        counts.inconclusive,
        counts.skip,
        profile = run.profile,
        result = report.result.word(),
        reason = sentence(&report.reason),
        target = cell(&run.target),
        date = run.date,
        version = run.suite_version,
    );
    for check in report.checks.iter().filter(|check| !matches!(check.outcome, Outcome::Pass | Outcome::Skip)) {
        text += &finding(check);
    }
    text += "\n## Every check\n\n| check | level | outcome | what a conformant target does |\n|---|---|---|---|\n";
    text.extend(report.checks.iter().map(row));
    text + &format!("\n## Repeat\n\n{}", fence(&command(report)))
}

fn finding(check: &CheckResult) -> String {
    let repro = check.repro.iter().map(|line| format!("\n{}", fence(line)));
    let repro: String = repro.collect();
    format!(
        "\n## {}: {} ({})\n\n{} ({})\n\n{}\n{repro}",
        cell(&check.id),
        check.outcome.word(),
        check.level.word(),
        cell(&check.sentence),
        cell(&check.source),
        sentence(&cell(&check.message)),
    )
}

fn row(check: &CheckResult) -> String {
    let reason = check.skip_reason.map_or_else(String::new, |reason| format!(" ({})", reason.word()));
    let (outcome, level) = (check.outcome.word(), check.level.word());
    format!("| `{}` | {level} | {outcome}{reason} | {} |\n", cell(&check.id), cell(&check.sentence))
}

/// A command as a block of code that it cannot leave.
fn fence(line: &str) -> String {
    format!("```\n{}\n```\n", line.replace("```", "'''").replace('\n', " "))
}

/// What came over the wire must not break the table or become markup.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").replace('<', "&lt;").replace('`', "'")
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
