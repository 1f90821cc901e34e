//! The fish gateway and its worker through their own doors.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{Answer, Setup, TestSystem, png};

async fn fish(defects: &'static [&'static str]) -> TestSystem {
    TestSystem::start(Setup { defects, ..Setup::fish() }).await
}

async fn predict(system: &TestSystem, image: Vec<u8>) -> Answer {
    let request = system.client.request(Method::POST, "/predict").header("content-type", "image/png");
    system.client.send(request.body(image)).await
}

async fn batch(system: &TestSystem, images: &[Vec<u8>]) -> Answer {
    let form =
        images.iter().fold(Form::new(), |form, image| form.part("files", Part::bytes(image.clone()).file_name("fish")));
    system.client.send(system.client.request(Method::POST, "/batch/predict").multipart(form)).await
}

async fn urls(system: &TestSystem, body: &str) -> Answer {
    let request = system.client.request(Method::POST, "/batch/predict").header("content-type", "application/json");
    system.client.send(request.body(body.to_owned())).await
}

async fn until_done(system: &TestSystem, accepted: &Answer) -> Value {
    assert_eq!(accepted.status, 202, "{accepted:?}");
    system.client.until(accepted.header("location"), "status", &["completed", "failed", "done"]).await
}

#[tokio::test]
async fn a_prediction_is_answered_and_remembered() {
    let system = fish(&[]).await;
    let first = predict(&system, png("x")).await;
    assert_eq!((first.status, first.header("x-cache")), (200, "miss"), "{first:?}");
    let body = json!({"class": "b", "score": 0.7, "cached": false, "model": "fake", "model_version": "7"});
    assert_eq!(first.json(), body);
    let again = predict(&system, png("x")).await;
    assert_eq!((again.header("x-cache"), &again.json()["cached"]), ("hit", &true.into()));
    assert_eq!(system.inference.asked(), 1);
    let form = Form::new().part("file", Part::bytes(png("x")).file_name("a.png"));
    let formed = system.client.send(system.client.request(Method::POST, "/predict").multipart(form)).await;
    assert_eq!(formed.header("x-cache"), "hit");
    assert_eq!(predict(&system, png("y")).await.header("x-cache"), "miss");
}

#[tokio::test]
async fn predictions_are_refused_for_what_is_wrong_with_them() {
    let system = fish(&[]).await;
    assert_eq!(predict(&system, b"text".to_vec()).await.brief(), "415 unsupported-media-type");
    assert_eq!(predict(&system, Vec::new()).await.brief(), "400 bad-request");
    assert_eq!(predict(&system, png("broken")).await.brief(), "422 unprocessable");
    assert_eq!(predict(&system, png(&"x".repeat(2 << 20))).await.brief(), "413 payload-too-large");
    for content_type in ["text/plain", "application/json", "application/octet-stream"] {
        let request = system.client.request(Method::POST, "/predict").header("content-type", content_type);
        let answer = system.client.send(request.body(png("x"))).await;
        assert_eq!(answer.brief(), "415 unsupported-media-type", "{content_type}");
    }
    let form = Form::new().part("other", Part::bytes(png("x")));
    let answer = system.client.send(system.client.request(Method::POST, "/predict").multipart(form)).await;
    assert_eq!(answer.brief(), "400 bad-request");
    system.inference.fail_next(1);
    let answer = predict(&system, png("z")).await;
    assert_eq!((answer.brief().as_str(), answer.header("retry-after")), ("503 unavailable", "1"));
}

#[tokio::test]
async fn a_batch_is_classified_in_its_order() {
    let system = fish(&[]).await;
    let accepted = batch(&system, &[png("a"), png("broken"), png("c")]).await;
    let id = accepted.json()["request_id"].as_str().unwrap().to_owned();
    assert_eq!(accepted.text, format!(r#"{{"request_id":"{id}","status":"queued"}}"#));
    let lag = system.client.get("/kafka/lag/ml-workers/fish-classification-requests").await.json();
    assert_eq!((&lag["total"], lag["partitions"].as_array().unwrap().len()), (&1.into(), 3));
    let waiting = system.client.get(accepted.header("location")).await.json();
    assert_eq!((&waiting["status"], &waiting["total"], &waiting["done"]), (&"queued".into(), &3.into(), &0.into()));
    let _worker = system.start_worker().await;
    let done = until_done(&system, &accepted).await;
    assert_eq!((&done["done"], &done["failed"]), (&3.into(), &1.into()));
    let results = json!([
        {"index": 0, "class": "b", "score": 0.7},
        {"index": 1, "error": "the image cannot be read: not a readable PNG"},
        {"index": 2, "class": "b", "score": 0.7},
    ]);
    assert_eq!(done["results"], results);
    let lag = system.client.get("/kafka/lag/ml-workers/fish-classification-requests").await.json();
    assert_eq!(lag["total"], 0);
    while system.object_files().len() > 1 {
        tokio::task::yield_now().await;
    }
    system.pass_time(std::time::Duration::from_hours(25));
    assert_eq!(system.client.get(accepted.header("location")).await.brief(), "404 not-found");
}

#[tokio::test]
async fn batches_are_refused_for_what_is_wrong_with_them() {
    let system = fish(&[]).await;
    let many = |count: usize| json!({"image_urls": vec!["http://example.com/a.png"; count]}).to_string();
    for (body, expected) in [
        (many(1), "202"),
        (many(64), "202"),
        (many(65), "422 unprocessable"),
        (many(0), "422 unprocessable"),
        (String::new(), "400 bad-request"),
        ("{".into(), "400 bad-request"),
        ("[]".into(), "400 bad-request"),
        ("{}".into(), "400 bad-request"),
        (r#"{"image_urls":"x"}"#.into(), "400 bad-request"),
        (r#"{"image_urls":[1]}"#.into(), "400 bad-request"),
        (r#"{"image_urls":["nonsense"]}"#.into(), "422 unprocessable"),
        (r#"{"image_urls":["file:///etc/passwd"]}"#.into(), "422 unprocessable"),
        (r#"{"image_urls":["http://127.0.0.1/a.png"]}"#.into(), "422 unprocessable"),
        (r#"{"image_urls":["http://[::1]/a.png"]}"#.into(), "422 unprocessable"),
        (r#"{"image_urls":["http://u:p@example.com/a.png"]}"#.into(), "422 unprocessable"),
    ] {
        assert_eq!(urls(&system, &body).await.brief(), expected, "{body}");
    }
    let none = system.client.request(Method::POST, "/batch/predict").multipart(Form::new().text("note", "none"));
    assert_eq!(system.client.send(none).await.brief(), "422 unprocessable");
    assert_eq!(batch(&system, &vec![png("x"); 65]).await.brief(), "422 unprocessable");
    assert_eq!(batch(&system, &[png("x"), b"text".to_vec()]).await.brief(), "415 unsupported-media-type");
    assert_eq!(batch(&system, &[png("x"), Vec::new()]).await.brief(), "400 bad-request");
    let text = system.client.request(Method::POST, "/batch/predict").body("x");
    assert_eq!(system.client.send(text).await.brief(), "415 unsupported-media-type");
}

#[tokio::test]
async fn images_are_loaded_from_where_they_are_and_only_if_allowed() {
    let system = TestSystem::start(Setup { allow_private_urls: true, ..Setup::fish() }).await;
    let host = images_host().await;
    let _worker = system.start_worker().await;
    let body = json!({"image_urls": [
        format!("{host}/fish.png"), format!("{host}/moved"), format!("{host}/missing"), format!("{host}/loop"),
    ]});
    let done = until_done(&system, &urls(&system, &body.to_string()).await).await;
    let results = done["results"].as_array().unwrap();
    assert_eq!((&results[0]["class"], &results[1]["class"]), (&"b".into(), &"b".into()), "{done}");
    assert_eq!(results[2]["error"], "the image could not be loaded: the host answered 404 Not Found");
    assert_eq!(results[3]["error"], "the address is refused: more than 3 redirects");

    // This gateway lets private hosts pass by mistake of spelling only it makes; its worker looks again.
    let system = fish(&["scheme-any"]).await;
    let _worker = system.start_worker().await;
    let done = until_done(&system, &urls(&system, r#"{"image_urls":["ftp://example.com/a.png"]}"#).await).await;
    assert!(done["results"][0]["error"].as_str().unwrap().starts_with("the address is refused"), "{done}");
}

/// A host of images on this machine: one there, one moved, one that never stops moving.
async fn images_host() -> String {
    use axum::response::Redirect;
    use axum::routing::get;
    let router = axum::Router::new()
        .route("/fish.png", get(async || png("fish")))
        .route("/moved", get(async || Redirect::temporary("/fish.png")))
        .route("/loop", get(async || Redirect::temporary("/loop")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn health_and_unknown_things() {
    let system = fish(&[]).await;
    assert_eq!(system.client.get("/health").await.text, r#"{"status":"ok"}"#);
    for (path, expected) in [
        ("/metrics", "200"),
        ("/batch/status/nobody", "404 not-found"),
        ("/batch/status/00000000-0000-4000-8000-000000000000", "404 not-found"),
        ("/kafka/lag/other/fish-classification-requests", "404 not-found"),
        ("/kafka/lag/ml-workers/other", "404 not-found"),
        ("/predict", "405 method-not-allowed"),
        ("/actuator/health", "404 not-found"),
    ] {
        assert_eq!(system.client.get(path).await.brief(), expected, "{path}");
    }
    system.gateway.start_draining();
    let health = system.client.get("/health").await;
    assert_eq!((health.status, health.text.as_str()), (503, r#"{"status":"unavailable"}"#));
}

#[tokio::test]
async fn defects_of_predictions_show() {
    let system = fish(&["cache-off", "score-out-of-range"]).await;
    predict(&system, png("x")).await;
    let again = predict(&system, png("x")).await;
    assert_eq!((again.header("x-cache"), &again.json()["score"]), ("miss", &json!(1.7)));
    let system = fish(&["cache-header-missing", "score-missing", "type-unchecked"]).await;
    let answer = predict(&system, b"text".to_vec()).await;
    assert_eq!((answer.status, answer.header("x-cache"), answer.json().get("score")), (200, "", None));
}

#[tokio::test]
async fn defects_of_batches_show() {
    let system = fish(&["batch-sync"]).await;
    let answer = batch(&system, &[png("x")]).await;
    assert_eq!((answer.status, &answer.json()["results"][0]["class"]), (200, &"b".into()));
    let system = fish(&["request-id-missing", "batch-location-missing", "batch-unlimited", "private-urls"]).await;
    let body = json!({"image_urls": vec!["http://127.0.0.1:9/a.png"; 65]}).to_string();
    let answer = urls(&system, &body).await;
    assert_eq!((answer.status, answer.header("location"), answer.json().get("request_id")), (202, "", None));
    let system = fish(&["status-word", "results-reversed", "counts-wrong"]).await;
    let _worker = system.start_worker().await;
    let done = until_done(&system, &batch(&system, &[png("x"), png("broken")]).await).await;
    assert_eq!((&done["status"], &done["done"]), (&"done".into(), &3.into()));
    assert_eq!(done["results"][0]["index"], 1);
    let system = fish(&["results-missing", "empty-accepted"]).await;
    let _worker = system.start_worker().await;
    let done = until_done(&system, &urls(&system, r#"{"image_urls":[]}"#).await).await;
    assert_eq!(done.get("results"), None);
}
