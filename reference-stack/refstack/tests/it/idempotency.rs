//! `Idempotency-Key` through the real server.

use std::time::Duration;

use refstack::ports::keys::{Keys as _, Reserved};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use crate::support::system::token_of;
use crate::support::{Setup, TestSystem, png};

async fn jobs_queued(system: &TestSystem) -> String {
    let metrics = system.client.get("/metrics").await.text;
    metrics.lines().find(|line| line.contains(r#"refstack_jobs{state="queued"}"#)).unwrap().to_owned()
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_no_second_job() {
    let system = TestSystem::start(Setup::medical()).await;
    let first = system.client.upload(png("x"), "p", Some("key-1")).await;
    let again = system.client.upload(png("x"), "p", Some("key-1")).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(jobs_queued(&system).await, r#"refstack_jobs{state="queued"} 1"#);
    assert_eq!(system.object_files().len(), 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_conflict() {
    let system = TestSystem::start(Setup::medical()).await;
    system.client.upload(png("x"), "p", Some("key-1")).await;
    for (image, patient) in [("y", "p"), ("x", "q")] {
        let answer = system.client.upload(png(image), patient, Some("key-1")).await;
        assert_eq!(answer.brief(), "422 idempotency-conflict");
    }
    let other = system.client.with_token(&token_of("dr-wilson"));
    assert_eq!(other.upload(png("y"), "p", Some("key-1")).await.status, 202, "keys are per caller");
}

#[tokio::test]
async fn a_key_that_led_to_no_job_is_free_again() {
    let system = TestSystem::start(Setup::medical()).await;
    let refused = system.client.upload(b"text".to_vec(), "p", Some("key-1")).await;
    assert_eq!(refused.brief(), "415 unsupported-media-type");
    // The hold is given back by a task of its own; until then the key reads as in flight.
    loop {
        let answer = system.client.upload(png("x"), "p", Some("key-1")).await;
        if answer.brief() != "409 idempotency-in-flight" {
            break assert_eq!(answer.status, 202);
        }
    }
}

#[tokio::test]
async fn while_the_first_request_runs_the_second_is_told_so() {
    let system = TestSystem::start(Setup::medical()).await;
    let (open, chunks) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let chunks = futures::stream::unfold(chunks, async |mut chunks| {
        chunks.recv().await.map(|chunk| (Ok::<_, std::io::Error>(chunk), chunks))
    });
    let part = Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("scan");
    let form = Form::new().text("patient_id", "p").part("file", part);
    let client = system.client.clone();
    let request = client.request(Method::POST, "/api/v1/studies").header("Idempotency-Key", "key-1").multipart(form);
    let first = tokio::spawn(async move { client.send(request).await });
    open.send(png("x")).unwrap();
    // A probe whose own hold has ended already tells when the first request has begun.
    while system.store.reserve("dr-house\nkey-1", "probe", Duration::ZERO).await.unwrap() != Reserved::InFlight {
        tokio::task::yield_now().await;
    }
    let second = system.client.upload(png("z"), "p", Some("key-1")).await;
    assert_eq!(second.brief(), "409 idempotency-in-flight");
    assert_eq!(second.header("retry-after"), "1");
    drop(open);
    assert_eq!(first.await.unwrap().status, 202);
}

#[tokio::test]
async fn malformed_keys_are_refused() {
    let system = TestSystem::start(Setup::medical()).await;
    let long = "k".repeat(256);
    for key in ["", "a b", "é", &long] {
        let answer = system.client.upload(png("x"), "p", Some(key)).await;
        assert_eq!(answer.brief(), "400 bad-request", "{key:?}");
    }
    assert_eq!(system.client.upload(png("x"), "p", Some(&long[1..])).await.status, 202);
}

#[tokio::test]
async fn defects_of_keys_show() {
    let system = TestSystem::start(Setup { defects: &["idempotency-ignored"], ..Setup::medical() }).await;
    let first = system.client.upload(png("x"), "p", Some("key-1")).await;
    let again = system.client.upload(png("x"), "p", Some("key-1")).await;
    assert_ne!(first.text, again.text);
    let system = TestSystem::start(Setup { defects: &["idempotency-body-ignored"], ..Setup::medical() }).await;
    let first = system.client.upload(png("x"), "p", Some("key-1")).await;
    let other = system.client.upload(png("y"), "p", Some("key-1")).await;
    assert_eq!(first.text, other.text);
}
