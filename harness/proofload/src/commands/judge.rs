//! `proofload judge`: the verdict of a stored run, from its record and the scenario it was run with.

use std::io::Write;
use std::path::Path;

use proofload_core::evidence::RunRecord;
use proofload_core::report::closing_lines;
use proofload_core::scenario::Scenario;

use crate::args::JudgeArgs;
use crate::commands::run::write_reports;
use crate::failure::{Failure, USAGE};

pub(crate) fn judge(args: &JudgeArgs) -> Result<u8, Failure> {
    let (scenario, record) = stored_run(&args.run)?;
    let report = proofload_core::judge::judge(&scenario, &record);
    let folder = proofload_runner::run::RunFolder { path: args.run.clone(), id: record.run.id.clone() };
    write_reports(&folder, &report, &record)?;
    let mut stdout = std::io::stdout();
    for line in closing_lines(&report) {
        writeln!(stdout, "{line}")?;
    }
    writeln!(stdout, "report: {}", args.run.join("report.html").display())?;
    Ok(report.exit_code)
}

/// Scenario and record of a run folder.
pub(crate) fn stored_run(run: &Path) -> Result<(Scenario, RunRecord), Failure> {
    let read = |name: &str| {
        let path = run.join(name);
        let help = "name a run folder, such as reports/local/run-…";
        std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(USAGE, format!("error: {} cannot be read: {error}; {help}", path.display())))
    };
    let text = read("scenario.yaml")?;
    let file = run.join("scenario.yaml").display().to_string();
    let scenario = Scenario::parse(&file, &text).map_err(|wrong| Failure::of_file(&wrong, &text))?;
    let record = RunRecord::from_json(&read("record.json")?)
        .map_err(|error| Failure::usage(format!("error: {}/record.json: {error}", run.display())))?;
    record.fits(&scenario).map_err(|error| Failure::usage(format!("error: {}: {error}", run.display())))?;
    Ok((scenario, record))
}
