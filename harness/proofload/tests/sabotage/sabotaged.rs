//! A run of the real binary that something is done to. Only the child and what it starts are touched.

use std::io::{BufRead, BufReader, Lines, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// One run at a time: a second one would sabotage the first.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What is run, and how.
pub(crate) struct Sabotage {
    /// Words before the program: `taskset -c 0`.
    pub(crate) under: Vec<String>,
    /// Variables of the child's environment.
    pub(crate) variables: Vec<(String, String)>,
    /// The shape of the load, in a scenario's words.
    pub(crate) workload: String,
    /// `processes: …` and `systems: …` of the environment.
    pub(crate) systems: String,
    /// Whether the machine is tried first.
    pub(crate) calibrated: bool,
}

impl Sabotage {
    /// Nothing is done to a run of 100 requests a second, so many seconds long, against `url`.
    pub(crate) fn nothing(url: &str, seconds: u32) -> Self {
        Self {
            under: Vec::new(),
            variables: Vec::new(),
            workload: format!("executor: constant-arrival-rate, rate: 100/s, for: {seconds}s"),
            systems: format!("systems:\n  fish: {{ url: \"{url}\", ready: /ready }}\n"),
            calibrated: false,
        }
    }

    /// The same, started by these words.
    pub(crate) fn under(mut self, words: &[&str]) -> Self {
        self.under = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Starts the run.
    pub(crate) fn start(self) -> Running {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let (scenario, environment) = (folder.path().join("one.yaml"), folder.path().join("env.yaml"));
        std::fs::write(&scenario, scenario_of(&self.workload)).unwrap();
        let head = "apiVersion: proofload/v1\nkind: Environment\nname: test\n";
        std::fs::write(&environment, format!("{head}{}", self.systems)).unwrap();
        let mut words = self.under;
        words.push(env!("CARGO_BIN_EXE_proofload").to_owned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("run").arg(&scenario).arg("-e").arg(&environment).arg("--out");
        command.arg(folder.path().join("out")).envs(self.variables);
        if !self.calibrated {
            command.arg("--no-calibration");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, said, folder, _alone: alone }
    }
}

/// Requests of which fewer than 1 % may go wrong.
fn scenario_of(workload: &str) -> String {
    format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: one\nsystem: fish\n\
         flows:\n  f: [{{ request: {{ name: get, path: /, timeout: 20s }} }}]\n\
         workloads:\n  w: {{ flow: f, {workload} }}\n\
         slos: [{{ sli: errors(get), max: 1% }}]\n"
    )
}

/// A run under way.
pub(crate) struct Running {
    pub(crate) child: Child,
    said: Lines<BufReader<ChildStderr>>,
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Running {
    /// Waits until five seconds of load have passed.
    pub(crate) fn wait_for_second_five(&mut self) {
        // On a busy machine, the line of the fifth second may be that of the sixth.
        let later = |line: &str| line.strip_prefix("load ")?.trim_start().split(' ').next()?.parse::<u64>().ok();
        let line = self.said.find(|line| later(line.as_ref().unwrap()).is_some_and(|second| second >= 5));
        assert!(line.is_some(), "the run ended before its fifth second");
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let mut said: Vec<String> = self.said.map(Result::unwrap).collect();
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        said.push(stdout);
        let code = self.child.wait().unwrap().code();
        let out = self.folder.path().join("out");
        let run = std::fs::read_dir(&out).ok().and_then(|mut runs| Some(runs.next()?.ok()?.path()));
        let read = |name: &str| run.as_ref().and_then(|run| std::fs::read_to_string(run.join(name)).ok());
        let summary = read("summary.md").unwrap_or_default();
        tell(&summary);
        Ended { code, summary, said: said.join("\n"), run, _folder: self.folder }
    }
}

/// A run that ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) summary: String,
    pub(crate) said: String,
    pub(crate) run: Option<PathBuf>,
    _folder: TempDir,
}

impl Ended {
    /// The run folder.
    pub(crate) fn folder(&self) -> &Path {
        self.run.as_deref().unwrap_or_else(|| panic!("the run left no folder: {}", self.said))
    }

    /// Asserts exit code 3 and that one of these signals is named as the reason.
    pub(crate) fn assert_caught(&self, signals: &[&str]) {
        assert_eq!(self.code, Some(3), "{}\n{}", self.said, self.summary);
        assert!(signals.iter().any(|signal| names(&self.summary, signal)), "none of {signals:?}: {}", self.summary);
    }
}

#[expect(clippy::print_stdout, reason = "shown by the test runner when the test fails")]
fn tell(text: &str) {
    println!("{text}");
}

/// Whether a summary calls this signal INVALID.
pub(crate) fn names(summary: &str, signal: &str) -> bool {
    let signals = summary.lines().find(|line| line.starts_with("- Signals: ")).unwrap_or_default();
    signals.split("**").any(|read| read.starts_with(&format!("{signal} ")) && read.ends_with("INVALID"))
}

/// Says that a test could not be done. What `PROOFLOAD_REQUIRE` lists must be there: CI sets it for what it installs.
#[expect(clippy::print_stdout, reason = "CI counts skipped tests by this line")]
pub(crate) fn skipped(need: &str, test: &str, why: &str) {
    let required = std::env::var_os("PROOFLOAD_REQUIRE").unwrap_or_default();
    let required = required.to_string_lossy();
    assert!(!required.split(',').any(|required| required == need), "{test} needs {need}: {why}");
    println!("SKIPPED {test}: {why}");
}
