//! The stall truth test (`facts/load-engine.md` §3): a server that stands still for two seconds. Measured from the
//! intended start, the truth is known to the millisecond; measured from the send, it is invisible. The sole timed
//! assertion of the project.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use proofload_core::evidence::Histogram;
use tokio::sync::watch;

use crate::driven::{drive, get, scenario, total};

const RATE: f64 = 200.0;
const LENGTH_S: f64 = 8.0;
const STALL_S: f64 = 2.0;

/// Answers at once, but while the gate is shut not at all.
async fn stalling_server() -> std::net::SocketAddr {
    let (gate, watched) = watch::channel(true);
    let watched = Arc::new(watched);
    let answer = move || {
        let mut open = (*watched).clone();
        async move {
            // Fails only when the gate is gone, and then the test is over.
            let _ = open.wait_for(|open| *open).await;
            "hello"
        }
    };
    let app = Router::new().route("/", on_get(answer)).route("/ready", on_get(|| async { "ok" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        gate.send_replace(false);
        tokio::time::sleep(Duration::from_secs_f64(STALL_S)).await;
        gate.send_replace(true);
        std::future::pending::<()>().await;
    });
    address
}

/// The value below which a share of all requests lies: k of n wait evenly between 0 and the stall's length.
fn truth_s(share: f64) -> f64 {
    let (n, k) = (RATE * LENGTH_S, RATE * STALL_S);
    STALL_S * (1.0 - (1.0 - share) * n / k)
}

async fn check(max_in_flight: u32) -> (f64, f64) {
    let workload =
        format!("executor: constant-arrival-rate, rate: {RATE}/s, for: {LENGTH_S}s, max_in_flight: {max_in_flight}");
    let record = drive(&scenario(&workload, ""), stalling_server().await).await;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1600")]
    let planned = (RATE * LENGTH_S) as u64;
    assert_eq!((total(&record, |second| second.due), total(&record, |second| second.answered)), (planned, planned));
    let seconds = &get(&record).seconds;
    let response = Histogram::merge(seconds.iter().map(|second| &second.response));
    let service = Histogram::merge(seconds.iter().map(|second| &second.service));
    for share in [0.9, 0.95, 0.99] {
        #[expect(clippy::cast_precision_loss, reason = "µs of two seconds")]
        let measured_s = response.value_at_quantile(share) as f64 / 1e6;
        let truth_s = truth_s(share);
        let error = (measured_s - truth_s).abs() / truth_s;
        assert!(error <= 0.03, "p{share} of {max_in_flight} connections: {measured_s} s, truly {truth_s} s");
    }
    #[expect(clippy::cast_precision_loss, reason = "µs of two seconds")]
    let p95_s = |histogram: &hdrhistogram::Histogram<u64>| histogram.value_at_quantile(0.95) as f64 / 1e6;
    (p95_s(&response), p95_s(&service))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_from_the_intended_start_tells_the_truth_about_a_stall() {
    let (_, _) = check(1000).await;
    let (response_s, service_s) = check(16).await;
    // With few connections most requests wait before they are sent: what a closed tool would call latency is wrong by
    // far more than ten times, so the test above cannot pass by accident.
    assert!(service_s * 10.0 < response_s, "service {service_s} s against {response_s} s");
}
