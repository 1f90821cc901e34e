//! `proofload judge`: the verdict of a stored run, from its record and the scenario it was run with.

use std::io::Write;

use proofload_core::report::closing_lines;

use crate::args::JudgeArgs;
use crate::commands::run::write_reports;
use crate::failure::Failure;
use crate::stored::StoredRun;

pub(crate) fn judge(args: &JudgeArgs) -> Result<u8, Failure> {
    let run = StoredRun::read(&args.run)?;
    let report = run.judged();
    let folder = proofload_runner::run::RunFolder { path: args.run.clone(), id: run.record.run.id.clone() };
    write_reports(&folder, &report, &run)?;
    let mut stdout = std::io::stdout();
    for line in closing_lines(&report) {
        writeln!(stdout, "{line}")?;
    }
    writeln!(stdout, "report: {}", args.run.join("report.html").display())?;
    Ok(report.exit_code)
}
