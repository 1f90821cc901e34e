//! Reads and cancels studies.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Gateway;
use super::job_id::JobId;
use super::problem::{Code, Problem, Verbatim};
use crate::clock::rfc3339;
use crate::defect::Defect;
use crate::ports::jobs::{Cancelled, Job, JobKind, JobState};

/// `GET /api/v1/studies/{id}`
pub(crate) async fn show(State(gateway): State<Arc<Gateway>>, JobId(id): JobId) -> Result<Response, Problem> {
    match gateway.ports.jobs.find(JobKind::Study, id).await? {
        Some(job) => Ok(state_answer(&job)),
        None => unknown(&gateway, id),
    }
}

/// `GET /api/v1/studies/{id}/result`
pub(crate) async fn result(State(gateway): State<Arc<Gateway>>, JobId(id): JobId) -> Result<Response, Problem> {
    let Some(job) = gateway.ports.jobs.find(JobKind::Study, id).await? else { return unknown(&gateway, id) };
    match (job.state, job.result) {
        (JobState::Succeeded, Some(result)) => Ok(Json(result_of(&gateway, &result)).into_response()),
        (JobState::Queued | JobState::Running, _) if gateway.has(Defect::ResultEarly) => {
            Ok(Json(Value::Null).into_response())
        }
        (JobState::Queued | JobState::Running, _) => {
            Err(Problem::new(Code::NotReady, format!("the job is {}; ask again later", job.state.word())))
        }
        _ => Err(Problem::new(Code::JobFailed, format!("the job is {} and has no result", job.state.word()))),
    }
}

/// `DELETE /api/v1/studies/{id}`
pub(crate) async fn cancel(State(gateway): State<Arc<Gateway>>, JobId(id): JobId) -> Result<Response, Problem> {
    if gateway.has(Defect::CancelIgnored) {
        let found = gateway.ports.jobs.find(JobKind::Study, id).await?;
        return found
            .map_or_else(|| unknown(&gateway, id), |job| Ok(state_answer(&Job { state: JobState::Cancelled, ..job })));
    }
    match gateway.ports.jobs.cancel(JobKind::Study, id).await? {
        Cancelled::Now(job) => Ok(state_answer(&job)),
        Cancelled::Unknown => unknown(&gateway, id),
        Cancelled::AlreadyFinal(state) if gateway.has(Defect::DeleteFinal200) => {
            Ok(Json(json!({"id": id, "state": state.word()})).into_response())
        }
        Cancelled::AlreadyFinal(state) => {
            Err(Problem::new(Code::AlreadyFinal, format!("the job is {} already", state.word())))
        }
    }
}

/// The answer about an id that no job has.
pub(crate) fn unknown(gateway: &Gateway, id: Uuid) -> Result<Response, Problem> {
    if gateway.has(Defect::UnknownId200) {
        return Ok(Json(json!({"id": id, "state": "queued"})).into_response());
    }
    if gateway.has(Defect::UnknownId500) {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Verbatim);
        return Ok(response);
    }
    Err(Problem::not_found(format!("no job has the id {id}")))
}

fn state_answer(job: &Job) -> Response {
    let mut body = json!({
        "id": job.id,
        "state": job.state.word(),
        "patient_id": job.patient_id,
        "attempts": job.attempts,
        "created_at": rfc3339(job.created_at_ms),
        "updated_at": rfc3339(job.updated_at_ms),
    });
    if job.state == JobState::Succeeded {
        body["result"] = json!(format!("/api/v1/studies/{}/result", job.id));
    }
    if let Some(error) = job.error.as_ref().filter(|_| job.state.is_final()) {
        body["error"] = json!(error);
    }
    let mut response = Json(body).into_response();
    if !job.state.is_final() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn result_of(gateway: &Gateway, stored: &str) -> Value {
    let mut result: Value = serde_json::from_str(stored).unwrap_or_default();
    if gateway.has(Defect::ScoresUnnormalised)
        && let Some(predictions) = result["predictions"].as_array_mut()
    {
        for prediction in predictions {
            prediction["score"] = json!(prediction["score"].as_f64().unwrap_or_default() * 3.0);
        }
    }
    result
}
