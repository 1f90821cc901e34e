//! `proofload report` and what else tells of a run, on a run that really was.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::cli::{FISH, environment, proofload, workspace};

/// Two seconds of a health check.
const SCENARIO: &str = "apiVersion: proofload/v1\nkind: Scenario\nname: short\nsystem: fish\nflows:\n  \
    f: [{ request: { name: health, path: /health } }]\nworkloads:\n  \
    w: { flow: f, executor: constant-arrival-rate, rate: 20/s, for: 2s }\nslos: [{ sli: errors(health), max: 10% }]\n";

/// Every file that a run leaves of its report.
const LEFT: [&str; 7] =
    ["report.html", "report.json", "junit.xml", "summary.md", "latency.hlog", "metrics.txt", "performance.json"];

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// An address at which nobody listens: bound and released.
fn dead_address() -> String {
    format!("http://me:secret@{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// A run with a dead receiver of metrics; its folder.
fn run(folder: &Path) -> PathBuf {
    let scenario = folder.join("short.yaml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let environment = environment(folder, "{{address fish}}", FISH);
    let (scenario, out) = (scenario.display().to_string(), folder.join("out").display().to_string());
    let asked = ["run", &scenario, "-e", &environment, "--out", &out, "--no-calibration", "--otlp", &dead_address()];
    let output = proofload(&asked);
    let (told, warned) = said(&output);
    let code = output.status.code().unwrap();
    assert!([0, 3].contains(&code), "the receiver has no part in the verdict: {code} {told} {warned}");
    let warnings: Vec<&str> = warned.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("the verdict stands"), "{warned}");
    assert!(!warned.contains("secret"), "{warned}");
    std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn a_stored_run_is_told_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let path = run.display().to_string();
    let read = |file: &str| std::fs::read(run.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let before: Vec<Vec<u8>> = LEFT.iter().map(|file| read(file)).collect();
    for (format, file) in ["html", "json", "junit", "markdown", "hlog", "openmetrics", "performance"].iter().zip(LEFT) {
        let output = proofload(&["report", &path, "--as", format, "--out", "-"]);
        assert_eq!((output.status.code(), &output.stdout), (Some(0), &read(file)), "{format}");
    }
    assert_eq!(proofload(&["report", &path]).status.code(), Some(0));
    assert_eq!(before, LEFT.iter().map(|file| read(file)).collect::<Vec<_>>(), "the same bytes again");
    for (format, file, begins) in [("otlp", "otlp.json", "{\"resourceMetrics\""), ("jtl", "samples.jtl", "timeStamp,")]
    {
        assert!(!run.join(file).exists(), "{file} is made only where asked");
        assert_eq!(proofload(&["report", &path, "--as", format]).status.code(), Some(0));
        assert!(read(file).starts_with(begins.as_bytes()), "{file}");
    }
    assert_eq!(String::from_utf8(read("samples.jtl")).unwrap().lines().count(), 41);
    into_what_is_no_file(&path, folder.path(), &read("report.json"));
    index(run.parent().unwrap());
    refusals(&path);
}

/// A pipe and a link stay what they are: a rename would put a file in their place, and `--out /dev/null` would cost the machine its.
fn into_what_is_no_file(run: &str, folder: &Path, expected: &[u8]) {
    let [pipe, link, file] = ["pipe", "link", "file"].map(|name| folder.join(name));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read(pipe).unwrap())
    };
    for out in [&pipe, &link] {
        let output = proofload(&["report", run, "--as", "json", "--out", &out.display().to_string()]);
        assert_eq!(output.status.code(), Some(0), "{:?}", said(&output));
        assert!(!std::fs::symlink_metadata(out).unwrap().is_file(), "{} was replaced", out.display());
    }
    assert_eq!((reader.join().unwrap(), std::fs::read(&file).unwrap()), (expected.to_owned(), expected.to_owned()));
}

/// The index of the folder, with folders in it that are no runs.
fn index(runs: &Path) {
    std::fs::create_dir(runs.join("run-broken")).unwrap();
    std::fs::create_dir(runs.join("run-empty")).unwrap();
    std::fs::create_dir(runs.join("something-else")).unwrap();
    std::fs::write(runs.join("run-broken/report.json"), "{").unwrap();
    let output = proofload(&["report", "--all", &runs.display().to_string()]);
    let (told, warned) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{told}{warned}");
    assert!(told.contains("index.html") && warned.lines().count() == 2, "{warned}");
    assert!(warned.contains("run-broken: not a report") && warned.contains("run-empty: report.json cannot be read"));
    let page = std::fs::read_to_string(runs.join("index.html")).unwrap();
    assert!(page.contains("1 run in ") && page.contains("errors(health) ≤ 10%") && page.contains("run-broken"));
    assert!(std::fs::read_to_string(runs.join("index.md")).unwrap().contains("| errors(health) ≤ 10% |"));
}

/// What cannot be done is said in one sentence.
fn refusals(run: &str) {
    let check = |args: &[&str], code: i32, expected: &str| {
        let output = proofload(args);
        let (_, warned) = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {warned}");
        assert!(warned.contains(expected) && !warned.contains("panicked"), "{args:?}: {warned}");
    };
    check(&["report", "/no/such/run"], 2, "error: /no/such/run/scenario.yaml cannot be read");
    check(&["report"], 2, "required arguments were not provided");
    check(&["report", run, "--as", "pdf"], 2, "possible values: html, json");
    check(
        &["report", run, "--as", "jtl", "--out", "/no/such/folder/x.jtl"],
        70,
        "/no/such/folder/x.jtl cannot be written",
    );
    check(
        &["report", run, "--otlp", "nowhere"],
        2,
        "error: --otlp: the address of an OTLP receiver is http://HOST:PORT",
    );
    check(&["report", "--all", "/no/such/folder"], 2, "error: /no/such/folder cannot be read");
    let empty = tempfile::tempdir().unwrap();
    check(&["report", "--all", &empty.path().display().to_string()], 2, "holds no run that can be read");
    // Without a desktop there is nothing that opens a page; the page is there all the same.
    let output = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .current_dir(workspace())
        .env("PATH", empty.path())
        .args(["report", run, "--as", "html", "--open"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).1.contains("report.html in a browser"));
}

#[test]
fn lint_tells_its_findings_as_sarif() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lint.sarif");
    let beside = proofload(&["lint", "k8s/", "--sarif", &file.display().to_string()]);
    assert_eq!(beside.status.code(), Some(1));
    assert!(said(&beside).0.contains(" findings in "), "the text is still told");
    let alone = proofload(&["lint", "k8s/", "--sarif", "-"]);
    assert_eq!((alone.status.code(), &alone.stdout), (Some(1), &std::fs::read(&file).unwrap()));
    let log: serde_json::Value = serde_json::from_slice(&alone.stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        let file = workspace().join(place["artifactLocation"]["uri"].as_str().unwrap());
        assert!(file.is_file() && place["region"]["startLine"].as_u64() > Some(0), "{result}");
    }
    let output = proofload(&["lint", "k8s/", "--sarif", "/no/such/folder/x"]);
    assert_eq!(output.status.code(), Some(70));
    assert!(said(&output).1.starts_with("error: /no/such/folder/x cannot be written"));
}
