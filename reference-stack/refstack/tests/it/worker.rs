//! The worker against a stand-in inference server, through the gateway's own answers.

use std::time::Duration;

use refstack::ports::queue::Queue as _;
use serde_json::{Value, json};

use crate::support::{Setup, TestSystem, png};

async fn upload(system: &TestSystem, text: &str) -> String {
    let accepted = system.client.upload(png(text), "p-1", None).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    accepted.json()["id"].as_str().unwrap().to_owned()
}

async fn state(system: &TestSystem, id: &str) -> Value {
    system.client.get(&format!("/api/v1/studies/{id}")).await.json()
}

/// Moves the clock until the job has ended, so that no back-off is waited for.
async fn until_final(system: &TestSystem, id: &str) -> Value {
    loop {
        let study = state(system, id).await;
        if !["queued", "running"].contains(&study["state"].as_str().unwrap()) {
            return study;
        }
        let depth = system.store.depth("medical_data").await.unwrap();
        if depth.scheduled > 0 {
            system.pass_time(Duration::from_secs(10));
            // Any commit wakes the worker, which then sees the new time.
            system.store.publish("other", Vec::new()).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_study_is_uploaded_diagnosed_and_read() {
    let system = TestSystem::start(Setup::medical()).await;
    let _worker = system.start_worker().await;
    let id = upload(&system, "chest").await;
    let study = system.client.until_final(&id).await;
    assert_eq!((&study["state"], &study["attempts"]), (&"succeeded".into(), &1.into()), "{study}");
    let result = system.client.get(study["result"].as_str().unwrap()).await.json();
    let expected = json!({
        "id": id,
        "model": "fake",
        "model_version": "7",
        "input_sha256": "ccbca079298634f7ba8f6974c26fb0d32d54755249953b9ab6173e95d813429f",
        "predictions": [
            {"label": "b", "score": 0.7},
            {"label": "a", "score": 0.25},
            {"label": "c", "score": 0.05},
        ],
    });
    assert_eq!(result, expected);
}

#[tokio::test]
async fn an_unreadable_image_fails_at_once() {
    let system = TestSystem::start(Setup::medical()).await;
    let _worker = system.start_worker().await;
    let id = upload(&system, "broken").await;
    let study = system.client.until_final(&id).await;
    assert_eq!((&study["state"], &study["attempts"]), (&"failed".into(), &1.into()));
    assert_eq!(study["error"], "the image cannot be read: not a readable PNG");
    let result = system.client.get(&format!("/api/v1/studies/{id}/result")).await;
    assert_eq!(result.brief(), "409 job-failed");
    assert_eq!(system.client.delete(&format!("/api/v1/studies/{id}")).await.brief(), "409 already-final");
}

#[tokio::test]
async fn a_server_that_recovers_costs_attempts_and_nothing_else() {
    let system = TestSystem::start(Setup::medical()).await;
    system.inference.fail_next(2);
    let _worker = system.start_worker().await;
    let id = upload(&system, "x").await;
    let study = until_final(&system, &id).await;
    assert_eq!((&study["state"], &study["attempts"]), (&"succeeded".into(), &3.into()), "{study}");
}

#[tokio::test]
async fn a_server_that_stays_away_leads_to_the_dead_letters() {
    let system = TestSystem::start(Setup::medical()).await;
    system.inference.fail_next(100);
    let worker = system.start_worker().await;
    let id = upload(&system, "x").await;
    let study = until_final(&system, &id).await;
    assert_eq!((&study["state"], &study["attempts"]), (&"dead-lettered".into(), &5.into()), "{study}");
    assert!(study["error"].as_str().unwrap().contains("told to fail"), "{study}");
    assert_eq!(system.client.get("/api/queues/%2F/medical_data.dlq").await.json()["messages_ready"], 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_killed_worker_loses_nothing() {
    let system = TestSystem::start(Setup::medical()).await;
    system.inference.hold_all();
    let first = system.start_worker().await;
    let id = upload(&system, "x").await;
    system.inference.until_asked(1).await;
    assert_eq!(state(&system, &id).await["state"], "running");
    first.kill();
    system.pass_time(Duration::from_secs(11));
    system.inference.let_pass();
    let _second = system.start_worker().await;
    let study = system.client.until_final(&id).await;
    assert_eq!((&study["state"], &study["attempts"]), (&"succeeded".into(), &2.into()), "{study}");
}

#[tokio::test]
async fn a_stopping_worker_finishes_what_it_has() {
    let system = TestSystem::start(Setup::medical()).await;
    system.inference.hold_all();
    let worker = system.start_worker().await;
    let id = upload(&system, "x").await;
    system.inference.until_asked(1).await;
    let stopping = tokio::spawn(worker.stop());
    system.inference.let_pass();
    stopping.await.unwrap();
    assert_eq!(state(&system, &id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_stopping_worker_gives_back_what_takes_too_long() {
    let system = TestSystem::start(Setup { grace: Duration::ZERO, ..Setup::medical() }).await;
    system.inference.hold_all();
    let worker = system.start_worker().await;
    let id = upload(&system, "x").await;
    system.inference.until_asked(1).await;
    worker.stop().await;
    assert_eq!(state(&system, &id).await["state"], "running");
    assert_eq!(system.store.depth("medical_data").await.unwrap().ready, 1);
    system.inference.let_pass();
    let _next = system.start_worker().await;
    let study = system.client.until_final(&id).await;
    assert_eq!((&study["state"], &study["attempts"]), (&"succeeded".into(), &1.into()), "{study}");
}

#[tokio::test]
async fn a_cancelled_study_stays_cancelled_whatever_its_worker_finds() {
    let system = TestSystem::start(Setup::medical()).await;
    system.inference.hold_all();
    let worker = system.start_worker().await;
    let id = upload(&system, "x").await;
    system.inference.until_asked(1).await;
    assert_eq!(system.client.delete(&format!("/api/v1/studies/{id}")).await.status, 200);
    system.inference.let_pass();
    worker.stop().await;
    assert_eq!(state(&system, &id).await["state"], "cancelled");
}

#[tokio::test]
async fn health_and_figures_tell() {
    let system = TestSystem::start(Setup::medical()).await;
    let worker = system.start_worker().await;
    let id = upload(&system, "x").await;
    system.client.until_final(&id).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(refstack::serve::serve(listener, worker.worker.router(), std::future::pending()));
    let client = crate::support::Client::new(url, None);
    assert_eq!(client.get("/health").await.text, r#"{"status":"ok"}"#);
    worker.stop().await;
    let metrics = client.get("/metrics").await.text;
    for line in [
        r#"refstack_job_attempts_total{outcome="succeeded"} 1"#,
        r#"refstack_jobs{state="succeeded"} 1"#,
        "refstack_job_effects_total 1",
        r#"refstack_queue_messages{queue="medical_data",state="ready"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn defects_of_the_worker_show() {
    let worker_defects = &["drop-job=1", "double-effect=2"];
    let system = TestSystem::start(Setup { worker_defects, concurrency: 1, ..Setup::medical() }).await;
    let worker = system.start_worker().await;
    let lost = upload(&system, "x").await;
    let doubled = upload(&system, "y").await;
    let single = upload(&system, "z").await;
    system.client.until_final(&single).await;
    worker.stop().await;
    assert_eq!(state(&system, &lost).await["state"], "running");
    assert_eq!(system.store.depth("medical_data").await.unwrap().leased, 0);
    assert_eq!(state(&system, &doubled).await["attempts"], 2);
    assert_eq!(state(&system, &single).await["attempts"], 1);
}
