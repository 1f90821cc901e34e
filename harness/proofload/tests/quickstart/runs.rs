//! The main job through the real binary: it passes as it stands, and says no to each planted defect by name.
//!
//! One run at a time: a second one on two cores would measure the first. A run that ends INVALID (exit 3: the machine
//! was too busy to measure) is repeated once, and says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::plant::Plant;
use serde_json::Value;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What one run left behind.
struct Run {
    code: i32,
    stdout: String,
    report: Value,
    folder: PathBuf,
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs the quickstart with a defect planted, or as it stands.
fn run(plant: &Plant) -> Run {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let first = run_once(plant);
    if first.code != 3 {
        return first;
    }
    tell(&format!("REPEATED after INVALID: {}", first.report["reason"]));
    run_once(plant)
}

fn run_once(plant: &Plant) -> Run {
    let out = plant.folder.path().join("reports");
    let output = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .current_dir(workspace())
        .args(["run", "scenarios/quickstart.yaml", "--out"])
        .arg(&out)
        .arg("-e")
        .arg(&plant.environment)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    tell(&format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr)));
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let folder = folders.pop().expect("a run leaves its folder");
    let report = std::fs::read_to_string(folder.join("report.json")).unwrap();
    Run { code: output.status.code().unwrap(), stdout, report: serde_json::from_str(&report).unwrap(), folder }
}

#[expect(clippy::print_stdout, reason = "shown by the test runner when the test fails")]
fn tell(text: &str) {
    println!("{text}");
}

/// The outcome of the finding whose id begins so, and its sentence.
fn finding(run: &Run, id: &str) -> (String, String) {
    let findings = run.report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"].as_str().unwrap().starts_with(id));
    let found = found.unwrap_or_else(|| panic!("no finding {id} in {findings:?}"));
    (found["outcome"].as_str().unwrap().to_owned(), found["message"].as_str().unwrap().to_owned())
}

#[test]
fn the_quickstart_passes_and_leaves_every_file() {
    let plant = Plant::nothing();
    let run = run(&plant);
    assert_eq!((run.code, run.report["verdict"].as_str()), (0, Some("pass")), "{}", run.report["reason"]);
    let names =
        ["report.html", "report.json", "junit.xml", "summary.md", "latency.hlog", "record.json", "scenario.yaml"];
    for name in names {
        assert!(run.folder.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "five lines and the path of the report: {lines:?}");
    assert!(lines[0].starts_with("PASS"), "{lines:?}");
    judging_again_gives_the_same_bytes(&run);
}

fn judging_again_gives_the_same_bytes(run: &Run) {
    let before = std::fs::read(run.folder.join("report.json")).unwrap();
    let again = Command::new(env!("CARGO_BIN_EXE_proofload")).arg("judge").arg(&run.folder).output().unwrap();
    assert_eq!(again.status.code(), Some(run.code));
    assert_eq!(std::fs::read(run.folder.join("report.json")).unwrap(), before);
}

#[test]
fn a_slowed_inference_server_fails_the_job_times() {
    let run =
        run(&Plant::in_environment("--min-service-time, 80ms,", "--min-service-time, 80ms, --defect, slow=900ms,"));
    assert_eq!(run.code, 1, "{}", run.report["reason"]);
    let (outcome, message) = finding(&run, "slo.job(upload-study).p95");
    assert_eq!(outcome, "fail", "{message}");
}

#[test]
fn a_job_dropped_by_a_worker_is_lost_and_named() {
    let worker = r#"--inference, "{{address serving}}","#;
    let run = run(&Plant::in_environment(worker, &format!("{worker} --defect, drop-job=40,")));
    assert_eq!(run.code, 1, "{}", run.report["reason"]);
    let (outcome, message) = finding(&run, "ledger.lost");
    assert_eq!(outcome, "fail", "{message}");
    let lost =
        run.report["ledgers"].as_array().unwrap().iter().flat_map(|ledger| ledger["notable"].as_array().unwrap());
    let ids: Vec<&str> =
        lost.filter(|entry| entry["fate"] == "lost").map(|entry| entry["id"].as_str().unwrap()).collect();
    assert!(!ids.is_empty() && message.contains(ids[0]), "{message} names {ids:?}");
}

#[test]
fn one_replica_too_few_fails_the_scaling_clause() {
    let run = run(&Plant::most_replicas(3));
    assert_eq!(run.code, 1, "{}", run.report["reason"]);
    let (outcome, message) = finding(&run, "scaling.Deployment/ml-inference.reaches");
    assert_eq!((outcome.as_str(), message.contains("3 was")), ("fail", true), "{message}");
}
