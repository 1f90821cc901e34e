//! The medical gateway around its handlers: tokens, problems, health, figures, states.

use refstack::ports::queue::Queue as _;
use reqwest::Method;
use serde_json::json;

use crate::support::{Setup, TestSystem, png};

const NOBODY: &str = "/api/v1/studies/00000000-0000-4000-8000-000000000000";

async fn medical(defects: &'static [&'static str]) -> TestSystem {
    TestSystem::start(Setup { defects, ..Setup::medical() }).await
}

async fn check(system: &TestSystem, method: &str, path: &str, expected: &str) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let answer = system.client.send(system.client.request(method.clone(), path)).await;
    assert_eq!(answer.brief(), expected, "{method} {path}: {answer:?}");
    if answer.status >= 400 && answer.status < 500 {
        assert_eq!(answer.json()["instance"], path.split('?').next().unwrap());
    }
}

#[tokio::test]
async fn every_path_and_method_has_its_answer() {
    let system = medical(&[]).await;
    for (method, path, expected) in [
        ("GET", "/actuator/health", "200"),
        ("GET", "/actuator/health/liveness", "200"),
        ("GET", "/actuator/health/readiness", "200"),
        ("GET", "/actuator/prometheus", "200"),
        ("GET", "/metrics", "200"),
        ("GET", "/api/queues/%2F/medical_data", "200"),
        ("GET", "/api/queues/%2f/medical_data.dlq", "200"),
        ("GET", "/api/queues/%2F/other", "404 not-found"),
        ("GET", "/api/queues/other/medical_data", "404 not-found"),
        ("GET", "/api/queues/%2F", "404 not-found"),
        ("GET", "/", "404 not-found"),
        ("GET", "/nowhere?q=1", "404 not-found"),
        ("GET", "/api/v1/other", "404 not-found"),
        ("GET", NOBODY, "404 not-found"),
        ("DELETE", NOBODY, "404 not-found"),
        ("GET", "/api/v1/studies/not-a-uuid", "404 not-found"),
        ("GET", "/api/v1/studies/%ff", "404 not-found"),
        ("GET", "/api/v1/studies/%00", "404 not-found"),
        ("GET", "/api/v1/studies/00000000000040008000000000000000", "404 not-found"),
        ("GET", "/api/v1/studies/x/result", "404 not-found"),
        ("GET", "/api/v1/studies", "405 method-not-allowed"),
        ("PUT", "/api/v1/studies", "405 method-not-allowed"),
        ("PATCH", NOBODY, "405 method-not-allowed"),
        ("DELETE", "/metrics", "405 method-not-allowed"),
        ("POST", "/actuator/health", "405 method-not-allowed"),
        ("BREW", "/metrics", "405 method-not-allowed"),
    ] {
        check(&system, method, path, expected).await;
    }
    let answer = system.client.send(system.client.request(Method::PUT, "/api/v1/studies")).await;
    assert_eq!(answer.header("allow"), "POST");
    let answer = system.client.send(system.client.request(Method::PUT, NOBODY)).await;
    assert_eq!(answer.header("allow"), "GET,HEAD,DELETE");
}

#[tokio::test]
async fn nobody_passes_without_a_token() {
    let system = medical(&[]).await;
    let anonymous = system.client.anonymous();
    for path in ["/api/v1/studies", NOBODY, "/api", "/api/", "/api/v1/other", "/api/queues"] {
        let answer = anonymous.get(path).await;
        assert_eq!(answer.brief(), "401 unauthorized", "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(anonymous.get("/api/queues/%2F/medical_data").await.status, 200);
    assert_eq!(anonymous.upload(png("x"), "p", None).await.brief(), "401 unauthorized");
    let secret = "very-secret-and-wrong";
    let answer = anonymous.with_token(secret).get(NOBODY).await;
    assert_eq!(answer.brief(), "401 unauthorized");
    assert!(!answer.text.contains(secret));
    for header in ["Basic abc", "Bearer", "bearer  x", ""] {
        let request = anonymous.request(Method::GET, NOBODY).header("Authorization", header);
        assert_eq!(anonymous.send(request).await.brief(), "401 unauthorized", "{header:?}");
    }
    let twice = system.client.request(Method::GET, NOBODY).header("Authorization", "Bearer x");
    assert_eq!(system.client.send(twice).await.brief(), "401 unauthorized");
    let in_query = anonymous.get(&format!("{NOBODY}?access_token={}", crate::support::system::token())).await;
    assert_eq!(in_query.brief(), "401 unauthorized");
}

#[tokio::test]
async fn health_and_figures_tell() {
    let system = medical(&[]).await;
    let health = system.client.get("/actuator/health").await;
    assert_eq!(health.text, r#"{"status":"UP","groups":["liveness","readiness"]}"#);
    assert_eq!(system.client.get("/actuator/health/readiness").await.text, r#"{"status":"UP"}"#);
    system.client.upload(png("x"), "p", None).await;
    let metrics = system.client.get("/actuator/prometheus").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in [
        r#"refstack_requests_total{route="/api/v1/studies",method="POST",status="202"} 1"#,
        r#"refstack_queue_messages{queue="medical_data",state="ready"} 1"#,
        r#"refstack_jobs{state="queued"} 1"#,
        r#"refstack_request_seconds_count{route="/api/v1/studies"} 1"#,
    ] {
        assert!(metrics.text.contains(line), "{line} in {}", metrics.text);
    }
    system.gateway.start_draining();
    let readiness = system.client.get("/actuator/health/readiness").await;
    assert_eq!((readiness.status, readiness.text.as_str()), (503, r#"{"status":"OUT_OF_SERVICE"}"#));
    assert_eq!(system.client.get("/actuator/health/liveness").await.status, 200);
}

#[tokio::test]
async fn queue_figures_are_told_as_rabbitmq_does() {
    let system = medical(&[]).await;
    for _ in 0..10 {
        system.client.upload(png("x"), "p", None).await;
    }
    system.pass_time(std::time::Duration::from_secs(2));
    let figures = system.client.get("/api/queues/%2F/medical_data").await.json();
    assert_eq!(
        figures,
        json!({
            "name": "medical_data", "vhost": "/", "messages": 10, "messages_ready": 10, "messages_unacknowledged": 0,
            "message_stats": {"publish_details": {"rate": 2.0}, "deliver_get_details": {"rate": 0.0}},
        })
    );
    assert_eq!(system.client.get("/api/queues/%2F/medical_data.dlq").await.json()["messages"], 0);
    assert_eq!(system.store.depth("medical_data").await.unwrap().ready, 10);
}

#[tokio::test]
async fn a_study_can_be_cancelled_until_it_ends() {
    let system = medical(&[]).await;
    let path = system.client.upload(png("x"), "p", None).await.header("location").to_owned();
    check(&system, "GET", &format!("{path}/result"), "409 not-ready").await;
    assert_eq!(system.client.get(&format!("{path}/result")).await.header("retry-after"), "1");
    let cancelled = system.client.delete(&path).await;
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (200, &"cancelled".into()));
    assert_eq!(system.client.get(&path).await.json()["state"], "cancelled");
    check(&system, "DELETE", &path, "409 already-final").await;
    check(&system, "GET", &format!("{path}/result"), "409 job-failed").await;
    assert_eq!(system.store.depth("medical_data").await.unwrap().ready, 0);
}

#[tokio::test]
async fn defects_of_the_edge_show() {
    let rows: &[(&'static [&'static str], &str, &str, u16)] = &[
        (&["unknown-path-200"], "GET", "/nowhere", 200),
        (&["unknown-id-200"], "GET", NOBODY, 200),
        (&["unknown-id-500"], "GET", NOBODY, 500),
        (&["malformed-500"], "POST", "/api/v1/studies", 500),
        (&["method-404"], "PUT", "/api/v1/studies", 404),
        (&["allow-missing"], "PUT", "/api/v1/studies", 405),
        (&["health-missing"], "GET", "/actuator/health", 404),
        (&["readiness-missing"], "GET", "/actuator/health/readiness", 404),
        (&["metrics-missing"], "GET", "/metrics", 404),
        (&["queue-figures-missing"], "GET", "/api/queues/%2F/medical_data", 404),
    ];
    for (defects, method, path, status) in rows {
        let system = medical(defects).await;
        let request = system.client.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        let request = request.header("content-type", "multipart/form-data; boundary=b").body("nonsense");
        let answer = system.client.send(request).await;
        assert_eq!((answer.status, answer.header("allow")), (*status, ""), "{defects:?}");
    }
    let system = medical(&["problem-plain-text", "health-not-json", "metrics-wrong-type"]).await;
    assert_eq!(system.client.get("/nowhere").await.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(system.client.get("/actuator/health").await.text, "UP");
    assert_eq!(system.client.get("/metrics").await.header("content-type"), "application/json");
    let system = medical(&["auth-off"]).await;
    assert_eq!(system.client.anonymous().get(NOBODY).await.status, 404);
    let system = medical(&["www-authenticate-missing"]).await;
    assert_eq!(system.client.anonymous().get(NOBODY).await.header("www-authenticate"), "");
}

#[tokio::test]
async fn defects_of_states_show() {
    let system = medical(&["result-early", "cancel-ignored"]).await;
    let path = system.client.upload(png("x"), "p", None).await.header("location").to_owned();
    let early = system.client.get(&format!("{path}/result")).await;
    assert_eq!((early.status, early.text.as_str()), (200, "null"));
    assert_eq!(system.client.delete(&path).await.json()["state"], "cancelled");
    assert_eq!(system.client.get(&path).await.json()["state"], "queued");
    let system = medical(&["delete-final-200"]).await;
    let path = system.client.upload(png("x"), "p", None).await.header("location").to_owned();
    system.client.delete(&path).await;
    assert_eq!(system.client.delete(&path).await.status, 200);
}
