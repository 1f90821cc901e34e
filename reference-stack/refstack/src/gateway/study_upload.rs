//! `POST /api/v1/studies`: takes an image in. The 202 is sent when object, row and message are on disk.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::form::Form;
use super::idempotency::{self, Entry, Hold};
use super::problem::{Code, Problem};
use super::receive::{Received, Target, receive};
use super::{Gateway, auth};
use crate::defect::Defect;
use crate::hex::hex;
use crate::messages::StudyMessage;
use crate::ports::jobs::{Accepted, JobKind, NewJob};

const PATIENT_CHARS_MAX: usize = 128;
/// A character takes at most four bytes of UTF-8.
const PATIENT_BYTES_MAX: usize = PATIENT_CHARS_MAX * 4;

/// What a form about a study brings.
struct Study {
    file: Received,
    patient_id: String,
}

/// Accepts a study.
pub(crate) async fn upload(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, Problem> {
    let caller = auth::caller(&request);
    let key = idempotency::key_of(&gateway, &request, &caller)?;
    let entry = idempotency::reserve(&gateway, key).await?;
    let id = Uuid::now_v7();
    let name = format!("studies/{id}");
    let wanted = matches!(entry, Entry::Free | Entry::Held(_)) && !gateway.has(Defect::AcceptedNotDurable);
    let target = if wanted { Target::Store(&name) } else { Target::Digest };
    let study = read_study(&gateway, Form::open(request).await?, target).await?;
    let id = match entry {
        Entry::Used { digest, job } => again(&gateway, &study, &digest, job)?,
        _ if !wanted => id,
        Entry::Free => accept(&gateway, id, study, None).await?,
        Entry::Held(hold) => accept(&gateway, id, study, Some(hold)).await?,
    };
    Ok(answer(&gateway, id))
}

async fn read_study(gateway: &Gateway, mut form: Form, target: Target<'_>) -> Result<Study, Problem> {
    let (mut file, mut patient_id) = (None, None);
    while let Some(part) = form.next().await? {
        match part.name() {
            "file" if file.is_some() => return Err(Problem::bad_request("field \"file\" stands twice")),
            "patient_id" if patient_id.is_some() => {
                return Err(Problem::bad_request("field \"patient_id\" stands twice"));
            }
            "file" => file = Some(receive(gateway, part, target).await?),
            "patient_id" => patient_id = Some(part.text(PATIENT_BYTES_MAX).await?),
            _ => part.skip().await?,
        }
    }
    let file = file.ok_or_else(|| Problem::bad_request("field \"file\" is missing"))?;
    Ok(Study { file, patient_id: check_patient(gateway, patient_id)? })
}

fn check_patient(gateway: &Gateway, patient_id: Option<String>) -> Result<String, Problem> {
    if gateway.has(Defect::PatientOptional) {
        return Ok(patient_id.unwrap_or_default());
    }
    let patient_id = patient_id.ok_or_else(|| Problem::bad_request("field \"patient_id\" is missing"))?;
    // No database keeps NUL in a text.
    if (1..=PATIENT_CHARS_MAX).contains(&patient_id.chars().count()) && !patient_id.contains('\0') {
        Ok(patient_id)
    } else {
        Err(Problem::bad_request("\"patient_id\" takes 1 to 128 characters, none of them NUL"))
    }
}

/// What the same request brings every time; the form's boundary is not part of it.
fn digest_of(study: &Study) -> String {
    hex(&Sha256::digest(format!("{}\n{}", study.file.sha256, study.patient_id)))
}

fn again(gateway: &Gateway, study: &Study, digest: &str, job: Uuid) -> Result<Uuid, Problem> {
    if digest_of(study) == digest || gateway.has(Defect::IdempotencyBodyIgnored) {
        return Ok(job);
    }
    Err(Problem::new(Code::IdempotencyConflict, "this Idempotency-Key came with another body before; use a new key"))
}

async fn accept(gateway: &Gateway, id: Uuid, study: Study, hold: Option<Hold>) -> Result<Uuid, Problem> {
    let digest = digest_of(&study);
    let input_sha256 = study.file.sha256.clone();
    let object = study.file.keep().await?;
    let message = StudyMessage { object: object.clone(), input_sha256 };
    let job = NewJob {
        id,
        kind: JobKind::Study,
        queue: gateway.system.queue(),
        body: message.to_bytes(),
        patient_id: Some(study.patient_id),
        total: 1,
        kept_for: None,
        hold: hold.as_ref().map(|hold| hold.with_digest(digest)),
    };
    // After an error the object stays: a store that was lost in the middle of a commit may have the job all the same.
    match gateway.ports.jobs.accept(job).await? {
        Accepted::Stored => Ok(id),
        Accepted::KeyLost => {
            // Best effort: an object nobody points to harms nobody.
            let _ = gateway.ports.objects.delete(&object).await;
            Err(idempotency::in_flight())
        }
    }
}

fn answer(gateway: &Gateway, id: Uuid) -> Response {
    let mut body = json!({"id": id});
    if !gateway.has(Defect::StateMissing) {
        body["state"] = json!("queued");
    }
    let status = if gateway.has(Defect::Upload200) { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    if !gateway.has(Defect::LocationMissing) {
        let location = HeaderValue::from_str(&format!("/api/v1/studies/{id}")).expect("a UUID is visible ASCII");
        headers.insert(LOCATION, location);
    }
    response
}
