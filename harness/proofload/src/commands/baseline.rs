//! `proofload baseline accept`: a run that passed becomes one that later runs are held against.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use proofload_core::baseline::{Accepted, Baseline, BaselineRun};
use proofload_core::judge::judge;
use proofload_runner::unix_ms;

use super::run::variable;
use crate::args::{AcceptArgs, BaselineAction};
use crate::failure::Failure;
use crate::stored::StoredRun;

/// Most accepted runs that are read from one folder.
const RUNS_MAX: usize = 1_000;

pub(crate) fn baseline(action: BaselineAction) -> Result<u8, Failure> {
    match action {
        BaselineAction::Accept(args) => accept(&args),
    }
}

fn accept(args: &AcceptArgs) -> Result<u8, Failure> {
    let run = StoredRun::read(&args.run)?;
    // The verdict is that of the evidence, whatever somebody wrote into report.json.
    let report = judge(&run.scenario, &run.record);
    let by = args.by.clone().or_else(|| told_by_git(&["config", "user.name"])).or_else(|| variable("USER"));
    let accepted = Accepted {
        by: by.ok_or_else(|| Failure::usage("error: nobody is known to accept it; name yourself with --by NAME"))?,
        at_unix_ms: unix_ms(),
        commit: told_by_git(&["rev-parse", "HEAD"]),
    };
    let accepted = BaselineRun::accept(&report, &run.record, accepted)
        .map_err(|why| Failure::new(report.exit_code, format!("error: {why}; {}", report.reason)))?;
    let folder = args.into.clone().unwrap_or_else(|| usual_folder(&report.run.environment, &report.run.scenario));
    let path = folder.join(format!("{}.json", report.run.id));
    let text = serde_json::to_string_pretty(&accepted).expect("figures and names are JSON") + "\n";
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| Failure::internal(format!("error: {} cannot be written: {error}", path.display())))?;
    let known = read_folder(&folder)?.comparable_with(&accepted);
    writeln!(std::io::stdout(), "accepted {}; {known} accepted runs can now be compared with", path.display())?;
    Ok(0)
}

/// Where accepted runs of a scenario lie, unless somebody says otherwise.
fn usual_folder(environment: &str, scenario: &str) -> PathBuf {
    PathBuf::from("reports").join(environment).join("baseline").join(scenario)
}

/// The accepted runs that `--baseline` names: `auto`, a folder of accepted runs, or a run folder.
pub(crate) fn read(wanted: &Path, environment: &str, scenario: &str) -> Result<Baseline, Failure> {
    if wanted.as_os_str() == "auto" {
        let folder = usual_folder(environment, scenario);
        // Where nothing was accepted yet, the comparison says so.
        return if folder.is_dir() { read_folder(&folder) } else { Ok(Baseline::default()) };
    }
    if wanted.join("record.json").is_file() {
        let run = StoredRun::read(wanted)?;
        let report = judge(&run.scenario, &run.record);
        return Ok(Baseline { runs: vec![BaselineRun::of(&report, &run.record)] });
    }
    read_folder(wanted)
}

fn read_folder(folder: &Path) -> Result<Baseline, Failure> {
    let unreadable = |error: std::io::Error| {
        let help = "name a run folder, a folder of accepted runs, or auto";
        Failure::usage(format!("error: {} cannot be read: {error}; {help}", folder.display()))
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>())
        .map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    // Names begin with the time of the run, so the newest are kept.
    paths.sort();
    let skipped = paths.len().saturating_sub(RUNS_MAX);
    let mut runs = Vec::new();
    for path in &paths[skipped..] {
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let run = BaselineRun::from_json(&text)
            .map_err(|why| Failure::usage(format!("error: {}: {why}; remove it", path.display())))?;
        runs.push(run);
    }
    Ok(Baseline { runs })
}

/// The first line that git answers; `None` without git, or outside a repository.
fn told_by_git(words: &[&str]) -> Option<String> {
    let answer = Command::new("git").args(words).output().ok().filter(|answer| answer.status.success())?;
    let line = String::from_utf8(answer.stdout).ok()?.lines().next()?.trim().to_owned();
    (!line.is_empty()).then_some(line)
}
