//! Room taken from a run under way: its file descriptors and its local ports. What lacks from the start is refused
//! before the run, and not by these signals.

use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::sabotaged::{Sabotage, skipped};
use crate::sink;

/// Fewer than are open in the middle of the run, so that none can be opened from then on.
const DESCRIPTORS: u64 = 40;
/// Slow answers to a rising rate, which needs more connections all the time.
const RISING: &str = "executor: ramping-arrival-rate, start_rate: 20/s, stages: [{ rate: 200/s, for: 10s }]";

#[test]
fn too_few_file_descriptors_are_caught() {
    let url = format!("http://{}", sink::start(sink::SLOW));
    let mut running = Sabotage { workload: RISING.to_owned(), ..Sabotage::nothing(&url, 0) }.start();
    running.wait_for_second_five();
    let none = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    prlimit(Some(Pid::from_child(&running.child)), Resource::Nofile, none).unwrap();
    let ended = running.end();
    ended.assert_caught(&["local-limits"]);
    assert!(ended.summary.contains("descriptors"), "{}", ended.summary);
}

#[test]
fn too_few_local_ports_are_caught() {
    let possible = Command::new("unshare").args(["--net", "ip", "link", "set", "lo", "up"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return skipped("netns", "too_few_local_ports_are_caught", "this user may not make a network of its own");
    }
    // A network of the run's own, with its sink in it.
    let script = "ip link set lo up && exec \"$0\" \"$@\"";
    let sink = std::env::current_exe().unwrap();
    let command = format!("[\"{}\", --exact, \"sink::serves_as_a_process\", --ignored, --nocapture]", sink.display());
    let systems = format!(
        "processes:\n  sink: {{ command: {command}, ready: /ready }}\nsystems:\n  fish: {{ url: \"{{{{address sink}}}}\", ready: /ready }}\n"
    );
    let sabotage = Sabotage { systems, workload: RISING.to_owned(), ..Sabotage::nothing("", 0) };
    let mut running = sabotage.under(&["unshare", "--net", "sh", "-c", script]).start();
    running.wait_for_second_five();
    let network = format!("--net=/proc/{}/ns/net", running.child.id());
    let narrow = "echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range";
    let narrowed = Command::new("nsenter").args([&network, "sh", "-c", narrow]).status().unwrap();
    assert!(narrowed.success());
    running.end().assert_caught(&["local-limits"]);
}
