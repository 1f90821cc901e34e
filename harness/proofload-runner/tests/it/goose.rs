//! Our own engine and Goose send the same closed load to the same server: server, record and Goose's own metrics count
//! the same, and both engines measure the same times.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::any;
use proofload_core::evidence::{Histogram, RunEnd, RunRecord, StepEvidence};
use proofload_core::scenario::Scenario;
use proofload_runner::cross_check::{CrossCheck, Figures, Row};
use tokio_util::sync::CancellationToken;

use crate::driven::{drive_in, drive_until, system_at};
use crate::flows::serve;

/// A pass logs in, and twice thinks and asks for something quick or something slow; every tenth is refused at its end.
const FLOW: &str = r#"payloads:
  photo: { generate: text, bytes: 3KiB }
flows:
  f:
    - request:
        name: login
        method: POST
        path: /login/{{iteration}}
        multipart: { user: "u-{{iteration}}", photo: "{{payload photo}}" }
        extract: { token: { json: /token } }
        checks: [{ status: 200 }, { json: /token, equals: "t{{iteration}}" }, { json: /photos, equals: "1" }]
    - loop:
        times: 2
        steps:
          - think: 1ms..3ms
          - choose:
              - { weight: 3, steps: [request: { name: quick, path: "/quick/{{token}}" }] }
              - { weight: 1, steps: [request: { name: slow, path: "/slow/{{token}}", checks: [{ body: , contains: nothing }] }] }
    - request: { name: mixed, path: "/mixed/{{iteration}}", extract: { seen: { header: x-seen } } }
    - request: { name: logout, path: "/logout/{{seen}}" }
"#;
const REQUESTS: [&str; 5] = ["login", "quick", "slow", "mixed", "logout"];

/// How often each request was asked for, by the server's own count.
type Asked = Arc<Mutex<BTreeMap<String, u64>>>;

/// Goose runs one attack in a process, and tests run side by side.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Takes 5 ms or 40 ms by path: `slow` always the longer, `mixed` every fourth time.
async fn server() -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let counted = Arc::clone(&asked);
    let answer = move |Path((what, which)): Path<(String, String)>, body: String| async move {
        *counted.lock().unwrap().entry(what.clone()).or_default() += 1;
        let number: u64 = which.trim_start_matches('t').parse().unwrap_or(0);
        let is_slow = what == "slow" || (what == "mixed" && number.is_multiple_of(4));
        tokio::time::sleep(Duration::from_millis(if is_slow { 40 } else { 5 })).await;
        let photos = body.matches("name=\"photo\"; filename=").count();
        let refused = what == "mixed" && number % 10 == 3;
        let status = if refused { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        (status, [("x-seen", which)], format!("{{\"token\": \"t{number}\", \"photos\": {photos}}}"))
    };
    (serve(Router::new().route("/{what}/{which}", any(answer))).await, asked)
}

fn scenario(engine: &str, workload: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\n{FLOW}workloads:\n  w: {{ flow: f, engine: {engine}, {workload} }}\n"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

fn step<'r>(record: &'r RunRecord, name: &str) -> &'r StepEvidence {
    record.steps.iter().find(|step| step.name == name).unwrap()
}

/// What a record counts of a request: due, answered, wrong, not reached, and its checks.
fn counts(record: &RunRecord, name: &str) -> String {
    let step = step(record, name);
    let sum = |pick: fn(&proofload_core::evidence::Second) -> u64| step.seconds.iter().map(pick).sum::<u64>();
    let checks: Vec<String> = step
        .checks
        .iter()
        .map(|(check, counts)| format!(", {check}: {} and {}", counts.passed, counts.failed))
        .collect();
    let (due, answered) = (sum(|second| second.due), sum(|second| second.answered));
    let (wrong, broken) = (sum(|second| second.errors), sum(|second| second.broken));
    format!("{name}: {due} due, {answered} answered, {wrong} wrong, {broken} broken{}", checks.concat())
}

fn answered(record: &RunRecord, name: &str) -> u64 {
    step(record, name).seconds.iter().map(|second| second.answered).sum()
}

/// Figures of a request as the record of a run has them.
fn figures(record: &RunRecord, name: &str) -> Figures {
    let times = Histogram::merge(step(record, name).seconds.iter().map(|second| &second.service));
    Figures::of(answered(record, name), 0, &times)
}

/// Drives a scenario by Goose; the three who count must agree. Gives what Goose said, and the record.
async fn drive_by_goose(
    scenario: &Scenario,
    address: SocketAddr,
    asked: &Asked,
    folder: &FilePath,
) -> (CrossCheck, RunRecord) {
    let _alone = ONE_AT_A_TIME.lock().await;
    asked.lock().unwrap().clear();
    let record = drive_in(scenario, address, folder).await;
    let told = std::fs::read_to_string(folder.join("run-1/goose.json")).unwrap();
    let both: CrossCheck = serde_json::from_str(&told).unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(
        both.requests.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["login", "logout", "mixed", "quick", "slow"]
    );
    for row in &both.requests {
        let counts = [asked[&row.name], answered(&record, &row.name), row.proofload.requests, row.goose.requests];
        assert_eq!(counts, [asked[&row.name]; 4], "{}: server, record, ours, Goose's", row.name);
        assert_eq!(row.goose.failed, row.proofload.failed, "{}", row.name);
    }
    (both, record)
}

/// A busy machine may hold up one engine for a moment: counts hold at every try, times at one of these.
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_count_the_same_and_measure_the_same() {
    let (address, asked) = server().await;
    let passes = "executor: shared-iterations, vus: 4, iterations: 80, think_time: 1ms..2ms";
    let mut apart = Vec::new();
    for _ in 0..TRIES {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        asked.lock().unwrap().clear();
        let own = drive_in(&scenario("proofload", passes), address, ours.path()).await;
        let (both, by_goose) = drive_by_goose(&scenario("goose", passes), address, &asked, theirs.path()).await;
        for name in REQUESTS {
            assert_eq!(counts(&own, name), counts(&by_goose, name));
        }
        let login = "80 due, 80 answered, 0 wrong, 0 broken, json /photos equals 1: 80 and 0";
        assert!(counts(&by_goose, "login").contains(login), "{}", counts(&by_goose, "login"));
        assert!(counts(&by_goose, "mixed").ends_with("80 due, 80 answered, 8 wrong, 0 broken"), "{by_goose:?}");
        assert!(counts(&by_goose, "logout").ends_with("80 due, 72 answered, 0 wrong, 8 broken"), "{by_goose:?}");
        let row =
            |name: &str| Row { name: name.to_owned(), proofload: figures(&own, name), goose: figures(&by_goose, name) };
        let runs = CrossCheck { requests: REQUESTS.map(row).to_vec() };
        apart = runs.disagreements();
        // Within the run of Goose, what it timed itself and what we timed around it.
        apart.extend(both.disagreements());
        if apart.is_empty() {
            return;
        }
    }
    panic!("{apart:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_come_and_go_by_the_plan() {
    let (address, asked) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let stages =
        "executor: ramping-vus, start_vus: 1, stages: [{ vus: 3, for: 1s }, { vus: 1, for: 1s }], after: 500ms";
    let (both, record) = drive_by_goose(&scenario("goose", stages), address, &asked, folder.path()).await;
    let logins = &step(&record, "login").seconds;
    assert!(both.requests[0].goose.requests > 0 && (1..=3).contains(&logins.len()), "{logins:?}");
    let last_s = logins.last().unwrap().at;
    assert!(last_s <= 2, "a pass began in second {last_s}, and the last user leaves after 2.5 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_never_come_keep_no_run_from_ending() {
    let (asked, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let never = move |_: Path<(String, String)>| {
        asked.send(()).unwrap();
        std::future::pending::<StatusCode>()
    };
    let address = serve(Router::new().route("/{what}/{which}", any(never))).await;
    let stop = CancellationToken::new();
    let pressed = stop.clone();
    tokio::spawn(async move {
        // Both users wait by then.
        seen.recv().await;
        seen.recv().await;
        pressed.cancel();
    });
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("goose", "executor: constant-vus, vus: 2, for: 60s");
    let _alone = ONE_AT_A_TIME.lock().await;
    let record = drive_until(stop, &scenario, &system_at(address), folder.path()).await;
    assert_eq!(record.run.end, RunEnd::Interrupted);
    assert_eq!(counts(&record, "login").split_once(", json").unwrap().0, "login: 2 due, 0 answered, 0 wrong, 2 broken");
    // Goose hangs on its users, so what it had counted is not to be had.
    assert!(!folder.path().join("run-1/goose.json").exists());
}
