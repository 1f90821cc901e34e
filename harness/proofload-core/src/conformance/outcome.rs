//! What can come of a check, and of a profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of one check. A fault of the harness (`error`) is kept apart from a fault of the target (`fail`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "CheckOutcome")]
pub enum Outcome {
    /// The target did what the check's sentence says.
    Pass,
    /// The target was seen to do otherwise.
    Fail,
    /// The check itself could not be carried out.
    Error,
    /// It was carried out and proved nothing, for example because a race could not be won.
    Inconclusive,
    /// It was not carried out.
    Skip,
}

impl Outcome {
    /// The word as reports print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Inconclusive => "inconclusive",
            Self::Skip => "skip",
        }
    }

    /// Whether the target was asked and gave a usable answer.
    pub fn is_executed(self) -> bool {
        matches!(self, Self::Pass | Self::Fail)
    }
}

/// Why a check was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Something it needs was not given, or the target does not offer it.
    Unsupported,
    /// The caller left it out.
    Disabled,
    /// An earlier step it builds on did not succeed.
    NotReached,
    /// The environment only imitates what it is about.
    Emulated,
}

impl SkipReason {
    /// The word as reports print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Disabled => "disabled",
            Self::NotReached => "not-reached",
            Self::Emulated => "emulated",
        }
    }
}

/// The verdict on a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileResult {
    /// Every binding check passed.
    Success,
    /// None failed, but at least one was not decided.
    Partial,
    /// At least one binding check failed.
    Failure,
}

impl ProfileResult {
    /// The word as reports print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failure => "failure",
        }
    }

    /// 0 conformant, 1 non-conformant, 4 partial.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Partial => 4,
        }
    }
}
