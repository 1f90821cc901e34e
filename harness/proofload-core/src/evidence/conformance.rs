//! What the checks of a contract showed once the load had ended. The requests behind them are no part of it: they lie
//! beside the record, in `conformance.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conformance::{CheckResult, ConformanceProfile, Counted, Level, Outcome, SkipReason};

/// What a contract's checks showed of one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConformanceEvidence {
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
    /// What came of it.
    pub answer: ConformanceAnswer,
}

/// What came of a contract's checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConformanceAnswer {
    /// Every check of the profile, in the order of its list.
    Checked(Vec<CheckEvidence>),
    /// None was carried out, and why.
    NotCarriedOut(String),
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckEvidence {
    /// The check's permanent name.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// What a conformant target does.
    pub sentence: String,
    /// Where that is written.
    pub source: String,
    /// The part of the contract it belongs to.
    pub feature: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was not carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<SkipReason>,
    /// What was expected and what was seen, in one sentence; empty when it passed.
    pub message: String,
    /// One line that repeats the deciding request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repro: Option<String>,
}

impl CheckEvidence {
    /// What is kept of a check.
    pub fn of(check: &CheckResult) -> Self {
        Self {
            id: check.id.clone(),
            level: check.level,
            sentence: check.sentence.clone(),
            source: check.source.clone(),
            feature: check.feature.clone(),
            outcome: check.outcome,
            skip_reason: check.skip_reason,
            message: check.message.clone(),
            repro: check.repro.clone(),
        }
    }

    /// Whether the scenario asked for it.
    pub fn was_asked_for(&self) -> bool {
        self.skip_reason != Some(SkipReason::Disabled)
    }

    /// As far as a verdict goes by it.
    pub(crate) fn counted(&self) -> Counted<'_> {
        Counted { id: &self.id, level: self.level, outcome: self.outcome }
    }
}
