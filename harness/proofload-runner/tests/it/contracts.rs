//! Contracts in a run: looked at after the load, with the trust of the environment, and not in a run that was stopped.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use proofload_core::conformance::{Outcome, SkipReason};
use proofload_core::evidence::{CheckEvidence, ConformanceAnswer, RunEnd, RunRecord};
use proofload_core::scenario::Scenario;
use tokio_util::sync::CancellationToken;

use crate::driven::{drive_at, drive_until, scenario_of, system_at, try_drive_at};
use crate::flows::serve;
use crate::tls::in_front_of;

/// Half a second of load, and then these clauses.
fn scenario(clauses: &str) -> Scenario {
    let flows = format!("flows:\n  f: [{{ request: {{ name: get, path: /load }} }}]\nconformance: [{clauses}]\n");
    scenario_of(&flows, "executor: constant-arrival-rate, rate: 20/s, for: 500ms", "")
}

/// A server whose health is good; and the paths it was asked for, in order.
fn healthy() -> (Router, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&asked);
    let noted = from_fn(move |request: Request, next: Next| {
        note.lock().unwrap().push(request.uri().path().to_owned());
        next.run(request)
    });
    let health = || async { ([("content-type", "application/json")], r#"{"status":"ok"}"#) };
    (Router::new().route("/load", get(|| async { "ok" })).route("/health", get(health)).layer(noted), asked)
}

/// What came of the checks that were asked for, by their ids.
fn came_of(record: &RunRecord) -> Vec<(&str, Outcome)> {
    asked_for(record).map(|check| (check.id.as_str(), check.outcome)).collect()
}

fn asked_for(record: &RunRecord) -> impl Iterator<Item = &CheckEvidence> {
    let ConformanceAnswer::Checked(checks) = &record.conformance[0].answer else { panic!("{:?}", record.conformance) };
    checks.iter().filter(|check| check.was_asked_for())
}

fn kept(folder: &Path) -> RunRecord {
    RunRecord::from_json(&std::fs::read_to_string(folder.join("run-1/record.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn checks_are_carried_out_once_the_load_is_over() {
    let (server, asked) = healthy();
    let address = serve(server).await;
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("{ profile: fish, select: [http.health.json, http.metrics.parses] }");
    let record = drive_at(&scenario, &system_at(address), folder.path()).await;
    assert_eq!(came_of(&record), [("http.health.json", Outcome::Pass), ("http.metrics.parses", Outcome::Fail)]);
    assert_eq!(record.run.end, RunEnd::Completed);
    let asked = asked.lock().unwrap();
    let last_of_load = asked.iter().rposition(|path| path == "/load").unwrap();
    assert!(asked[..last_of_load].iter().all(|path| path == "/load" || path == "/ready"), "{asked:?}");
    assert!(asked[last_of_load..].iter().any(|path| path == "/health"), "{asked:?}");
    let run = folder.path().join("run-1");
    assert_eq!(kept(folder.path()), record, "the record was saved anew");
    let page = std::fs::read_to_string(run.join("conformance.html")).unwrap();
    assert!(page.contains("http.health.json") && run.join("conformance.json").is_file());
}

#[tokio::test]
async fn several_contracts_have_a_folder_each() {
    let address = serve(healthy().0).await;
    let folder = tempfile::tempdir().unwrap();
    let clauses = "{ profile: medical-platform, select: [http.path] }, { profile: fish, select: [http.health.json] }";
    let record = drive_at(&scenario(clauses), &system_at(address), folder.path()).await;
    assert_eq!(record.conformance.len(), 2);
    for place in ["1-medical-platform", "2-fish"] {
        assert!(folder.path().join("run-1/conformance").join(place).join("conformance.html").is_file(), "{place}");
    }
}

#[tokio::test]
async fn what_selects_no_check_is_refused_before_anything_is_sent() {
    let (server, asked) = healthy();
    let address = serve(server).await;
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("{ profile: fish, select: [http.health, gw.jwt] }");
    let error = try_drive_at(&scenario, &system_at(address), folder.path()).await.unwrap_err();
    let told =
        "scenario `t`: no check of fish starts with `gw.jwt`; `proofload conform --profile fish --list` shows all";
    assert_eq!((error.exit_code(), error.to_string().as_str()), (2, told));
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_run_that_was_stopped_is_not_looked_at() {
    let (server, asked) = healthy();
    let address = serve(server).await;
    let folder = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let pressed = stop.clone();
    let first = Arc::clone(&asked);
    tokio::spawn(async move {
        while !first.lock().unwrap().iter().any(|path| path == "/load") {
            tokio::task::yield_now().await;
        }
        pressed.cancel();
    });
    let scenario = scenario("{ profile: fish, select: [http.health] }");
    let record = drive_until(stop, &scenario, &system_at(address), folder.path()).await;
    assert_eq!((record.run.end, record.conformance.len()), (RunEnd::Interrupted, 0));
    assert!(!asked.lock().unwrap().iter().any(|path| path == "/health"));
    assert!(!folder.path().join("run-1/conformance.html").exists());
}

/// Ctrl-C while a target hangs: what was seen until then is kept, and the rest says that it was not reached.
#[tokio::test]
async fn checks_that_are_stopped_keep_what_they_saw() {
    let stop = CancellationToken::new();
    let pressed = stop.clone();
    let hanging = get(move || {
        pressed.cancel();
        std::future::pending::<()>()
    });
    let address = serve(healthy().0.route("/metrics", hanging)).await;
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("{ profile: fish, select: [http.health.json, http.metrics] }");
    let record = drive_until(stop, &scenario, &system_at(address), folder.path()).await;
    assert_eq!(record.run.end, RunEnd::Interrupted);
    let (health, metrics) = (Outcome::Pass, Outcome::Skip);
    let expected =
        [("http.health.json", health), ("http.metrics.content-type", metrics), ("http.metrics.parses", metrics)];
    assert_eq!(came_of(&record), expected);
    let last = asked_for(&record).last().unwrap();
    assert_eq!(last.skip_reason, Some(SkipReason::NotReached));
    assert_eq!(last.message, "the run was stopped before it was reached");
    assert_eq!(kept(folder.path()), record);
}

#[tokio::test]
async fn checks_trust_whom_the_environment_trusts() {
    let (port, certificate) = in_front_of(serve(healthy().0).await).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), certificate).unwrap();
    let environment =
        format!("trust: [ca.pem]\nsystems: {{ s: {{ url: 'https://localhost:{port}', ready: /ready, http: http1 }} }}");
    let scenario = scenario("{ profile: fish, select: [http.health.json] }");
    let record = drive_at(&scenario, &environment, folder.path()).await;
    assert_eq!(came_of(&record), [("http.health.json", Outcome::Pass)]);
}
