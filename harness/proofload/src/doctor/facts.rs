//! What this machine is: read once, from the kernel, the file system and `PATH`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use proofload_runner::machine_limits;

use crate::commands::run::variable;

/// Where libraries lie on Debian and elsewhere.
const LIBRARY_FOLDERS: &[&str] = &["/usr/lib", "/usr/local/lib", "/usr/lib64", "/lib"];

/// Everything that is judged.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The hard limit: a run raises its own to it.
    pub(super) file_descriptors: Option<u64>,
    pub(super) local_ports: Option<u64>,
    pub(super) cores: usize,
    /// Cores that the control group may use, where that is fewer than there are.
    pub(super) cpu_quota: Option<f64>,
    /// Where files were put for a moment, or why they could not be.
    pub(super) temporary_folder: Result<String, String>,
    pub(super) clock_source: Option<String>,
    pub(super) governor: Option<String>,
    pub(super) has_run_queue_delay: bool,
    pub(super) has_cpu_pressure: bool,
    pub(super) listen_backlog: Option<u64>,
    /// Name and path of each program that was found.
    pub(super) programs: BTreeMap<String, String>,
    pub(super) faketime: Option<String>,
    pub(super) onnx_runtime: Option<String>,
    /// What the cluster of the kubeconfig says of itself; `None` without a kubeconfig.
    pub(super) cluster: Option<Result<String, String>>,
}

impl Default for Facts {
    /// A machine of which nothing is known and that has nothing.
    fn default() -> Self {
        Self {
            file_descriptors: None,
            local_ports: None,
            cores: 0,
            cpu_quota: None,
            temporary_folder: Err(String::new()),
            clock_source: None,
            governor: None,
            has_run_queue_delay: false,
            has_cpu_pressure: false,
            listen_backlog: None,
            programs: BTreeMap::new(),
            faketime: None,
            onnx_runtime: None,
            cluster: None,
        }
    }
}

/// The programs that a part is: one of them is enough.
pub(super) fn programs_of(part: &str) -> &'static [&'static str] {
    match part {
        "git" => &["git"],
        "prometheus" => &["prometheus"],
        "promtool" => &["promtool"],
        "kubectl" => &["kubectl"],
        "chromium" => &["chromium", "chromium-browser", "google-chrome"],
        "iproute2" => &["ip"],
        "util-linux" => &["unshare"],
        "python3" => &["python3"],
        "container-engine" => &["podman", "docker", "nerdctl"],
        _ => &[],
    }
}

impl Facts {
    /// Those of this machine.
    pub(crate) fn gather() -> Self {
        let limits = machine_limits();
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        Self {
            file_descriptors: limits.file_descriptors,
            local_ports: limits.local_ports,
            cores,
            cpu_quota: cpu_quota(cores),
            temporary_folder: temporary_folder(),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            has_run_queue_delay: line("/proc/thread-self/schedstat").is_some(),
            has_cpu_pressure: line("/proc/pressure/cpu").is_some(),
            listen_backlog: line("/proc/sys/net/core/somaxconn").and_then(|text| text.parse().ok()),
            programs: programs(),
            faketime: library("libfaketimeMT.so.1", "faketime"),
            onnx_runtime: variable("ORT_DYLIB_PATH").or_else(|| library("libonnxruntime.so", "")),
            cluster: cluster(),
        }
    }
}

/// The first line of a small file.
fn line(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()?.lines().next().map(|line| line.trim().to_owned())
}

/// `cpu.max` of the second version of control groups: quota and period, or `max`.
fn cpu_quota(cores: usize) -> Option<f64> {
    let text = line("/sys/fs/cgroup/cpu.max")?;
    let (quota, period) = text.split_once(' ')?;
    let quota = quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "a small number of cores")]
    (quota < cores as f64).then_some(quota)
}

fn temporary_folder() -> Result<String, String> {
    let folder = std::env::temp_dir();
    match tempfile::tempfile_in(&folder) {
        Ok(_) => Ok(folder.display().to_string()),
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
}

fn programs() -> BTreeMap<String, String> {
    let folders: Vec<PathBuf> = variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let wanted = super::CHECKS.iter().flat_map(|check| programs_of(check.part));
    let found = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    wanted.filter_map(|name| Some(((*name).to_owned(), found(name)?.display().to_string()))).collect()
}

/// A library, in the usual folders and one below them (`x86_64-linux-gnu`), there in `inner` too.
fn library(name: &str, inner: &str) -> Option<String> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default()
    };
    LIBRARY_FOLDERS
        .iter()
        .flat_map(|folder| {
            let folder = PathBuf::from(folder);
            let mut places = below(&folder);
            places.push(folder);
            places
        })
        .map(|folder| folder.join(inner).join(name))
        .find(|path| path.is_file())
        .map(|path| path.display().to_string())
}

/// Asks the cluster that `kubectl` would talk to, and waits two seconds at most.
fn cluster() -> Option<Result<String, String>> {
    let named = variable("KUBECONFIG").filter(|path| !path.is_empty());
    let home = variable("HOME").map(|home| Path::new(&home).join(".kube/config")).filter(|path| path.is_file());
    if named.is_none() && home.is_none() {
        return None;
    }
    let asked = Command::new("kubectl").args(["version", "--request-timeout=2s"]).output();
    Some(match asked {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok(said.lines().last().unwrap_or_default().to_owned())
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(said.lines().last().unwrap_or("it does not answer").to_owned())
        }
        Err(error) => Err(format!("kubectl cannot be started: {error}")),
    })
}
