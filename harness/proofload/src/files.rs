//! Finding and reading scenarios and environments.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proofload_core::environment::Environment;
use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::{Trace, Traces};

use crate::failure::Failure;

/// Largest trace file that is read, in bytes; it is held in memory.
const TRACE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A file and where it lies.
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) folder: PathBuf,
}

/// Reads and checks a scenario.
pub(crate) fn scenario(path: &Path) -> Result<(Scenario, Source), Failure> {
    let text = read(path, "scenario")?;
    let scenario =
        Scenario::parse(&path.display().to_string(), &text).map_err(|wrong| Failure::of_file(&wrong, &text))?;
    Ok((scenario, Source { text, folder: folder_of(path) }))
}

/// Reads the traces that a scenario replays; `folder` is the scenario's. A file of several workloads is read once.
fn traces(scenario: &Scenario, folder: &Path) -> Result<Traces, Failure> {
    let mut traces = Traces::default();
    let files = scenario.trace_files();
    for (number, wanted) in files.iter().enumerate() {
        let same = files[..number].iter().find(|read| (read.file, read.format) == (wanted.file, wanted.format));
        let trace = if let Some(trace) = same.and_then(|read| traces.get(read.workload)) {
            Arc::clone(trace)
        } else {
            let path = folder.join(wanted.file);
            let text = read_at_most(&path, TRACE_BYTES_MAX)?;
            let trace = Trace::parse(wanted.format, &path.display().to_string(), &text);
            Arc::new(trace.map_err(|error| Failure::usage(format!("error: {error}")))?)
        };
        traces.insert(wanted.workload, trace);
    }
    Ok(traces)
}

/// The whole schedule of a scenario, and the traces that it replays; `folder` is the scenario's.
pub(crate) fn plan(scenario: &Scenario, folder: &Path, seed: u64) -> Result<(Traces, Plan), Failure> {
    let traces = traces(scenario, folder)?;
    let plan = Plan::new(scenario, &traces, seed).map_err(|error| Failure::usage(format!("error: {error}")))?;
    Ok((traces, plan))
}

/// Finds, reads and checks an environment: a path, or the name of a file in an `environments/` folder beside the
/// scenario or above it.
pub(crate) fn environment(wanted: &str, scenario: &Path) -> Result<(Environment, Source), Failure> {
    let is_file_name = Path::new(wanted).extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let path =
        if wanted.contains('/') || is_file_name { PathBuf::from(wanted) } else { find_environment(wanted, scenario)? };
    let text = read(&path, "environment")?;
    let environment =
        Environment::parse(&path.display().to_string(), &text).map_err(|wrong| Failure::of_file(&wrong, &text))?;
    Ok((environment, Source { text, folder: folder_of(&path) }))
}

fn find_environment(name: &str, scenario: &Path) -> Result<PathBuf, Failure> {
    let folder = folder_of(scenario);
    let start = folder.canonicalize().unwrap_or(folder);
    for above in start.ancestors() {
        let path = above.join("environments").join(format!("{name}.yaml"));
        if path.is_file() {
            return Ok(relative_to_here(&path));
        }
    }
    Err(Failure::usage(format!(
        "error: there is no environment `{name}`: no environments/{name}.yaml beside {} or above it; name a file with -e PATH",
        scenario.display()
    )))
}

/// Shorter to read in messages, where the file lies below the current folder.
fn relative_to_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
    here.and_then(|here| path.strip_prefix(here).map(Path::to_owned).ok()).unwrap_or_else(|| path.to_owned())
}

fn read(path: &Path, what: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("error: the {what} {} cannot be read: {error}", path.display())))
}

fn read_at_most(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("error: the trace {} cannot be read: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(bytes_max + 1).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    if read as u64 > bytes_max {
        return Err(wrong(format!("it holds more than {bytes_max} bytes; cut it")));
    }
    Ok(text)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
