//! Runs that nothing is done to, and a stored one from which samples vanish.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::sabotaged::{Ended, Sabotage, names};
use crate::sink;

/// A clean run; one that a busy machine spoilt is repeated once.
fn clean() -> Ended {
    let url = format!("http://{}", sink::start(Duration::ZERO));
    let run = || Sabotage { calibrated: true, ..Sabotage::nothing(&url, 4) }.start().end();
    let first = run();
    if first.code == Some(3) { run() } else { first }
}

#[test]
fn a_clean_run_is_not_caught_and_a_lost_second_of_it_is() {
    let ended = clean();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.said, ended.summary);
    let calibration = ended.summary.lines().find(|line| line.starts_with("- Calibration before the run: 100/s"));
    assert!(calibration.is_some(), "{}", ended.summary);
    // Signals that this kernel can tell are told.
    for signal in ["frozen unknown", "clock-step unknown", "run-queue unknown", "lost-samples 1"] {
        assert!(!ended.summary.contains(signal), "{}", ended.summary);
    }
    lose_a_second(&ended);
    let judged = Command::new(env!("CARGO_BIN_EXE_proofload")).arg("judge").arg(ended.folder()).output().unwrap();
    assert_eq!(judged.status.code(), Some(3), "{}", String::from_utf8_lossy(&judged.stdout));
    let summary = std::fs::read_to_string(ended.folder().join("summary.md")).unwrap();
    assert!(names(&summary, "lost-samples"), "{summary}");
}

/// Takes one second of one step out of the record.
fn lose_a_second(ended: &Ended) {
    let path = ended.folder().join("record.json");
    let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    record["steps"][0]["seconds"].as_array_mut().unwrap().remove(2);
    std::fs::write(&path, record.to_string()).unwrap();
}
