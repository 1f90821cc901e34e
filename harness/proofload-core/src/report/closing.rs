//! The five lines that a terminal shows when a run has ended; a sixth where contracts were asked for.

use super::{CostSummary, Report, figures, words};
use crate::evidence::StepKind;
use crate::judge::{Figure, Finding, Group};

/// Most characters of one line after its head.
const LINE_MAX: usize = 400;
/// Most rules or steps named in one line.
const NAMED_MAX: usize = 3;

/// Verdict, load, latency, jobs, scaling and contracts in a line each: plain text that anyone understands.
pub fn closing_lines(report: &Report) -> Vec<String> {
    let line = |head: &str, text: String| format!("{head:<13} {}", words::clip(&text, LINE_MAX));
    let mut lines = vec![
        line(&report.verdict.to_string(), report.reason.clone()),
        line("load", load(report)),
        line("latency", latency(report)),
        line("jobs", jobs(report)),
        line("scaling", scaling(report)),
    ];
    lines.extend(conformance(report).map(|told| line("conformance", told)));
    lines
}

/// What was asked for, and what was delivered of it.
pub(super) fn load(report: &Report) -> String {
    let load = &report.load;
    if load.due == 0 {
        return "nothing was due".to_owned();
    }
    let sent = format!(
        "{} arrivals asked ({}), {} sent ({}), {} dropped",
        words::count(load.due),
        words::value(load.asked_per_second, "/s"),
        words::count(load.dispatched),
        words::share_of(load.dispatched, load.due),
        words::count(load.dropped),
    );
    let requests = || report.steps.iter().filter(|step| step.kind == StepKind::Request);
    let wrong: u64 = requests().map(|step| step.errors + step.broken).sum();
    let due: u64 = requests().map(|step| step.due).sum();
    format!("{sent}; {} of {} requests went wrong", words::count(wrong), words::count(due))
}

/// The latency rules with their values; the steps themselves where no rule is about latency.
fn latency(report: &Report) -> String {
    let ranked = figures::ranked(&report.findings);
    let timed = |finding: &&Finding| finding.group == Group::Slo && figure_ms(finding).is_some();
    let rules: Vec<&Finding> = ranked.into_iter().filter(timed).collect();
    if rules.is_empty() {
        return untimed(report);
    }
    let told = |finding: &&Finding| {
        let figure = figure_ms(finding).expect("filtered for it");
        let margin = figures::margin_of(finding).map_or_else(String::new, |margin| format!(", {margin}"));
        let subject = finding.title.split(" ≤ ").next().unwrap_or_default();
        let interval =
            figures::interval(figure).map_or_else(String::new, |interval| format!(", 99 % interval {interval}"));
        let limit = words::value(figure.limit, "ms");
        format!("{subject} {} (limit {limit}{margin}{interval})", figures::value(figure))
    };
    and_more(rules.iter().take(NAMED_MAX).map(told).collect(), rules.len())
}

fn figure_ms(finding: &Finding) -> Option<&Figure> {
    finding.figure.as_ref().filter(|figure| figure.unit == "ms")
}

fn untimed(report: &Report) -> String {
    let answered = |step: &&super::StepSummary| step.answered > 0;
    let steps: Vec<_> = report.steps.iter().filter(answered).collect();
    if steps.is_empty() {
        return "no request was answered".to_owned();
    }
    let told = |step: &&super::StepSummary| {
        let ms = |value: f64| words::value(value, "ms");
        let times = step.response_ms;
        format!("{} p50 {}, p95 {}, p99 {} (no limit judged)", step.name, ms(times.p50), ms(times.p95), ms(times.p99))
    };
    and_more(steps.iter().take(NAMED_MAX).map(told).collect(), steps.len())
}

fn and_more(mut told: Vec<String>, all: usize) -> String {
    if all > told.len() {
        told.push(format!("and {} more", all - told.len()));
    }
    told.join("; ")
}

/// All ledgers in one sentence.
pub(super) fn jobs(report: &Report) -> String {
    if report.ledgers.is_empty() {
        return "no flow of this scenario holds jobs".to_owned();
    }
    let sum = |pick: fn(&crate::evidence::LedgerEvidence) -> u64| report.ledgers.iter().map(pick).sum::<u64>();
    let accepted = sum(|ledger| ledger.accepted);
    if accepted == 0 {
        return "no job was accepted".to_owned();
    }
    let mut parts = vec![
        format!("{} accepted: {} succeeded", words::count(accepted), words::count(sum(|ledger| ledger.succeeded))),
        format!("{} lost", words::count(sum(|ledger| ledger.lost))),
        format!("{} ids given twice", words::count(sum(|ledger| ledger.duplicated))),
    ];
    let others = [
        ("failed", sum(|ledger| ledger.failed)),
        ("dead-lettered", sum(|ledger| ledger.dead_lettered)),
        ("cancelled", sum(|ledger| ledger.cancelled)),
        ("expired", sum(|ledger| ledger.expired)),
        ("unsettled", sum(|ledger| ledger.unsettled)),
    ];
    let seen = others.into_iter().filter(|(_, count)| *count > 0);
    parts.extend(seen.map(|(fate, count)| format!("{} {fate}", words::count(count))));
    parts.join(", ")
}

/// Every scaled workload in a few words.
pub(super) fn scaling(report: &Report) -> String {
    if report.scaling.is_empty() {
        return "no cluster was watched".to_owned();
    }
    let told = |scaled: &super::ScalingSummary| {
        let decisions = words::count(scaled.syncs);
        format!(
            "{} up to {} replicas ready, {} at the end, {decisions} decisions",
            scaled.target, scaled.ready_max, scaled.ready_last
        )
    };
    and_more(report.scaling.iter().take(NAMED_MAX).map(told).collect(), report.scaling.len())
}

/// Every contract in a few words; `None` where none was asked for.
pub(super) fn conformance(report: &Report) -> Option<String> {
    if report.conformance.is_empty() {
        let asked = report.findings.iter().find(|finding| finding.group == Group::Conformance);
        return asked.map(|finding| format!("not looked at: {}", finding.message));
    }
    let told = report.conformance.iter().take(NAMED_MAX).map(super::conformance::told).collect();
    Some(and_more(told, report.conformance.len()))
}

/// What the run cost and what made the most of it.
pub(super) fn cost(cost: &CostSummary) -> String {
    let total = format!("{} in all, {} an hour", cost.money(cost.total), cost.money(cost.hourly));
    let workloads = cost.workloads.iter().map(|it| {
        let hours = it.replica_hours.map_or_else(|| words::UNKNOWN.to_owned(), words::digits);
        format!("{} {hours} replica-hours at {}, {}", it.target, it.price, cost.money(it.amount))
    });
    let fixed: f64 = cost.fixed.iter().map(|it| it.amount).sum();
    let fixed = (!cost.fixed.is_empty()).then(|| format!("fixed parts {}", cost.money(Some(fixed))));
    let jobs = cost.per_1000.iter().map(|it| format!("{} per 1,000 {}", cost.money(it.amount), it.flow));
    let told = [
        and_more(workloads.take(NAMED_MAX).collect(), cost.workloads.len()),
        fixed.unwrap_or_default(),
        and_more(jobs.take(NAMED_MAX).collect(), cost.per_1000.len()),
    ];
    let told = told.into_iter().filter(|part| !part.is_empty());
    std::iter::once(total).chain(told).collect::<Vec<_>>().join("; ")
}
