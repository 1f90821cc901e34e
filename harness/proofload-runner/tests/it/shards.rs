//! Several generator threads are told as one.

use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;

use crate::driven::{drive_on, scenario};

/// Answers after a second and a half.
async fn slow_server() -> std::net::SocketAddr {
    let answer = || async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        "hello"
    };
    let app = Router::new().route("/", on_get(answer)).route("/ready", on_get(|| async { "ok" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_is_one_series_with_the_sum_of_all_threads() {
    let scenario = scenario("executor: constant-vus, vus: 6, for: 3s", "");
    let record = drive_on(2, &scenario, slow_server().await).await;
    assert_eq!((record.generator.shards, record.generator.lost), (2, 0));
    let points = &record.timeline.series["in flight"];
    assert!(points.is_sorted_by_key(|(at_ms, _)| *at_ms), "{points:?}");
    // Four ticks a second. Each thread for itself would make eight, and show three at a time.
    let loaded: Vec<f64> =
        points.iter().filter(|(at_ms, _)| (250..3_000).contains(at_ms)).map(|(_, value)| *value).collect();
    assert!((6..=14).contains(&loaded.len()), "{points:?}");
    let of_all = loaded.iter().filter(|value| (**value - 6.0).abs() < 0.1).count();
    assert!(of_all * 4 >= loaded.len() * 3, "{points:?}");
}
