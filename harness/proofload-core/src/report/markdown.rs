//! `summary.md`: at most 60 lines for the job summary of a CI system.

use super::{Report, StepSummary, closing, figures, words};
use crate::evidence::StepKind;
use crate::judge::{Finding, Outcome, Verdict};

/// Most rules that are listed; the rest is in `report.html`.
const RULES_MAX: usize = 20;
/// Most steps that are listed.
const STEPS_MAX: usize = 12;
/// Most characters of a sentence.
const TEXT_MAX: usize = 300;

pub(super) fn render(report: &Report) -> Vec<u8> {
    let run = &report.run;
    let mut lines = vec![
        format!("# {} {}: {}", sign(report), report.verdict, cell(&run.scenario)),
        String::new(),
        format!("**{}**", cell(&report.reason)),
        String::new(),
        format!("- Load: {}", cell(&closing::load(report))),
        format!("- Jobs: {}", cell(&closing::jobs(report))),
        format!("- Scaling: {}", cell(&closing::scaling(report))),
        format!("- Conformance: {}", conformance(report)),
    ];
    lines.extend(report.cost.as_ref().map(|cost| format!("- Cost: {}", cell(&closing::cost(cost)))));
    lines.extend([
        format!("- May it be trusted? {}", cell(&trust(report))),
        format!("- Signals: {}", signals(report)),
        format!("- Calibration before the run: {}", cell(&words::calibration(report.calibration.as_ref()))),
        String::new(),
    ]);
    lines.extend(rules(report));
    lines.extend(steps(report));
    lines.push(format!(
        "{} on {}, {}, {}; proofload {}, seed {}, environment {}.",
        cell(&run.id),
        cell(&run.environment),
        words::moment(run.started_unix_ms),
        words::length(run.lasted_ms),
        cell(&run.version),
        run.seed,
        cell(&words::clip(&run.environment_hash, 12)),
    ));
    lines.push(format!("Again: {}", code(&run.command)));
    let mut text = lines.join("\n");
    text.push('\n');
    text.into_bytes()
}

fn sign(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "❔",
        Verdict::Invalid => "⚠️",
    }
}

/// What proofload's own signals say, in one sentence.
pub(super) fn trust(report: &Report) -> String {
    let told = |outcome: Outcome| {
        let signals = report.signals.iter().filter(|signal| signal.outcome() == outcome);
        let told: Vec<String> =
            signals.map(|signal| format!("{} {}", signal.title, words::maybe(signal.value, &signal.unit))).collect();
        told.join("; ")
    };
    let (invalid, warning) = (told(Outcome::Invalid), told(Outcome::Warning));
    if !invalid.is_empty() {
        let facts = match report.conformance.len() {
            0 => "Its counts of jobs",
            _ => "Its counts of jobs and what checks saw",
        };
        let answer = if report.verdict == Verdict::Fail {
            format!("{facts}, yes; its times and rates, no")
        } else {
            "No".to_owned()
        };
        return format!("{answer}: {invalid}");
    }
    if report.load.due == 0 {
        return "Nothing was sent, so there is nothing to trust".to_owned();
    }
    let unknown = report.signals.iter().filter(|signal| signal.value.is_none()).count();
    let lag = words::value(report.load.wake_lag_ms.p99, "ms");
    let answer = if warning.is_empty() {
        format!("Yes: proofload was on time (wake lag p99 {lag}) and no signal of its own warns")
    } else {
        format!("Yes, with care: {warning}")
    };
    match unknown {
        0 => answer,
        _ => format!("{answer}; this machine does not say {unknown} of {} signals", report.signals.len()),
    }
}

/// Every contract in a few words, and where all of its checks are told.
fn conformance(report: &Report) -> String {
    let told = cell(&closing::conformance(report).unwrap_or_else(|| "not asked for".to_owned()));
    let pages: Vec<&str> = report.conformance.iter().filter_map(|contract| contract.page.as_deref()).collect();
    match pages.as_slice() {
        [] => told,
        [page, ..] => format!("{told}; every check is told in `{}`", page.replace(".html", ".md")),
    }
}

/// Every signal by its id with its value; those that crossed a line stand out.
fn signals(report: &Report) -> String {
    let told = report.signals.iter().map(|signal| {
        let read = cell(&format!("{} {}", signal.id, words::maybe(signal.value, &signal.unit)));
        match signal.outcome() {
            Outcome::Pass => read,
            crossed => format!("**{read} {crossed}**"),
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

fn rules(report: &Report) -> Vec<String> {
    let ranked = figures::ranked(&report.findings);
    if ranked.is_empty() {
        return vec!["No rule was judged.".to_owned(), String::new()];
    }
    let mut lines = vec![
        "| outcome | rule | value | limit | margin | samples | why |".to_owned(),
        "|---|---|--:|--:|--:|--:|---|".to_owned(),
    ];
    lines.extend(ranked.iter().take(RULES_MAX).map(|finding| rule(finding)));
    lines.push(String::new());
    if ranked.len() > RULES_MAX {
        lines.push(format!("{} more rules are in `report.html`.", ranked.len() - RULES_MAX));
        lines.push(String::new());
    }
    lines
}

fn rule(finding: &Finding) -> String {
    let figure = finding.figure.as_ref();
    let of = |text: Option<String>| cell(&text.unwrap_or_else(|| "–".to_owned()));
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |",
        finding.outcome,
        cell(&finding.title),
        of(figure.map(figures::value)),
        of(figure.map(figures::limit)),
        of(figures::margin_of(finding)),
        words::count(finding.samples),
        cell(&finding.message),
    )
}

fn steps(report: &Report) -> Vec<String> {
    if report.steps.is_empty() {
        return vec!["No step was measured.".to_owned(), String::new()];
    }
    let mut lines = vec![
        "| step | due | answered | wrong | p50 | p95 | p99 | max |".to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(report.steps.iter().take(STEPS_MAX).map(step));
    lines.push(String::new());
    if report.steps.len() > STEPS_MAX {
        lines.push(format!("{} more steps are in `report.html`.", report.steps.len() - STEPS_MAX));
        lines.push(String::new());
    }
    lines
}

fn step(step: &StepSummary) -> String {
    let times = step.response_ms;
    let ms = |value: f64| if step.answered == 0 { "–".to_owned() } else { words::value(value, "ms") };
    let job = if step.kind == StepKind::Job { " (job)" } else { "" };
    format!(
        "| {}{job} | {} | {} | {} | {} | {} | {} | {} |",
        cell(&step.name),
        words::count(step.due),
        words::count(step.answered),
        words::count(step.errors + step.broken + step.dropped),
        ms(times.p50),
        ms(times.p95),
        ms(times.p99),
        ms(times.max),
    )
}

/// A text that cannot leave its table cell or become markup.
pub(super) fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for c in words::clip(text, TEXT_MAX).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' | '`' | '*' | '[' | ']' | '\\' | '#' | '~' => escaped.extend(['\\', c]),
            // No mention of a person, and no word made italic by accident.
            '@' => escaped.push_str("&#64;"),
            '_' => escaped.push_str("\\_"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A command as code, whatever backticks it holds.
fn code(text: &str) -> String {
    let text = words::clip(text, 4 * TEXT_MAX);
    let runs = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(runs + 1);
    if runs == 0 { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}
