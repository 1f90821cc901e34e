//! What the judge says of one rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every rule that was judged holds.
    Pass,
    /// Some rule does not hold.
    Fail,
    /// Too little evidence for at least one rule.
    Inconclusive,
    /// proofload's own instruments failed, so nothing was learnt.
    Invalid,
}

impl Verdict {
    /// What a single rule says that decides a run so.
    pub fn outcome(self) -> Outcome {
        match self {
            Verdict::Pass => Outcome::Pass,
            Verdict::Fail => Outcome::Fail,
            Verdict::Inconclusive => Outcome::Inconclusive,
            Verdict::Invalid => Outcome::Invalid,
        }
    }

    /// The exit code of `proofload run`.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Pass => 0,
            Verdict::Fail => 1,
            Verdict::Invalid => 3,
            Verdict::Inconclusive => 4,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::Invalid => "INVALID",
        })
    }
}

/// What the judge says of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// The evidence does not decide.
    Inconclusive,
    /// The instrument failed.
    Invalid,
    /// The environment lacks what the rule needs.
    NotJudged,
    /// Worth knowing, and no rule.
    Warning,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Pass => "PASS",
            Outcome::Fail => "FAIL",
            Outcome::Inconclusive => "INCONCLUSIVE",
            Outcome::Invalid => "INVALID",
            Outcome::NotJudged => "NOT JUDGED HERE",
            Outcome::Warning => "WARNING",
        })
    }
}

/// Where a finding belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Was the asked-for load delivered?
    Validity,
    /// A service level objective.
    Slo,
    /// Was work lost or doubled?
    Ledger,
    /// Did the autoscaler do as configured?
    Scaling,
    /// Does the system keep its contract?
    Conformance,
    /// Is it as fast as the accepted runs were?
    Regression,
}

impl Group {
    /// Facts stay true whatever the timing was worth.
    pub(crate) fn is_fact(self) -> bool {
        matches!(self, Group::Ledger | Group::Conformance)
    }
}

/// A measured value, how sure it is, and its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The value; `None` where it lies beyond everything measured.
    pub value: Option<f64>,
    /// Interval at [`super::CONFIDENCE`], where one can be given.
    pub interval: Option<(f64, f64)>,
    /// The bound it is held against.
    pub limit: f64,
    /// `ms`, `%`, `jobs`, `/s`, `replicas`, `s`, `failed`; of money `USD`, `USD/h` or `USD per 1,000`, by its currency.
    pub unit: String,
}

/// What the judge says of one rule, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable id: `slo.latency.upload.p95.uploads.peak`.
    pub id: String,
    /// Where it belongs.
    pub group: Group,
    /// The rule in words.
    pub title: String,
    /// What the judge says.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub message: String,
    /// The value and its bound.
    pub figure: Option<Figure>,
    /// How many samples it rests on.
    pub samples: u64,
    /// How many more would decide, if the share stays as it is.
    pub needed: Option<u64>,
    /// By how much dependence between requests thins the samples; 1 for none.
    pub design_effect: Option<f64>,
    /// Seconds that were left out at the start of the stretch as warm-up.
    #[serde(default)]
    pub warm_up_s: Option<u64>,
}

impl Finding {
    /// A finding without a figure.
    pub(crate) fn plain(group: Group, id: &str, title: String, outcome: Outcome, message: String) -> Self {
        Self {
            id: id.to_owned(),
            group,
            title,
            outcome,
            message,
            figure: None,
            samples: 0,
            needed: None,
            design_effect: None,
            warm_up_s: None,
        }
    }

    /// The same, with another outcome.
    pub(super) fn with(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}
