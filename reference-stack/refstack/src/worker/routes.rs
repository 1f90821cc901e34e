//! What a worker answers over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::Worker;
use crate::defect::Defect;

/// `GET /health`: whether this worker could do work now.
pub(crate) async fn health(State(worker): State<Arc<Worker>>) -> Response {
    let never = worker.settings.defects.has(Defect::NeverReady);
    let (model, store) = tokio::join!(worker.ports.inference.model(), worker.ports.jobs.count());
    if never || model.is_err() || store.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "unavailable"}))).into_response();
    }
    Json(json!({"status": "ok"})).into_response()
}

/// `GET /metrics`
pub(crate) async fn metrics(State(worker): State<Arc<Worker>>) -> Response {
    let ports = &worker.ports;
    if let Err(error) = worker.figures.refresh(&*ports.queue, worker.system.queue(), &*ports.jobs).await {
        tracing::warn!(%error, "the gauges are as they were");
    }
    worker.figures.answer()
}
