//! The table of what is looked at, feature by feature.

use super::Status::{Limited, Missing, Ok as Good};
use super::facts::programs_of;
use super::{Check, Facts, Status};

const RUN: &str = "run";
const EXACT: &str = "arrivals on time, and knowing when they were not";
const REGRESSION: &str = "baselines";
const FIGURES: &str = "rules on Prometheus";
const CLUSTER: &str = "runs against Kubernetes";
const TESTS: &str = "proofload's own tests";
const LATER: &str = "not needed yet";

/// Fewer file descriptors or ports than this, and not even a small load can be sent.
const LEAST: u64 = 128;
/// From here on a load of thousands of connections can be sent.
const MANY: u64 = 10_000;

/// A program, found on `PATH` or not.
const fn program(part: &'static str, feature: &'static str, packages: &'static [&'static str]) -> Check {
    Check { part, feature, is_needed: false, packages, advice: "", look: |_| (Missing, String::new()) }
}

/// Everything that is looked at.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        part: "file-descriptors",
        feature: RUN,
        is_needed: true,
        packages: &[],
        advice: "each connection is one; raise the hard limit: `ulimit -Hn 65536` as root, or `nofile` in /etc/security/limits.conf",
        look: |facts| amount(facts.file_descriptors, |open| format!("{open} may be open at once")),
    },
    Check {
        part: "local-ports",
        feature: RUN,
        is_needed: true,
        packages: &[],
        advice: "sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
        look: |facts| amount(facts.local_ports, |ports| format!("{ports} connections to one address at once")),
    },
    Check {
        part: "temporary-folder",
        feature: RUN,
        is_needed: true,
        packages: &[],
        advice: "set TMPDIR to a folder that this user may write to",
        look: |facts| match &facts.temporary_folder {
            Ok(path) => (Good, path.clone()),
            Err(why) => (Missing, why.clone()),
        },
    },
    Check {
        part: "cores",
        feature: RUN,
        is_needed: true,
        packages: &[],
        advice: "send from a machine with two cores or more, or keep the load low",
        look: |facts| match facts.cores {
            0 | 1 => (Limited, "1: generator and target share it".to_owned()),
            cores => (Good, cores.to_string()),
        },
    },
    Check {
        part: "cpu-quota",
        feature: RUN,
        is_needed: false,
        packages: &[],
        advice: "take the CPU limit off this container: a throttled generator is late, and its run INVALID",
        look: |facts| match facts.cpu_quota {
            Some(quota) => (Limited, format!("this control group may use {quota} of {} cores", facts.cores)),
            None => (Good, "no limit".to_owned()),
        },
    },
    Check {
        part: "clock-source",
        feature: EXACT,
        is_needed: false,
        packages: &[],
        advice: "see /sys/devices/system/clocksource/clocksource0/available_clocksource; a virtual machine may need another setting of its host",
        look: |facts| match facts.clock_source.as_deref() {
            Some(slow @ ("hpet" | "acpi_pm" | "jiffies" | "refined-jiffies")) => {
                (Limited, format!("{slow} is slow to read"))
            }
            Some(source) => (Good, source.to_owned()),
            None => (Limited, "the kernel does not tell it".to_owned()),
        },
    },
    Check {
        part: "cpu-governor",
        feature: EXACT,
        is_needed: false,
        packages: &[],
        advice: "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        look: |facts| match facts.governor.as_deref() {
            Some(slow @ ("powersave" | "conservative")) => (Limited, slow.to_owned()),
            Some(governor) => (Good, governor.to_owned()),
            None => (Good, "none: the host decides".to_owned()),
        },
    },
    Check {
        part: "run-queue-delay",
        feature: EXACT,
        is_needed: false,
        packages: &[],
        advice: "a kernel with CONFIG_SCHEDSTATS; without it the signal reads unknown",
        look: |facts| told(facts.has_run_queue_delay),
    },
    Check {
        part: "cpu-pressure",
        feature: EXACT,
        is_needed: false,
        packages: &[],
        advice: "a kernel with CONFIG_PSI, started with psi=1; without it the signal reads unknown",
        look: |facts| told(facts.has_cpu_pressure),
    },
    Check {
        part: "listen-backlog",
        feature: EXACT,
        is_needed: false,
        packages: &[],
        advice: "sysctl -w net.core.somaxconn=4096",
        look: |facts| match facts.listen_backlog {
            Some(backlog) if backlog < 1024 => {
                (Limited, format!("{backlog} connections wait for a server on this machine"))
            }
            Some(backlog) => (Good, format!("{backlog} connections wait for a server on this machine")),
            None => (Limited, "the kernel does not tell it".to_owned()),
        },
    },
    program("git", REGRESSION, &["git"]),
    program("prometheus", FIGURES, &["prometheus"]),
    program("promtool", FIGURES, &["prometheus"]),
    Check {
        advice: "put kubectl on PATH, as https://kubernetes.io/docs/tasks/tools/ says",
        ..program("kubectl", CLUSTER, &[])
    },
    Check {
        advice: "point KUBECONFIG at a file whose cluster answers `kubectl version`",
        look: |facts| match &facts.cluster {
            Some(Ok(version)) => (Good, version.clone()),
            Some(Err(why)) => (Limited, format!("kubeconfig is there, but: {why}")),
            None => (Missing, "there is no kubeconfig".to_owned()),
        },
        ..program("cluster", CLUSTER, &[])
    },
    program("chromium", TESTS, &["chromium"]),
    Check { look: |facts| file(facts.faketime.as_deref()), ..program("libfaketime", TESTS, &["libfaketime"]) },
    program("iproute2", TESTS, &["iproute2"]),
    program("util-linux", TESTS, &["util-linux"]),
    program("python3", TESTS, &["python3", "python3-venv"]),
    program("container-engine", LATER, &["podman"]),
    Check {
        advice: "put libonnxruntime.so on the library path, or name it in ORT_DYLIB_PATH; the reference stack has an engine of its own",
        look: |facts| file(facts.onnx_runtime.as_deref()),
        ..program("onnx-runtime", LATER, &[])
    },
];

/// Judges a part by the programs it is made of, where the table has no rule of its own.
pub(super) fn by_programs(check: &Check, facts: &Facts) -> Option<(Status, String)> {
    let names = programs_of(check.part);
    let found = names.iter().find_map(|name| facts.programs.get(*name));
    match found {
        _ if names.is_empty() => None,
        Some(path) => Some((Good, path.clone())),
        None => Some((Missing, "not found".to_owned())),
    }
}

fn amount(value: Option<u64>, words: impl Fn(u64) -> String) -> (Status, String) {
    match value {
        None => (Limited, "the kernel does not tell it".to_owned()),
        Some(few) if few < LEAST => (Missing, words(few)),
        Some(some) if some < MANY => (Limited, words(some)),
        Some(many) => (Good, words(many)),
    }
}

fn told(is_told: bool) -> (Status, String) {
    if is_told { (Good, "the kernel tells it".to_owned()) } else { (Missing, "the kernel does not tell it".to_owned()) }
}

fn file(path: Option<&str>) -> (Status, String) {
    path.map_or((Missing, "not found".to_owned()), |path| (Good, path.to_owned()))
}
