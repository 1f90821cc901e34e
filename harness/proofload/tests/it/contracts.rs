//! A contract as part of a run, through the binary: the reference stack keeps it, and a planted defect fails the run by
//! the check's name.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::cli::{FISH, environment, proofload};

/// One second of a health check, and then what is asked of the contract.
fn scenario(folder: &Path, system: &str, path: &str, clause: &str) -> String {
    let file = folder.join("contract.yaml");
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: contract\nsystem: {system}\nflows:\n  \
         f: [{{ request: {{ name: health, path: {path} }} }}]\nworkloads:\n  \
         w: {{ flow: f, executor: constant-arrival-rate, rate: 20/s, for: 1s }}\n\
         slos: [{{ sli: errors(health), max: 20% }}]\nconformance: [{{ {clause} }}]\n"
    );
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// What a run left behind.
struct Run {
    output: Output,
    folder: PathBuf,
    report: Value,
}

impl Run {
    /// Runs the scenario and gives what it left.
    fn of(folder: &Path, scenario: &str, environment: &str) -> Self {
        let out = folder.join("out");
        let asked = ["run", scenario, "-e", environment, "--out", &out.display().to_string(), "--no-calibration"];
        let output = proofload(&[&asked[..], &["--json"]].concat());
        let folder = std::fs::read_dir(&out).expect("a run leaves a folder").next().unwrap().unwrap().path();
        let report = serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
        Self { output, folder, report }
    }

    fn finding(&self, id: &str) -> (&str, &str) {
        let findings = self.report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["id"] == id);
        let finding = finding.unwrap_or_else(|| panic!("no finding {id} in {}", self.report["findings"]));
        (finding["outcome"].as_str().unwrap(), finding["message"].as_str().unwrap())
    }

    /// The lines that programs are told, of one kind.
    fn told(&self, event: &str) -> Vec<Value> {
        let lines = String::from_utf8_lossy(&self.output.stdout).into_owned();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == event).collect()
    }
}

const SELECT: &str = "profile: fish, select: [http.health, http.path.unknown-404]";

#[test]
fn the_stack_keeps_its_contract_in_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path(), "{{address fish}}", FISH);
    let run = Run::of(folder.path(), &scenario(folder.path(), "fish", "/health", SELECT), &environment);
    let (outcome, message) = run.finding("conformance.fish.fish");
    assert_eq!(outcome, "pass", "{message}");
    assert!(message.starts_with("4 checks: 4 pass; not asked for: "), "{message}");
    // A machine that is too busy to measure makes the run INVALID, and the contract stays kept.
    assert!([Some(0), Some(3)].contains(&run.output.status.code()), "{}", run.report["reason"]);
    let phases = run.told("phase");
    let phases: Vec<&str> = phases.iter().map(|line| line["phase"].as_str().unwrap()).collect();
    assert!(phases.ends_with(&["drain", "conformance", "stopping"]), "{phases:?}");
    let checked = run.told("checked");
    assert!(checked.len() == 4 && checked[3]["done"] == 4 && checked[3]["total"] == 4, "{checked:?}");
}

#[test]
fn a_planted_defect_fails_the_run_by_the_name_of_its_check() {
    let folder = tempfile::tempdir().unwrap();
    let planted = FISH.replace("stack, gateway,", "stack, gateway, --defect, unknown-path-200,");
    assert_ne!(planted, FISH);
    let environment = environment(folder.path(), "{{address fish}}", &planted);
    let run = Run::of(folder.path(), &scenario(folder.path(), "fish", "/health", SELECT), &environment);
    let reason = run.report["reason"].as_str().unwrap();
    assert_eq!(run.output.status.code(), Some(1), "{reason}");
    assert!(
        reason.starts_with("conformance(fish) MUST http.path.unknown-404: expected status 404 for GET"),
        "{reason}"
    );
    assert_eq!(run.finding("conformance.fish.fish.http.path.unknown-404").0, "fail");
    assert_eq!(run.finding("conformance.fish.fish").0, "fail");
    let read = |file: &str| std::fs::read_to_string(run.folder.join(file)).unwrap();
    let page = read("report.html");
    assert!(page.contains("<a href=\"conformance.html\">") && page.contains("http.path.unknown-404"));
    assert!(read("conformance.html").contains("http.path.unknown-404"));
    assert!(read("junit.xml").contains("conformance.fish.fish.http.path.unknown-404"));
    judged_again(&run.folder);
}

/// The record alone is enough: what was exchanged lies beside it and is not needed.
fn judged_again(folder: &Path) {
    for file in ["conformance.html", "conformance.json"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    let files = ["report.html", "report.json", "junit.xml", "summary.md"];
    let read = || files.map(|file| std::fs::read(folder.join(file)).unwrap());
    let before = read();
    assert_eq!(proofload(&["judge", &folder.display().to_string()]).status.code(), Some(1));
    assert!(before == read(), "judging again gave other bytes");
}

const MEDICAL: &str = r#"apiVersion: proofload/v1
kind: Environment
name: test
secrets: { jwt-secret: { generate: 48 } }
processes:
  gateway: { command: ["{{proofload}}", stack, gateway, --system, medical-platform, --data, "{{data}}/m", --jwt-secret-file, "{{secret jwt-secret}}", --max-body, "65536", --until-stdin-closes], ready: /actuator/health/readiness }
systems:
  medical-platform:
    url: "{{address gateway}}"
    ready: /actuator/health/readiness
    body_max: 64KiB
    tokens: { clinician: { jwt: { secret: jwt-secret, issuer: medical-platform, audience: api-gateway, subject: c } } }
"#;

/// Tokens are made by the environment's own source, and the limit on bodies is the environment's.
#[test]
fn tokens_and_limits_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let environment = folder.path().join("env.yaml");
    let clause = "profile: medical-platform, select: [gw.jwt, upload.limit]";
    let scenario = scenario(folder.path(), "medical-platform", "/actuator/health", clause);
    std::fs::write(&environment, MEDICAL).unwrap();
    let run = Run::of(folder.path(), &scenario, &environment.display().to_string());
    let (outcome, message) = run.finding("conformance.medical-platform.medical-platform");
    assert_eq!(outcome, "pass", "{message}");

    let without = MEDICAL.lines().filter(|line| !line.contains("tokens:")).map(|line| format!("{line}\n"));
    std::fs::write(&environment, without.collect::<String>()).unwrap();
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    let run = Run::of(folder.path(), &scenario, &environment.display().to_string());
    let (outcome, message) = run.finding("conformance.medical-platform.medical-platform");
    assert_eq!(outcome, "inconclusive", "{message}");
    assert!(message.contains("no key for tokens was given"), "{message}");
}

#[test]
fn what_selects_no_check_is_refused_with_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(folder.path(), "fish", "/health", "profile: fish, select: [gw.jwt]");
    let environment = environment(folder.path(), "http://127.0.0.1:1", "");
    let out = folder.path().join("out").display().to_string();
    for asked in [
        &["run", &scenario, "-e", &environment, "--out", &out][..],
        &["run", &scenario, "-e", &environment, "--dry-run"],
        &["plan", &scenario],
    ] {
        let output = proofload(asked);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{asked:?}: {said}");
        assert!(said.contains("no check of fish starts with `gw.jwt`"), "{asked:?}: {said}");
    }
    assert!(!Path::new(&out).exists());
}
