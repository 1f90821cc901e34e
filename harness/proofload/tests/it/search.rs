//! The capacity of a server that serves one request after the other is found by whole runs through the binary.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::plain::serve;

/// A server that works on one request at a time, 5 ms each: a little below 200 in a second.
fn server() -> SocketAddr {
    let turn = Mutex::new(());
    serve(move || {
        let _mine = turn.lock().unwrap();
        std::thread::sleep(Duration::from_millis(5));
    })
}

const SCENARIO: &str = "apiVersion: proofload/v1
kind: Scenario
name: pages
system: s
flows:
  f: [{ request: { name: page, path: / } }]
workloads:
  w: { flow: f, executor: constant-arrival-rate, stages: [{ name: hold, rate: 60/s, for: 3s }] }
slos: [{ sli: latency(page), p90: 150ms, claim: run }]
";

#[test]
fn the_capacity_of_a_server_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let environment = format!(
        "apiVersion: proofload/v1\nkind: Environment\nname: test\nsystems: {{ s: {{ url: 'http://{}' }} }}\n",
        server()
    );
    std::fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
    std::fs::write(folder.path().join("e.yaml"), environment).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .current_dir(folder.path())
        .args(["search", "s.yaml", "-e", "e.yaml", "--within", "15%", "--no-calibration", "-q", "--from", "1.3"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let last = told.lines().last().unwrap_or_default();
    // A machine that cannot measure says so, and reports no load that it did not see pass.
    if output.status.code() == Some(3) {
        assert!(last.contains("proofload itself could not measure, twice"), "{told}");
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let passes: f64 = last.strip_prefix("capacity: ").and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap();
    // Three seconds a probe: a queue that grows slowly stays below 150 ms for so long.
    assert!((120.0..=250.0).contains(&passes), "{told}");
    assert!(told.lines().filter(|line| line.starts_with("probe ")).count() <= 12, "{told}");
}
