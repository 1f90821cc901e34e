//! A rule with `abort_on_fail` ends a run early, and only where it is plainly broken.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use proofload_core::evidence::{RunEnd, RunRecord};
use proofload_core::judge::judge;

use crate::driven::{drive, scenario};
use crate::flows::serve;

/// Drives this server for up to a minute; tells the verdict, and when the run was ended early, ms.
async fn run(server: Router, rule: &str, length: &str) -> (String, RunRecord) {
    let workload = format!("executor: constant-arrival-rate, rate: 50/s, for: {length}");
    let scenario = scenario(&workload, &format!("{{ {rule}, abort_on_fail: true }}"));
    let record = drive(&scenario, serve(server).await).await;
    let report = judge(&scenario, &record);
    (format!("{}: {}", report.verdict, report.reason), record)
}

#[tokio::test]
async fn wrong_answers_end_the_run() {
    let server = Router::new().route("/", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let (told, record) = run(server, "sli: errors(get), max: 1%", "60s").await;
    assert!(told.starts_with("FAIL: errors(get) ≤ 1%: "), "{told}");
    assert_eq!(record.run.end, RunEnd::Aborted);
    let aborted = record.aborted.unwrap();
    assert!(aborted.at_ms < 2_000, "{aborted:?}");
    assert!(record.timeline.marks.iter().any(|mark| mark.text.contains("is plainly broken")));
}

/// Nothing ever ends, so only open seconds can show it.
#[tokio::test]
async fn a_target_that_hangs_ends_the_run() {
    let server = Router::new().route("/", get(std::future::pending::<()>));
    let (told, record) = run(server, "sli: latency(get), p95: 200ms", "60s").await;
    assert!(told.starts_with("FAIL: latency(get) p95 ≤ 200ms (this run): "), "{told}");
    let aborted = record.aborted.unwrap();
    // Late from 200 ms on; whole seconds are looked at, so it shows at 1.2 s, and on a busy machine a little later.
    assert!((1_200..4_000).contains(&aborted.at_ms), "{aborted:?}");
}

#[tokio::test]
async fn a_rule_that_holds_ends_nothing() {
    let server = Router::new().route("/", get(|| async { "ok" }));
    let (told, record) = run(server, "sli: errors(get), max: 1%", "4s").await;
    assert_eq!((record.run.end, record.aborted), (RunEnd::Completed, None), "{told}");
}
