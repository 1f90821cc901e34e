//! Contracts in a few figures each: by area, and every check that did not pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conformance::{ConformanceProfile, Counted, Counts, Level, Outcome, count};
use crate::evidence::{CheckEvidence, ConformanceAnswer, ConformanceEvidence};

/// What a contract's checks showed of one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConformanceSummary {
    /// The system.
    pub system: String,
    /// The contract.
    pub profile: ConformanceProfile,
    /// The system's base address.
    pub target: String,
    /// Version of the checks.
    pub suite_version: String,
    /// Whether a failed SHOULD counts.
    pub strict: bool,
    /// How the ids of the checks that were asked for begin; none means all.
    pub selected: Vec<String>,
    /// Why no check was carried out, where that is so.
    pub not_carried_out: Option<String>,
    /// How the checks that were asked for came out.
    pub counts: Counts,
    /// Checks of the profile that were not asked for.
    pub left_out: usize,
    /// The same counts by part of the contract; parts of which nothing was asked are left out.
    pub areas: Vec<AreaCounts>,
    /// Every check that was asked for and did not pass.
    pub not_passed: Vec<CheckEvidence>,
    /// The page with every check and its requests, beside the report.
    pub page: Option<String>,
}

/// How the checks of one part of a contract came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaCounts {
    /// The part.
    pub area: String,
    /// How binding these checks are.
    pub level: Level,
    /// How they came out.
    pub counts: Counts,
}

/// Where the files of a contract lie in the run folder, when so many contracts were asked for: beside the report, or each
/// in a folder of its own.
pub fn conformance_folder(index: usize, clauses: usize, profile: ConformanceProfile) -> String {
    match clauses {
        1 => String::new(),
        _ => format!("conformance/{}-{}/", index + 1, profile.name()),
    }
}

pub(super) fn summaries(evidence: &[ConformanceEvidence]) -> Vec<ConformanceSummary> {
    evidence.iter().enumerate().map(|(index, one)| summary(one, (index, evidence.len()))).collect()
}

fn summary(evidence: &ConformanceEvidence, (index, clauses): (usize, usize)) -> ConformanceSummary {
    let (checks, not_carried_out) = match &evidence.answer {
        ConformanceAnswer::Checked(checks) => (checks.as_slice(), None),
        ConformanceAnswer::NotCarriedOut(why) => (&[][..], Some(why.clone())),
    };
    let asked: Vec<&CheckEvidence> = checks.iter().filter(|check| check.was_asked_for()).collect();
    let folder = conformance_folder(index, clauses, evidence.profile);
    ConformanceSummary {
        system: evidence.system.clone(),
        profile: evidence.profile,
        target: evidence.target.clone(),
        suite_version: evidence.suite_version.clone(),
        strict: evidence.strict,
        selected: evidence.selected.clone(),
        page: not_carried_out.is_none().then(|| format!("{folder}conformance.html")),
        not_carried_out,
        counts: count_of(asked.iter().copied()),
        left_out: checks.len() - asked.len(),
        areas: areas(&asked),
        not_passed: asked.into_iter().filter(|check| check.outcome != Outcome::Pass).cloned().collect(),
    }
}

/// Areas in the order of the profile, the more binding level first.
fn areas(asked: &[&CheckEvidence]) -> Vec<AreaCounts> {
    let mut names: Vec<&str> = Vec::new();
    for check in asked {
        if !names.contains(&check.feature.as_str()) {
            names.push(&check.feature);
        }
    }
    let of = |area: &str, level: Level| {
        let checks = asked.iter().filter(|check| check.feature == area && check.level == level).copied();
        AreaCounts { area: area.to_owned(), level, counts: count_of(checks) }
    };
    let all = names.iter().flat_map(|area| [Level::Must, Level::Should, Level::May].map(|level| of(area, level)));
    all.filter(|area| area.counts != Counts::default()).collect()
}

fn count_of<'c>(checks: impl Iterator<Item = &'c CheckEvidence>) -> Counts {
    count(&checks.map(CheckEvidence::counted).collect::<Vec<Counted<'_>>>())
}

/// `fish`, and of which system where that is not the name of the contract.
pub(super) fn heading(summary: &ConformanceSummary) -> String {
    let profile = summary.profile.name();
    if summary.system == profile { profile.to_owned() } else { format!("{profile} of {}", summary.system) }
}

/// A contract in a few words: `fish: 71 checks: 71 pass`.
pub(super) fn told(summary: &ConformanceSummary) -> String {
    let heading = heading(summary);
    match (&summary.not_carried_out, summary.left_out) {
        (Some(why), _) => format!("{heading}: no check was carried out: {why}"),
        (None, 0) => format!("{heading}: {}", summary.counts.told()),
        (None, others) => format!("{heading}: {}; not asked for: {others}", summary.counts.told()),
    }
}
