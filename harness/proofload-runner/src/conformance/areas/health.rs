//! Health and metrics, as probes and scrapers read them.

use http::Method;
use serde_json::Value;

use super::Area;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, should, unexpected};
use crate::conformance::context::Context;
use crate::conformance::prometheus::count_samples;

const FORMAT: &str = "Prometheus text exposition format 0.0.4";

pub(super) const AREA: Area = Area {
    feature: "health",
    cases: &[
        must("http.health.json", "A healthy target says so in JSON, with status 200.", |cx| Box::pin(health(cx)))
            .source("systems.md: GET /health, GET /actuator/health")
            .fails_on(&["health-missing", "health-not-json"]),
        must("http.health.content-type", "The health answer is application/json.", |cx| Box::pin(content_type(cx)))
            .source("RFC 8259 §11")
            .fails_on(&["health-missing", "health-not-json"]),
        should("http.health.head", "HEAD on health answers as GET does, without a body.", |cx| Box::pin(head(cx)))
            .source("RFC 9110 §9.3.2")
            .fails_on(&["health-missing"]),
        must("http.metrics.content-type", "/metrics answers text that a Prometheus server takes.", |cx| {
            Box::pin(metrics_type(cx))
        })
        .source(FORMAT)
        .fails_on(&["metrics-missing", "metrics-wrong-type"]),
        must("http.metrics.parses", "Every line of /metrics is a comment or a sample.", |cx| Box::pin(metrics(cx)))
            .source(FORMAT)
            .fails_on(&["metrics-missing", "metrics-wrong-type"]),
    ],
};

async fn health(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::get(cx.places().health)).await?;
    let word = answer.status(200)?.text("status")?;
    ensure(word == cx.places().healthy, &format!("status `{}`", cx.places().healthy), word)
}

async fn content_type(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::get(cx.places().health)).await?;
    // Spring Boot names its own JSON type.
    let seen = answer.status(200)?.media_type();
    let is_json = seen == "application/json" || (seen.starts_with("application/") && seen.ends_with("+json"));
    ensure(is_json, "content type application/json", seen)
}

async fn head(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::new(Method::HEAD, cx.places().health)).await?;
    ensure(answer.status(200)?.body.is_empty(), "no body in the answer to HEAD", &answer)
}

async fn metrics_type(cx: &Context) -> CaseResult {
    check_metrics_type(cx, "/metrics").await
}

/// Requires one of the two text formats.
pub(super) async fn check_metrics_type(cx: &Context, path: &str) -> CaseResult {
    let seen = cx.send(Call::get(path)).await?.status(200)?.media_type();
    let known = ["text/plain", "application/openmetrics-text"].contains(&seen.as_str());
    ensure(known, &format!("text/plain or application/openmetrics-text from {path}"), seen)
}

async fn metrics(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::get("/metrics")).await?;
    let text = String::from_utf8_lossy(&answer.status(200)?.body).into_owned();
    let samples = count_samples(&text).map_err(|line| unexpected("a sample or a comment", line))?;
    ensure(samples > 0, "at least one sample", Value::from(samples))
}
