//! Accepted runs that later ones are compared with: a file for each, small enough to be committed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Histogram, RunInfo, RunRecord, StepKind};
use crate::judge::{Finding, Group, Verdict};
use crate::report::Report;

/// The accepted runs that a run is compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Baseline {
    /// Each of them, in order of acceptance.
    pub runs: Vec<BaselineRun>,
}

/// One accepted run: what a later run is held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineRun {
    /// [`crate::API_VERSION`].
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Always `BaselineRun`.
    pub kind: String,
    /// Who accepted it; nobody, where a run is only compared with.
    pub accepted: Option<Accepted>,
    /// Who ran what, where and when.
    pub run: RunInfo,
    /// The measured value of every rule on times, rates and money, by the id of its finding.
    pub values: BTreeMap<String, Measured>,
    /// All response times of every step, for drawings.
    pub steps: Vec<StepTimes>,
}

/// What a rule on a time, a rate or money measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The rule in words.
    pub title: String,
    /// `ms`, `/s`, or money.
    pub unit: String,
    /// The value; above 0.
    pub value: f64,
}

/// Who accepted a run, when, and of which state of the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The person.
    pub by: String,
    /// Milliseconds since 1970 (UTC).
    pub at_unix_ms: u64,
    /// The commit of the folder in which it was accepted; `None` outside a repository.
    pub commit: Option<String>,
}

/// All response times of one step or job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepTimes {
    /// What is timed.
    pub kind: StepKind,
    /// The request's name; of a job, the flow's.
    pub name: String,
    /// How many were due; those that are not in `response` were never answered.
    pub due: u64,
    /// Response times of the answered, µs: `HdrHistogram` V2, deflated, base64.
    #[schemars(with = "String")]
    pub response: Histogram,
}

impl Baseline {
    /// The runs that were made with the same scenario, environment and machine.
    pub fn comparable<'b>(&'b self, run: &'b RunInfo) -> impl Iterator<Item = &'b BaselineRun> {
        let same = |baseline: &&BaselineRun| {
            baseline.run.environment_hash == run.environment_hash && baseline.run.id != run.id
        };
        self.runs.iter().filter(same)
    }

    /// The run whose curves lie under those of a newer one: the last that can be compared, else the last there is.
    pub fn shown<'b>(&'b self, run: &'b RunInfo) -> Option<&'b BaselineRun> {
        self.comparable(run).last().or(self.runs.last())
    }

    /// How many runs can be compared with each other, of the kind of this one.
    pub fn comparable_with(&self, accepted: &BaselineRun) -> usize {
        self.runs.iter().filter(|run| run.run.environment_hash == accepted.run.environment_hash).count()
    }
}

impl BaselineRun {
    /// What of a run others are compared with.
    pub fn of(report: &Report, record: &RunRecord) -> Self {
        let steps = record.steps.iter().map(|step| StepTimes {
            kind: step.kind,
            name: step.name.clone(),
            due: step.seconds.iter().map(|second| second.due).sum(),
            response: Histogram::freeze(&Histogram::merge(step.seconds.iter().map(|second| &second.response))),
        });
        Self { steps: steps.collect(), ..Self::of_findings(&report.findings, &report.run) }
    }

    /// The same without the times for drawings.
    pub(crate) fn of_findings(findings: &[Finding], run: &RunInfo) -> Self {
        let measured = |finding: &Finding| Some((finding.id.clone(), Measured::of(finding)?));
        Self {
            api_version: crate::API_VERSION.to_owned(),
            kind: "BaselineRun".to_owned(),
            accepted: None,
            run: run.clone(),
            values: findings.iter().filter_map(measured).collect(),
            steps: Vec::new(),
        }
    }

    /// All response times of a step.
    pub fn step(&self, kind: StepKind, name: &str) -> Option<&StepTimes> {
        self.steps.iter().find(|step| step.kind == kind && step.name == name)
    }

    /// Accepts a run as one that later ones may be held against.
    ///
    /// # Errors
    /// A sentence, unless the run passed.
    pub fn accept(report: &Report, record: &RunRecord, accepted: Accepted) -> Result<Self, String> {
        if report.verdict != Verdict::Pass {
            return Err(format!("{} reads {}, and only a PASS can be a baseline", report.run.id, report.verdict));
        }
        Ok(Self { accepted: Some(accepted), ..Self::of(report, record) })
    }

    /// Reads a stored file.
    ///
    /// # Errors
    /// A sentence, if the text is not a baseline of this version.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let run: BaselineRun = serde_json::from_str(text).map_err(|error| format!("not an accepted run: {error}"))?;
        if run.api_version != crate::API_VERSION {
            return Err(format!("it is of {}, and this proofload reads {}", run.api_version, crate::API_VERSION));
        }
        Ok(run)
    }
}

impl Measured {
    /// The value of a finding that can be compared between runs. Times, rates and money are positive and compared by
    /// their ratio; counts and shares are not.
    fn of(finding: &Finding) -> Option<Self> {
        let figure = finding.figure.as_ref().filter(|_| finding.group == Group::Slo)?;
        let has_ratio = matches!(figure.unit.as_str(), "ms" | "/s") || finding.id.starts_with("slo.cost.");
        let value = figure.value.filter(|value| *value > 0.0 && has_ratio)?;
        Some(Self { title: finding.title.clone(), unit: figure.unit.clone(), value })
    }

    /// The value so that more is worse: a time or money as it is, of a rate the time between two.
    pub(crate) fn cost(&self) -> f64 {
        if self.unit == "/s" { 1.0 / self.value } else { self.value }
    }
}
