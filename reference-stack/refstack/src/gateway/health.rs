//! Health and figures of the gateway.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::Gateway;
use crate::defect::Defect;

/// `GET /actuator/health`
pub(crate) async fn actuator(State(gateway): State<Arc<Gateway>>) -> Response {
    let (status, word) = readiness_of(&gateway).await;
    answer(&gateway, status, json!({"status": word, "groups": ["liveness", "readiness"]}))
}

/// `GET /actuator/health/liveness`: this process answers, whatever its neighbours do.
pub(crate) async fn liveness(State(gateway): State<Arc<Gateway>>) -> Response {
    answer(&gateway, StatusCode::OK, json!({"status": "UP"}))
}

/// `GET /actuator/health/readiness`
pub(crate) async fn readiness(State(gateway): State<Arc<Gateway>>) -> Response {
    let (status, word) = readiness_of(&gateway).await;
    answer(&gateway, status, json!({"status": word}))
}

/// `GET /health`
pub(crate) async fn simple(State(gateway): State<Arc<Gateway>>) -> Response {
    let (status, _) = readiness_of(&gateway).await;
    let word = if status == StatusCode::OK { "ok" } else { "unavailable" };
    answer(&gateway, status, json!({"status": word}))
}

/// `GET /metrics`
pub(crate) async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let ports = &gateway.ports;
    if let Err(error) = gateway.figures.refresh(&*ports.queue, gateway.system.queue(), &*ports.jobs).await {
        tracing::warn!(%error, "the gauges are as they were");
    }
    if gateway.has(Defect::MetricsWrongType) {
        return Json(json!({"requests": 0})).into_response();
    }
    gateway.figures.answer()
}

async fn readiness_of(gateway: &Gateway) -> (StatusCode, &'static str) {
    if gateway.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "OUT_OF_SERVICE");
    }
    match gateway.ports.jobs.count().await {
        Ok(_) => (StatusCode::OK, "UP"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "DOWN")
        }
    }
}

fn answer(gateway: &Gateway, status: StatusCode, body: Value) -> Response {
    if gateway.has(Defect::HealthNotJson) {
        return (status, "UP").into_response();
    }
    let mut response = (status, Json(body)).into_response();
    // A health answer is no problem document, whatever its status.
    response.extensions_mut().insert(super::problem::Verbatim);
    response
}
