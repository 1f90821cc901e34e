//! The command line as a user meets it when something is wrong: one clear message, the documented exit code, and
//! nothing left behind.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn proofload(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofload")).current_dir(workspace()).args(args).output().unwrap()
}

/// Runs a command that must fail with `code`; the first line it says on standard error begins so.
fn check(args: &[&str], code: i32, expected: &str) {
    let output = proofload(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = said.lines().find(|line| line.contains(':')).unwrap_or_default();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(first.starts_with(expected), "{args:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// A small scenario on fish, in a folder of its own.
pub(crate) fn scenario(folder: &Path) -> String {
    let path = folder.join("one.yaml");
    let text = "apiVersion: proofload/v1\nkind: Scenario\nname: one\nsystem: fish\nflows:\n  f: [{ request: { name: health, path: /health } }]\nworkloads:\n  w: { flow: f, executor: constant-arrival-rate, rate: 20/s, for: 30s }\nslos: [{ sli: errors(health), max: 1% }]\n";
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

pub(crate) fn environment(folder: &Path, url: &str, processes: &str) -> String {
    let path = folder.join("env.yaml");
    let text = format!(
        "apiVersion: proofload/v1\nkind: Environment\nname: test\n{processes}systems:\n  fish: {{ url: \"{url}\", ready: /health }}\n"
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A gateway of fish with its inference server.
pub(crate) const FISH: &str = r#"processes:
  inference: { command: ["{{proofload}}", stack, inference, --system, fish, --until-stdin-closes], ready: /v1/models/fish_classifier }
  fish: { command: ["{{proofload}}", stack, gateway, --system, fish, --data, "{{data}}/fish", --inference, "{{address inference}}", --until-stdin-closes], ready: /health }
"#;

/// What a failed command may not leave: a run folder, or data of processes.
fn assert_nothing_left(out: &Path) {
    let left: Vec<_> = std::fs::read_dir(out).map(|entries| entries.flatten().collect()).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_plan_that_this_machine_cannot_meet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.yaml");
    let text = "apiVersion: proofload/v1\nkind: Scenario\nname: huge\nsystem: fish\nflows:\n  f: [{ request: { name: get, path: / } }]\nworkloads:\n  w: { flow: f, executor: constant-vus, vus: 1000000, for: 1s, max_in_flight: 1000000 }\n";
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let output = proofload(&["plan", &path]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("1000000 connections at once") && said.contains("lower `max_in_flight`"), "{said}");
    // The run says the same and sends nothing.
    let env = environment(folder.path(), "http://127.0.0.1:1", "");
    assert_eq!(proofload(&["run", &path, "-e", &env]).status.code(), Some(2));
}

#[test]
fn a_plan_says_what_its_rules_can_show() {
    let said = String::from_utf8(proofload(&["plan", "scenarios/quickstart.yaml"]).stdout).unwrap();
    let is_of_rules = |line: &&str| line.contains(" samples at least ") || line.contains("with a chance of");
    insta::assert_snapshot!(said.lines().filter(is_of_rules).collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_arrival_of_a_plan_can_be_listed() {
    let folder = tempfile::tempdir().unwrap();
    let output = proofload(&["plan", &scenario(folder.path()), "--arrivals"]);
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = listed.lines();
    assert_eq!((lines.next(), lines.next()), (Some("25000000 w 0"), Some("75000000 w 1")));
    assert_eq!(lines.count(), 598);
}

#[test]
fn a_scenario_that_is_wrong_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.yaml");
    std::fs::write(&path, "apiVersion: proofload/v1\nkind: Scenario\nname: x\nflow: {}\n").unwrap();
    let path = path.display().to_string();
    check(&["run", &path], 2, &format!("{path}:4:1: unknown field `flow`; did you mean `flows`?"));
    check(&["plan", "no-such.yaml"], 2, "error: the scenario no-such.yaml cannot be read");
    check(&["run", "scenarios/quickstart.yaml", "-e", "nowhere"], 2, "error: there is no environment `nowhere`");
    check(
        &["run", "scenarios/quickstart.yaml", "--target", "http://127.0.0.1:1"],
        2,
        "error: --target names one address, and quickstart drives fish and medical-platform",
    );
}

#[test]
fn a_target_that_is_down_is_named_with_exit_5() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // Bound and released: nothing listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let environment = environment(folder.path(), &format!("http://{address}"), "");
    let args = ["run", &scenario(folder.path()), "-e", &environment, "--out", &out.display().to_string()];
    check(&args, 5, &format!("error: http://{address}/health was not ready within 10 s: nothing listens there"));
    assert_nothing_left(&out);
}

#[test]
fn a_process_that_cannot_start_says_why_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let check_process = |command: &str, expected: &str| {
        let process = format!("processes:\n  fish: {{ command: [{command}], ready: /health }}\n");
        let environment = environment(folder.path(), "{{address fish}}", &process);
        let args = ["run", &scenario(folder.path()), "-e", &environment, "--out", &out.display().to_string()];
        let output = proofload(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains(expected), "{said}");
        assert_nothing_left(&out);
    };
    let inference = r#""{{proofload}}", stack, inference, --system, fish, --until-stdin-closes"#;
    check_process(&format!("{inference}, --listen, \"{address}\""), &format!("{address}"));
    check_process(&format!("{inference}, --models, /no/such/folder"), "/no/such/folder");
    check_process("/no/such/program", "/no/such/program");
}

#[test]
fn an_unwritable_place_for_the_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let environment = environment(folder.path(), "http://127.0.0.1:1", "");
    let args = ["run", &scenario(folder.path()), "-e", &environment, "--out", &file.display().to_string()];
    check(&args, 70, "error: the run folder ");
}

/// A disk that is full: a small file system in a mount namespace of the test's own.
#[test]
fn a_full_disk_is_named_and_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path(), "{{address fish}}", FISH);
    let scenario = scenario(folder.path());
    let out = folder.path().join("small");
    std::fs::create_dir(&out).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=64k none {out} && exec {program} run {scenario} -e {environment} --out {out} --quiet",
        out = out.display(),
        program = env!("CARGO_BIN_EXE_proofload"),
    );
    let output = Command::new("unshare").current_dir(workspace()).args(["--mount", "sh", "-c", &script]).output();
    let said = output.as_ref().map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
    if said.is_empty() || said.contains("unshare") || said.contains("permission denied") {
        skipped("a_full_disk_is_named_and_ends_the_run", "this user may not make a mount namespace");
        return;
    }
    assert_eq!(output.unwrap().status.code(), Some(70), "{said}");
    assert!(said.contains("cannot be written: No space left on device") && said.contains("free some space"), "{said}");
}

#[expect(clippy::print_stdout, reason = "CI counts skipped tests by this line")]
fn skipped(test: &str, why: &str) {
    println!("SKIPPED {test}: {why}");
}

#[test]
fn ctrl_c_keeps_a_partial_report_and_ends_130() {
    let folder = tempfile::tempdir().unwrap();
    let run = interrupt(folder.path(), &scenario(folder.path()));
    assert!(run.join("report.html").is_file() && run.join("record.json").is_file());
}

/// The same small load of two users, sent by Goose.
fn goose_scenario(folder: &Path) -> String {
    let path = scenario(folder);
    let text = std::fs::read_to_string(&path).unwrap();
    let by_goose = "executor: constant-vus, vus: 2, think_time: 50ms..60ms, engine: goose";
    let text = text.replace("executor: constant-arrival-rate, rate: 20/s", by_goose);
    std::fs::write(&path, text).unwrap();
    path
}

#[cfg(not(feature = "goose"))]
#[test]
fn goose_is_refused_by_a_build_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let env = environment(folder.path(), "http://127.0.0.1:1", "");
    let out = folder.path().join("out").display().to_string();
    let expected = "error: scenario `one` has `engine: goose`, and this proofload was built without Goose";
    check(&["run", &goose_scenario(folder.path()), "-e", &env, "--out", &out], 2, expected);
    check(&["run", &goose_scenario(folder.path()), "-e", &env, "--dry-run"], 2, expected);
    assert_nothing_left(Path::new(&out));
}

/// Goose would take Ctrl-C for itself, and end the process at the second.
#[cfg(feature = "goose")]
#[test]
fn ctrl_c_ends_goose_as_it_ends_our_own_engine() {
    let folder = tempfile::tempdir().unwrap();
    let run = interrupt(folder.path(), &goose_scenario(folder.path()));
    let read =
        |file: &str| serde_json::from_slice::<serde_json::Value>(&std::fs::read(run.join(file)).unwrap()).unwrap();
    assert_eq!(read("record.json")["run"]["end"], "interrupted");
    // Its users had time to leave, so its own count was kept, and is the same.
    let told = read("goose.json");
    let count = |engine: &str| told["requests"][0][engine]["requests"].as_u64().unwrap();
    assert!(count("goose") > 10 && count("goose") == count("proofload"), "{told}");
}

/// Presses Ctrl-C in a run that is well under way; it must end as documented. Gives its folder.
fn interrupt(folder: &Path, scenario: &str) -> PathBuf {
    let out = folder.join("out");
    let environment = environment(folder, "{{address fish}}", FISH);
    let mut child = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .current_dir(workspace())
        .args(["run", scenario, "-e", &environment, "--out", &out.display().to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // The line of the fifth second, or of the next where that was skipped: the load is under way.
    let told = |line: &str| line.starts_with("load ") && line.contains("/s due");
    let under_way = lines.find(|line| told(line.as_ref().unwrap()));
    assert!(under_way.is_some());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.contains("the run was stopped before its plan ended"), "{said}");
    std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn help_lists_the_exit_codes_and_shows_examples() {
    for command in [
        "run",
        "plan",
        "judge",
        "compare",
        "pairs",
        "baseline",
        "report",
        "conform",
        "lint",
        "doctor",
        "man",
        "schema",
        "completions",
        "stack",
        "generator",
    ] {
        let said = String::from_utf8(proofload(&[command, "--help"]).stdout).unwrap();
        assert!(said.contains("Exit codes:") && said.contains("Example"), "{command}: {said}");
    }
    let completions = String::from_utf8(proofload(&["completions", "bash"]).stdout).unwrap();
    assert!(completions.contains("_proofload"), "{completions}");
}

#[test]
fn lint_finds_the_contradictions_of_the_shipped_manifests() {
    let output = proofload(&["lint", "k8s/"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn committed_scenarios_fit_their_environment() {
    let mut files = Vec::new();
    for folder in ["scenarios", "scenarios/medical-platform", "scenarios/fish"] {
        let entries = std::fs::read_dir(workspace().join(folder)).unwrap().flatten().map(|entry| entry.path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")));
    }
    assert!(!files.is_empty());
    for file in files {
        let output = proofload(&["run", &file.display().to_string(), "--dry-run"]);
        assert_eq!(output.status.code(), Some(0), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
}
