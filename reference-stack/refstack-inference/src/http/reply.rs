//! Answers: JSON, and TF Serving's `{"error": …}` with its status map.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::PredictError;

pub(super) fn json(value: &Value) -> Response {
    json_text(format!("{value:#}\n"))
}

pub(super) fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

pub(super) fn error(status: StatusCode, text: &str) -> Response {
    let body = json!({ "error": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

pub(super) fn predict_error(reason: &PredictError) -> Response {
    let mut response = error(status(reason), &reason.to_string());
    let wait = match reason {
        PredictError::Overloaded { retry_after } => retry_after.as_secs(),
        PredictError::ShuttingDown => 1,
        _ => return response,
    };
    response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    response
}

/// TF Serving's word for an outcome, as its metrics have it.
pub(super) fn status_word(error: &PredictError) -> &'static str {
    match error {
        PredictError::UnknownModel(_) => "NOT_FOUND",
        PredictError::Invalid(_) => "INVALID_ARGUMENT",
        PredictError::Overloaded { .. } | PredictError::ShuttingDown => "UNAVAILABLE",
        PredictError::DeadlineExceeded => "DEADLINE_EXCEEDED",
        PredictError::Engine(_) => "INTERNAL",
    }
}

fn status(error: &PredictError) -> StatusCode {
    match error {
        PredictError::UnknownModel(_) => StatusCode::NOT_FOUND,
        PredictError::Invalid(_) => StatusCode::BAD_REQUEST,
        PredictError::Overloaded { .. } | PredictError::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        PredictError::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        PredictError::Engine(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
