//! Contracts: how their checks came out by area, and those that did not pass, with the request that shows it.

use super::rows::NOTHING;
use crate::conformance::{Level, Outcome as Came};
use crate::evidence::CheckEvidence;
use crate::judge::{Group, Outcome};
use crate::report::look::look;
use crate::report::{AreaCounts, ConformanceSummary, Report, conformance, words};

/// Most contracts with a table.
const CONTRACTS_MAX: usize = 6;
/// Most areas of one contract.
const AREAS_MAX: usize = 40;
/// Most checks that are told with their evidence.
const CHECKS_MAX: usize = 25;
/// Most reasons for which checks were not carried out.
const REASONS_MAX: usize = 8;

pub(super) struct Contracts {
    /// Said where there is none.
    pub(super) note: String,
    pub(super) all: Vec<Contract>,
    pub(super) left_out: usize,
}

pub(super) struct Contract {
    /// `fish`, or `fish of harbour`.
    pub(super) heading: String,
    /// What came of it, and what was asked for, a sentence each.
    pub(super) told: Vec<String>,
    /// The page with everything, beside this one; empty if there is none.
    pub(super) page: String,
    /// MUST, and what else there is.
    pub(super) levels: Vec<&'static str>,
    pub(super) areas: Vec<AreaRow>,
    pub(super) checks: Vec<CheckRow>,
    pub(super) left_out: usize,
    /// `12 checks: no key for tokens was given`.
    pub(super) skipped: Vec<String>,
}

/// Passed, failed, undecided and not carried out, of each level.
pub(super) struct AreaRow {
    pub(super) area: String,
    pub(super) cells: Vec<Cell>,
}

/// A count; one that asks for a reader has a colour, and a sign that says it without.
pub(super) struct Cell {
    pub(super) class: &'static str,
    pub(super) text: String,
}

pub(super) struct CheckRow {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) outcome: &'static str,
    pub(super) level: &'static str,
    pub(super) id: String,
    pub(super) sentence: String,
    pub(super) source: String,
    pub(super) message: String,
    pub(super) repro: String,
}

pub(super) fn contracts(report: &Report) -> Contracts {
    Contracts {
        note: note(report),
        all: report.conformance.iter().take(CONTRACTS_MAX).map(contract).collect(),
        left_out: report.conformance.len().saturating_sub(CONTRACTS_MAX),
    }
}

fn note(report: &Report) -> String {
    let asked = report.findings.iter().find(|finding| finding.group == Group::Conformance);
    match (report.conformance.is_empty(), asked) {
        (false, _) => String::new(),
        (true, Some(finding)) => format!("Asked for, and not looked at: {}.", super::prose(&finding.message, 300)),
        (true, None) => "Not part of this run: its scenario asks for no contract.".to_owned(),
    }
}

fn contract(summary: &ConformanceSummary) -> Contract {
    let levels = [Level::Must, Level::Should, Level::May];
    let is_there = |level: &Level| summary.areas.iter().any(|area| area.level == *level);
    let levels: Vec<Level> = levels.into_iter().filter(is_there).collect();
    let mut shown: Vec<&CheckEvidence> =
        summary.not_passed.iter().filter(|check| check.outcome != Came::Skip).collect();
    shown.sort_by_key(|check| rank(outcome(check, summary.strict)));
    Contract {
        heading: words::clip(&conformance::heading(summary), 160),
        told: told(summary),
        page: summary.page.clone().unwrap_or_default(),
        areas: areas(summary, &levels),
        levels: levels.into_iter().map(Level::word).collect(),
        left_out: shown.len().saturating_sub(CHECKS_MAX),
        checks: shown.into_iter().take(CHECKS_MAX).map(|check| check_row(check, summary.strict)).collect(),
        skipped: skipped(&summary.not_passed),
    }
}

fn told(summary: &ConformanceSummary) -> Vec<String> {
    if let Some(why) = &summary.not_carried_out {
        return vec![format!("No check was carried out: {}.", super::prose(why, 400))];
    }
    let mut told = vec![format!("{}, suite {}.", summary.counts.told(), words::clip(&summary.suite_version, 40))];
    if summary.left_out > 0 {
        let selected = words::clip(&summary.selected.join(", "), 300);
        let others = words::count(summary.left_out as u64);
        told.push(format!("Asked for were only those that begin with {selected}. Not asked for: {others}."));
    }
    if summary.strict {
        told.push("A failed SHOULD counts as a failed MUST does.".to_owned());
    }
    told
}

fn areas(summary: &ConformanceSummary, levels: &[Level]) -> Vec<AreaRow> {
    let counts = &summary.areas;
    let mut rows: Vec<AreaRow> = Vec::new();
    let mut names: Vec<&str> = counts.iter().map(|area| area.area.as_str()).collect();
    names.dedup();
    for name in names.into_iter().take(AREAS_MAX) {
        let of = |level: &Level| counts.iter().find(|area| area.area == name && area.level == *level);
        let cells = levels.iter().flat_map(|level| cells(of(level), summary.strict));
        rows.push(AreaRow { area: words::clip(name, 80), cells: cells.collect() });
    }
    rows
}

fn cells(area: Option<&AreaCounts>, strict: bool) -> [Cell; 4] {
    let Some(AreaCounts { level, counts, .. }) = area else {
        return [(); 4].map(|()| Cell { class: "", text: NOTHING.to_owned() });
    };
    let binds = |outcome: Outcome| if level.is_binding(strict) { outcome } else { Outcome::Warning };
    let plain = |count: usize| Cell { class: "", text: count.to_string() };
    let told = |count: usize, outcome: Outcome| match (count, look(outcome)) {
        (0, _) => plain(0),
        (_, (class, sign)) => Cell { class, text: format!("{sign} {count}") },
    };
    [
        plain(counts.pass),
        told(counts.fail, binds(Outcome::Fail)),
        told(counts.error + counts.inconclusive, binds(Outcome::Inconclusive)),
        plain(counts.skip),
    ]
}

/// How a check that did not pass weighs: what does not count only warns.
fn outcome(check: &CheckEvidence, strict: bool) -> Outcome {
    match (check.level.is_binding(strict), check.outcome) {
        (true, Came::Fail) => Outcome::Fail,
        (true, _) => Outcome::Inconclusive,
        (false, _) => Outcome::Warning,
    }
}

fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fail => 0,
        Outcome::Warning => 2,
        _ => 1,
    }
}

fn check_row(check: &CheckEvidence, strict: bool) -> CheckRow {
    let (class, sign) = look(outcome(check, strict));
    CheckRow {
        class,
        sign,
        outcome: check.outcome.word(),
        level: check.level.word(),
        id: words::clip(&check.id, 120),
        sentence: words::clip(&check.sentence, 200),
        source: words::clip(&check.source, 120),
        message: words::clip(&check.message, 500),
        repro: words::clip(check.repro.as_deref().unwrap_or_default(), 400),
    }
}

/// Checks that were not carried out, by why.
fn skipped(checks: &[CheckEvidence]) -> Vec<String> {
    let skipped = || checks.iter().filter(|check| check.outcome == Came::Skip);
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for check in skipped() {
        match reasons.iter_mut().find(|(reason, _)| *reason == check.message) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&check.message, 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = |(reason, count): &(&str, usize)| {
        let checks = if *count == 1 { "check" } else { "checks" };
        format!("{count} {checks}: {}", super::prose(reason, 200))
    };
    reasons.iter().take(REASONS_MAX).map(told).collect()
}
