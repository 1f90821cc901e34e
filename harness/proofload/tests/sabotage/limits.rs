//! Room taken from proofload: its file descriptors and its local ports.

use std::process::Command;

use crate::sabotaged::{Sabotage, skipped};
use crate::sink;

/// More than proofload itself needs, fewer than a hundred slow requests a second do.
const DESCRIPTORS: u32 = 64;

#[test]
fn too_few_file_descriptors_are_caught() {
    let url = format!("http://{}", sink::start(sink::SLOW));
    // Soft and hard limit: the run raises the first as far as the second allows. Long enough for the record to be
    // saved while none is left.
    let script = format!("ulimit -n {DESCRIPTORS} && exec \"$0\" \"$@\"");
    let ended = Sabotage::nothing(&url, 7).under(&["sh", "-c", &script]).start().end();
    ended.assert_caught(&["local-limits"]);
    assert!(ended.summary.contains("descriptors"), "{}", ended.summary);
}

#[test]
fn too_few_local_ports_are_caught() {
    let possible = Command::new("unshare").args(["--net", "ip", "link", "set", "lo", "up"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return skipped("netns", "too_few_local_ports_are_caught", "this user may not make a network of its own");
    }
    // A network of the run's own, with its sink in it and forty ports for both.
    let script = "ip link set lo up && echo 40000 40039 > /proc/sys/net/ipv4/ip_local_port_range && exec \"$0\" \"$@\"";
    let sink = std::env::current_exe().unwrap();
    let command = format!("[\"{}\", --exact, \"sink::serves_as_a_process\", --ignored, --nocapture]", sink.display());
    let systems = format!(
        "processes:\n  sink: {{ command: {command}, ready: /ready }}\nsystems:\n  fish: {{ url: \"{{{{address sink}}}}\", ready: /ready }}\n"
    );
    let sabotage = Sabotage { systems, ..Sabotage::nothing("", 4) };
    sabotage.under(&["unshare", "--net", "sh", "-c", script]).start().end().assert_caught(&["local-limits"]);
}
