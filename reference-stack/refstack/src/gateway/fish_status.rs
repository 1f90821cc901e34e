//! `GET /batch/status/{id}`: how far a batch has come, and its results once it is complete.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Gateway;
use super::job_id::JobId;
use super::problem::Problem;
use super::studies::unknown;
use crate::clock::rfc3339;
use crate::defect::Defect;
use crate::ports::jobs::{Job, JobKind, JobState};

const RESULTS_KEPT: Duration = Duration::from_hours(1);

/// Tells the state of a batch.
pub(crate) async fn show(State(gateway): State<Arc<Gateway>>, JobId(id): JobId) -> Result<Response, Problem> {
    let Some(job) = gateway.ports.jobs.find(JobKind::Batch, id).await? else { return unknown(&gateway, id) };
    let mut body = json!({
        "request_id": job.id,
        "status": word(&gateway, job.state),
        "total": job.total,
        "done": if gateway.has(Defect::CountsWrong) { job.done + 1 } else { job.done },
        "failed": job.failed,
        "created_at": rfc3339(job.created_at_ms),
        "updated_at": rfc3339(job.updated_at_ms),
    });
    if job.state == JobState::Succeeded && !gateway.has(Defect::ResultsMissing) {
        body["results"] = results_of(&gateway, &job).await?;
    }
    if let Some(error) = job.error {
        body["error"] = json!(error);
    }
    Ok(Json(body).into_response())
}

fn word(gateway: &Gateway, state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "processing",
        JobState::Succeeded if gateway.has(Defect::StatusWord) => "done",
        JobState::Succeeded => "completed",
        JobState::Failed | JobState::DeadLettered | JobState::Cancelled => "failed",
    }
}

async fn results_of(gateway: &Gateway, job: &Job) -> Result<Value, Problem> {
    let key = job.result.as_deref().unwrap_or_default();
    let bytes = if let Some(bytes) = gateway.ports.cache.get(key).await {
        bytes
    } else {
        let bytes = gateway.ports.objects.get(key).await?;
        gateway.ports.cache.put(key, bytes.clone(), RESULTS_KEPT).await;
        bytes
    };
    let mut results: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if gateway.has(Defect::ResultsReversed)
        && let Some(results) = results.as_array_mut()
    {
        results.reverse();
    }
    Ok(results)
}
