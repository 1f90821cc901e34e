//! The report: what was judged, in data first. One file per format.

mod closing;
mod compared;
mod conformance;
mod cost;
mod figures;
mod format;
mod hlog;
mod html;
pub mod index;
mod json;
mod jtl;
mod junit;
pub(crate) mod labels;
mod look;
mod markdown;
mod metrics;
mod otlp;
mod performance;
mod summary;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::evidence::{Calibration, LedgerEvidence, RunInfo, RunRecord};
use crate::judge::{Finding, Signal, Verdict};

pub use closing::closing_lines;
pub use compared::{compared_lines, differing};
pub use conformance::{AreaCounts, ConformanceSummary, conformance_folder};
pub use cost::{CostSummary, FixedCost, JobCost, WorkloadCost};
pub use format::Format;
pub use jtl::JTL_ROWS_MAX;
pub use summary::{Intervals, LoadSummary, Quantiles, ScalingSummary, StepSummary};
pub use words::rfc3339;

/// A judged run, as `report.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`crate::API_VERSION`].
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Always `Report`.
    pub kind: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The exit code that says the same.
    pub exit_code: u8,
    /// Why, in one sentence.
    pub reason: String,
    /// Who ran what, where and when.
    pub run: RunInfo,
    /// Every finding, in the order of judging.
    pub findings: Vec<Finding>,
    /// proofload's own signals.
    pub signals: Vec<Signal>,
    /// What the check before the first request showed; `None` where none is recorded.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// The load that was asked for and what became of it.
    pub load: LoadSummary,
    /// Every step and job in figures.
    pub steps: Vec<StepSummary>,
    /// The ledgers.
    pub ledgers: Vec<LedgerEvidence>,
    /// The scaled workloads.
    pub scaling: Vec<ScalingSummary>,
    /// The contracts that were looked at after the load.
    #[serde(default)]
    pub conformance: Vec<ConformanceSummary>,
    /// What the run cost; absent where the environment states no prices.
    #[serde(default)]
    pub cost: Option<CostSummary>,
}

/// One file of a run folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFile {
    /// Its fixed name.
    pub name: &'static str,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Every file that tells of a judged run, beside its baseline where there is one. The record and the scenario are stored
/// by whoever ran it.
pub fn files(report: &Report, record: &RunRecord, baseline: Option<&Baseline>) -> Vec<RunFile> {
    vec![
        RunFile { name: "report.html", content: page(report, record, baseline) },
        RunFile { name: "report.json", content: json::render(report) },
        RunFile { name: "junit.xml", content: junit::render(report) },
        RunFile { name: "summary.md", content: markdown::render(report) },
        RunFile { name: "latency.hlog", content: hlog::render(record) },
        RunFile { name: "metrics.txt", content: metrics::render(report) },
        RunFile { name: "performance.json", content: performance::render(report, record) },
    ]
}

/// `report.html` alone; where a baseline is given, its curves lie under those of this run.
pub fn page(report: &Report, record: &RunRecord, baseline: Option<&Baseline>) -> Vec<u8> {
    html::render(report, record, baseline.and_then(|baseline| baseline.shown(&record.run)))
}

impl Report {
    /// Puts a verdict and the figures behind it together.
    pub(crate) fn new(
        record: &RunRecord,
        verdict: Verdict,
        reason: String,
        findings: Vec<Finding>,
        signals: Vec<Signal>,
    ) -> Self {
        Self {
            api_version: crate::API_VERSION.to_owned(),
            kind: "Report".to_owned(),
            verdict,
            exit_code: verdict.exit_code(),
            reason,
            run: record.run.clone(),
            findings,
            signals,
            calibration: record.generator.calibration.clone(),
            load: summary::load(record),
            steps: record.steps.iter().map(summary::step).collect(),
            ledgers: record.ledgers.clone(),
            scaling: record.cluster.iter().flat_map(summary::scaling).collect(),
            conformance: conformance::summaries(&record.conformance),
            cost: cost::cost(record),
        }
    }
}
