//! Child processes: started from the environment's commands, announced by a line on standard output, ended at the end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use proofload_core::environment::Process;
use proofload_core::scenario::Part;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Secrets;

/// Local processes give way to the generator, which runs at 0.
const NICENESS: &str = "10";
/// How long a process may take to end by itself before it is killed.
const END_WITHIN: Duration = Duration::from_secs(10);
/// The pause between two looks at a process that is not ready yet.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Starts processes of one run.
pub(crate) struct Spawner {
    /// This program, for `{{proofload}}`.
    pub(crate) proofload: PathBuf,
    /// The run's own data folder, for `{{data}}`.
    pub(crate) data: PathBuf,
    /// Where the processes' logs go.
    pub(crate) logs: PathBuf,
    /// Client for readiness.
    pub(crate) http: reqwest::Client,
}

/// A process that answers.
pub(crate) struct Running {
    /// Its name.
    pub(crate) name: String,
    /// `http://host:port`.
    pub(crate) address: String,
    child: Child,
    /// Held open: a process started with `--until-stdin-closes` ends when proofload does, however that comes.
    _stdin: Option<ChildStdin>,
}

impl Spawner {
    /// Starts a process and waits until it is ready. `addresses` fills `{{address NAME}}`; `label` names its log.
    ///
    /// # Errors
    /// A sentence with the process's own last words.
    pub(crate) async fn start(
        &self,
        process: &Process,
        label: &str,
        addresses: &HashMap<String, String>,
        secrets: &Secrets,
    ) -> Result<Running, String> {
        let log = self.logs.join(format!("{label}.log"));
        let mut child = self.spawn(process, &log, addresses, secrets)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("a child without standard output")?;
        let announced = tokio::time::timeout(process.within, announced_address(stdout, log.clone())).await;
        let address = match announced {
            Ok(Some(address)) => format!("http://{address}"),
            Ok(None) => return Err(ended_early(label, &mut child, &log).await),
            Err(_) => {
                let limit = process.within.as_secs();
                let said = last_words(&log).await;
                return Err(format!("process `{label}` announced no address within {limit} s; its last words: {said}"));
            }
        };
        let mut running = Running { name: process.name.clone(), address, child, _stdin: stdin };
        let ready = self.wait_until_ready(&mut running, process);
        match tokio::time::timeout(process.within, ready).await {
            Ok(true) => Ok(running),
            Ok(false) => Err(ended_early(label, &mut running.child, &log).await),
            Err(_) => Err(format!(
                "process `{label}` at {} did not answer {} within {} s; its last words: {}",
                running.address,
                process.ready,
                process.within.as_secs(),
                last_words(&log).await
            )),
        }
    }

    fn spawn(
        &self,
        process: &Process,
        log: &Path,
        addresses: &HashMap<String, String>,
        secrets: &Secrets,
    ) -> Result<Child, String> {
        let words: Vec<String> = process
            .command
            .iter()
            .map(|template| template.fill(|part| self.given(part, addresses, secrets)))
            .collect::<Result<_, _>>()
            .map_err(|part| format!("process `{}` needs {part:?}, which is not there", process.name))?;
        let stderr = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
        // `nice` replaces itself by the program, so the child's id stays the program's.
        Command::new("nice")
            .args(["-n", NICENESS])
            .args(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            // Ctrl-C in the terminal is for proofload, which then ends its processes in order.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                format!("process `{}` could not be started as `{}`: {error}", process.name, words.join(" "))
            })
    }

    fn given(&self, part: &Part, addresses: &HashMap<String, String>, secrets: &Secrets) -> Option<String> {
        match part {
            Part::Value(name) if name == "proofload" => Some(self.proofload.display().to_string()),
            Part::Value(name) if name == "data" => Some(self.data.display().to_string()),
            Part::Given(kind, name) if kind == "secret" => Some(secrets.file(name)?.display().to_string()),
            Part::Given(_, name) => addresses.get(name).cloned(),
            _ => None,
        }
    }

    /// True once the readiness path answers 2xx, false if the process ended.
    async fn wait_until_ready(&self, running: &mut Running, process: &Process) -> bool {
        let url = format!("{}{}", running.address, process.ready);
        loop {
            if running.has_ended() {
                return false;
            }
            if let Ok(answer) = self.http.get(&url).timeout(Duration::from_secs(2)).send().await
                && answer.status().is_success()
            {
                return true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Running {
    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the process to end, and kills it if it has not in time.
    pub(crate) async fn stop(mut self) {
        if self.has_ended() {
            return;
        }
        self.signal(Signal::TERM);
        if tokio::time::timeout(END_WITHIN, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            let _ = self.child.wait().await;
        }
    }

    /// Signals the process and everything it started: each child leads a group of its own.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            // Fails only if the whole group has just ended.
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without effect after `stop`, which has waited for the end: a process that was waited for has no id.
        self.signal(Signal::KILL);
    }
}

/// The address of the `listening` line; everything said on standard output afterwards goes to the log, byte by byte.
async fn announced_address(stdout: ChildStdout, log: PathBuf) -> Option<String> {
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    while stdout.read_until(b'\n', &mut line).await.ok()? > 0 {
        let said: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
        if said["event"] == "listening"
            && let Some(address) = said["address"].as_str()
        {
            let address = address.to_owned();
            tokio::spawn(async move {
                let Ok(mut file) = tokio::fs::File::options().append(true).open(log).await else { return };
                // Ends with the process; a full disk must not stop it.
                let _ = tokio::io::copy(&mut stdout, &mut file).await;
                let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
            });
            return Some(address);
        }
        line.clear();
    }
    None
}

/// Why a process ended before it was ready: its exit and its last words.
async fn ended_early(label: &str, child: &mut Child, log: &Path) -> String {
    let status = tokio::time::timeout(END_WITHIN, child.wait()).await;
    let how = match status {
        Ok(Ok(status)) => status.to_string(),
        _ => "no exit status".to_owned(),
    };
    format!("process `{label}` ended before it was ready ({how}): {}", last_words(log).await)
}

/// The last line of a process's log.
async fn last_words(log: &Path) -> String {
    let text = tokio::fs::read_to_string(log).await.unwrap_or_default();
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}
