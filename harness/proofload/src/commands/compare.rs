//! `proofload compare`: earlier runs against later ones, side by side.

use std::io::Write;
use std::path::{Path, PathBuf};

use proofload_core::baseline::BaselineRun;
use proofload_core::judge::{Design, judge_runs};
use proofload_core::report::{compared_lines, differing};

use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::stored::StoredRun;

pub(crate) fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let before = runs(&args.before)?;
    let after = runs(&args.after)?;
    let (before, after): (Vec<&BaselineRun>, Vec<&BaselineRun>) = (before.iter().collect(), after.iter().collect());
    if args.pairs && before.len() != after.len() {
        let message =
            format!("error: --pairs needs as many runs of each, and there are {} and {}", before.len(), after.len());
        return Err(Failure::usage(message));
    }
    let design = match (args.pairs, after.len()) {
        (true, _) => Design::Pairs,
        (false, 1) => Design::One,
        (false, _) => Design::Groups,
    };
    let judgement = judge_runs(&before, &after, design, args.tolerance);
    let mut stdout = std::io::stdout();
    let warning = differing(before.iter().chain(&after).copied());
    for line in warning.into_iter().chain(compared_lines(&before, &after)).chain(judgement.lines()) {
        writeln!(stdout, "{line}")?;
    }
    Ok(judgement.verdict.exit_code())
}

/// A run folder, or every run folder in a folder, in order of their names.
fn runs(path: &Path) -> Result<Vec<BaselineRun>, Failure> {
    let is_run = |path: &Path| path.join("record.json").is_file();
    let mut folders: Vec<PathBuf> = Vec::new();
    if is_run(path) {
        folders.push(path.to_owned());
    } else {
        let unreadable =
            |error: std::io::Error| Failure::usage(format!("error: {} cannot be read: {error}", path.display()));
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            folders.extend(Some(entry.map_err(unreadable)?.path()).filter(|path| is_run(path)));
        }
        folders.sort();
    }
    if folders.is_empty() {
        return Err(Failure::usage(format!("error: {} is no run folder, and holds none", path.display())));
    }
    let read = |folder: &PathBuf| StoredRun::read(folder).map(|run| BaselineRun::of(&run.judged(), &run.record));
    folders.iter().map(read).collect()
}
