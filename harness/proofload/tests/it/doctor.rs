//! `proofload doctor` and `proofload man` as a user meets them.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::cli::proofload;

#[test]
fn this_machine_can_run_and_every_part_is_told() {
    let output = proofload(&["doctor", "--json"]);
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{findings:#?}");
    for finding in &findings {
        let is_ok = finding["status"] == "OK";
        assert_eq!(is_ok, finding["mend"] == "", "{finding}");
    }
    let parts: Vec<&str> = findings.iter().map(|finding| finding["part"].as_str().unwrap()).collect();
    for part in ["file-descriptors", "local-ports", "clock-source", "libfaketime", "chromium", "promtool", "kubectl"] {
        assert!(parts.contains(&part), "{parts:?}");
    }
}

/// Where nothing may be written, a run cannot be made.
#[test]
fn what_a_run_needs_and_lacks_ends_with_1() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
    let output = command.arg("doctor").env("TMPDIR", "/no/such/folder").env("PATH", "").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("MISSING  temporary-folder") && said.contains("MISSING  git"), "{said}");
    assert!(said.contains("→ apt-get install git"), "{said}");
}

/// A stand-in for apt-get writes down what it was asked for.
#[test]
fn a_part_is_fetched_by_its_packages() {
    let folder = tempfile::tempdir().unwrap();
    let (program, asked) = (folder.path().join("apt-get"), folder.path().join("asked"));
    std::fs::write(&program, format!("#!/bin/sh\necho \"$@\" > {}\n", asked.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let fetch = |part: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
        command.args(["doctor", "--fetch", part]).env("PATH", folder.path()).output().unwrap()
    };
    assert_eq!(fetch("python3").status.code(), Some(0));
    let asked = std::fs::read_to_string(asked).unwrap();
    assert_eq!(asked, "install -y --no-install-recommends python3 python3-venv\n");
    let refused = |part: &str| String::from_utf8(fetch(part).stderr).unwrap();
    assert!(refused("cores").starts_with("error: `cores` is not in a package: send from a machine"));
    assert!(refused("browser").starts_with("error: there is no part `browser`; known: git, prometheus"));
}

#[test]
fn every_command_has_a_page_in_the_manual() {
    let page = |args: &[&str]| {
        let output = proofload(args);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, run) = page(&["man", "run"]);
    assert_eq!(code, Some(0));
    assert!(
        run.contains(".TH proofload-run 1") && run.contains("no\\-calibration") && run.contains("Exit codes"),
        "{run}"
    );
    assert!(page(&["man", "stack", "up"]).1.contains(".TH proofload-stack-up 1"));
    assert_eq!(page(&["man", "rum"]).0, Some(2));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(page(&["man", "--out", &folder.path().display().to_string()]).0, Some(0));
    for name in ["proofload.1", "proofload-run.1", "proofload-doctor.1", "proofload-stack-up.1"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}
