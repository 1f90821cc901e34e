//! A stored run: the scenario as it was run, and the record.

use std::path::Path;

use proofload_core::baseline::Baseline;
use proofload_core::evidence::RunRecord;
use proofload_core::judge::judge_against;
use proofload_core::report::Report;
use proofload_core::scenario::Scenario;

use crate::failure::{Failure, USAGE};

/// The accepted runs that a run was held against, kept with it so that it can be judged again.
pub(crate) const BASELINE_FILE: &str = "baseline.json";

/// What a run folder holds.
pub(crate) struct StoredRun {
    pub(crate) scenario: Scenario,
    pub(crate) record: RunRecord,
    pub(crate) baseline: Option<Baseline>,
}

impl StoredRun {
    /// Reads a run folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let text = read_file(folder, "scenario.yaml")?;
        let file = folder.join("scenario.yaml").display().to_string();
        let scenario = Scenario::parse(&file, &text).map_err(|wrong| Failure::of_file(&wrong, &text))?;
        let wrong = |error: String| Failure::usage(format!("error: {}: {error}", folder.display()));
        let record = RunRecord::from_json(&read_file(folder, "record.json")?)
            .map_err(|error| wrong(format!("record.json: {error}")))?;
        record.fits(&scenario).map_err(wrong)?;
        let mut baseline = None;
        if folder.join(BASELINE_FILE).is_file() {
            let text = read_file(folder, BASELINE_FILE)?;
            baseline = serde_json::from_str(&text).map_err(|error| wrong(format!("{BASELINE_FILE}: {error}")))?;
        }
        Ok(Self { scenario, record, baseline })
    }

    /// The same verdict as the first time.
    pub(crate) fn judged(&self) -> Report {
        judge_against(&self.scenario, &self.record, self.baseline.as_ref())
    }
}

fn read_file(folder: &Path, name: &str) -> Result<String, Failure> {
    let path = folder.join(name);
    let help = "name a run folder, such as reports/local/run-…";
    std::fs::read_to_string(&path)
        .map_err(|error| Failure::new(USAGE, format!("error: {} cannot be read: {error}; {help}", path.display())))
}
