//! Time taken from proofload: its process stopped, its core hogged, its wall clock stepped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::sabotaged::{Sabotage, skipped};
use crate::sink;

/// A run of ten seconds against a sink that answers at once.
fn ten_seconds() -> Sabotage {
    Sabotage::nothing(&format!("http://{}", sink::start(Duration::ZERO)), 10)
}

#[test]
fn a_process_stopped_for_300_ms_is_caught() {
    let mut running = ten_seconds().start();
    running.wait_for_second_five();
    let pid = Pid::from_child(&running.child);
    kill_process(pid, Signal::STOP).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    kill_process(pid, Signal::CONT).unwrap();
    running.end().assert_caught(&["frozen"]);
}

#[test]
fn hogs_on_the_core_of_the_generator_are_caught() {
    let core = first_core();
    // Behind the hogs in rank: a thread that sleeps most of the time is otherwise let run before them, and then they
    // do no harm.
    let mut running = ten_seconds().under(&["nice", "-n", "19", "taskset", "-c", &core]).start();
    running.wait_for_second_five();
    let hogs: Vec<Child> = (0..6).map(|_| hog(&core)).collect();
    let ended = running.end();
    for mut hog in hogs {
        hog.wait().unwrap();
    }
    ended.assert_caught(&["run-queue", "wake-lag", "frozen"]);
}

/// Computes for four seconds on one core, and ends by itself.
fn hog(core: &str) -> Child {
    let words = ["-c", core, "timeout", "4", "sh", "-c", "while :; do :; done"];
    Command::new("taskset").args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A core that this test may use.
fn first_core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    cores.split([',', '-']).next().unwrap().to_owned()
}

#[test]
fn a_step_of_the_wall_clock_is_caught() {
    let test = "a_step_of_the_wall_clock_is_caught";
    let Some(library) = libfaketime() else { return skipped("faketime", test, "libfaketime is not installed") };
    let folder = tempfile::tempdir().unwrap();
    let offset = folder.path().join("offset");
    std::fs::write(&offset, "+0").unwrap();
    let variables = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // The monotonic clock stays true, as it does when somebody sets a machine's clock.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let mut running = Sabotage { variables, ..ten_seconds() }.start();
    running.wait_for_second_five();
    std::fs::write(&offset, "+30").unwrap();
    running.end().assert_caught(&["clock-step"]);
}

/// Where Debian keeps it, whatever the architecture.
fn libfaketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.is_file())
}
