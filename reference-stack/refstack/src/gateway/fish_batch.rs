//! `POST /batch/predict`: takes up to 64 images in, uploaded or named, to be classified by a worker.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Gateway;
use super::fish_predict::{classify, read_body};
use super::form::{Form, content_type};
use super::problem::{Code, Problem};
use super::receive::{Received, Target, receive};
use crate::defect::Defect;
use crate::messages::{BatchMessage, Image};
use crate::ports::jobs::{JobKind, NewJob};
use crate::url_rule::check_url;

const IMAGES_MAX: usize = 64;
const STATUS_KEPT: Duration = Duration::from_hours(24);

/// What a client sent, not yet kept.
enum Sent {
    Urls(Vec<String>),
    Files(Vec<Received>),
}

/// Accepts a batch.
pub(crate) async fn accept(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, Problem> {
    let id = Uuid::now_v7();
    let sent = match content_type(request.headers()).as_deref() {
        Some("application/json") => Sent::Urls(urls_of(&read_body(request).await?)?),
        Some("multipart/form-data") => Sent::Files(files_of(&gateway, request, id).await?),
        _ => return Err(Problem::new(Code::UnsupportedMediaType, "send application/json or multipart/form-data")),
    };
    check_count(&gateway, &sent)?;
    let images = keep(&gateway, sent).await?;
    if gateway.has(Defect::BatchSync) {
        return answer_at_once(&gateway, id, &images).await;
    }
    let total = u32::try_from(images.len()).unwrap_or(u32::MAX);
    let allow_private = gateway.settings.allow_private_urls || gateway.has(Defect::PrivateUrls);
    let job = NewJob {
        id,
        kind: JobKind::Batch,
        queue: gateway.system.queue(),
        body: BatchMessage { images, allow_private }.to_bytes(),
        patient_id: None,
        total,
        kept_for: Some(STATUS_KEPT),
        hold: None,
    };
    gateway.ports.jobs.accept(job).await?;
    Ok(answer(&gateway, id))
}

fn urls_of(body: &[u8]) -> Result<Vec<String>, Problem> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON ({error})")))?;
    let shape = || Problem::bad_request("send {\"image_urls\": [\"http://…\", …]}");
    let urls = body.get("image_urls").and_then(Value::as_array).ok_or_else(shape)?;
    urls.iter().map(|url| url.as_str().map(str::to_owned).ok_or_else(shape)).collect()
}

async fn files_of(gateway: &Gateway, request: Request, id: Uuid) -> Result<Vec<Received>, Problem> {
    let mut form = Form::open(request).await?;
    let mut files = Vec::new();
    while let Some(part) = form.next().await? {
        if part.name() != "files" {
            part.skip().await?;
            continue;
        }
        if files.len() == IMAGES_MAX && !gateway.has(Defect::BatchUnlimited) {
            return Err(too_many());
        }
        let name = format!("batches/{id}/{}", files.len());
        files.push(receive(gateway, part, Target::Store(&name)).await?);
    }
    Ok(files)
}

fn check_count(gateway: &Gateway, sent: &Sent) -> Result<(), Problem> {
    let images = match sent {
        Sent::Urls(urls) => urls.len(),
        Sent::Files(files) => files.len(),
    };
    if images == 0 && !gateway.has(Defect::EmptyAccepted) {
        return Err(Problem::new(Code::Unprocessable, "the batch is empty; send 1 to 64 images"));
    }
    if images > IMAGES_MAX && !gateway.has(Defect::BatchUnlimited) {
        return Err(too_many());
    }
    Ok(())
}

fn too_many() -> Problem {
    Problem::new(Code::Unprocessable, format!("a batch has at most {IMAGES_MAX} images; send several"))
}

async fn keep(gateway: &Gateway, sent: Sent) -> Result<Vec<Image>, Problem> {
    match sent {
        Sent::Urls(urls) => urls.into_iter().map(|url| check_one(gateway, url).map(Image::Url)).collect(),
        Sent::Files(files) => {
            let kept = futures::future::try_join_all(files.into_iter().map(Received::keep)).await?;
            Ok(kept.into_iter().map(Image::Object).collect())
        }
    }
}

fn check_one(gateway: &Gateway, url: String) -> Result<String, Problem> {
    let allow_private = gateway.settings.allow_private_urls || gateway.has(Defect::PrivateUrls);
    match check_url(&url, allow_private) {
        Ok(_) => Ok(url),
        Err(_) if gateway.has(Defect::SchemeAny) && !is_http(&url) => Ok(url),
        Err(why) => Err(Problem::new(Code::Unprocessable, format!("an image URL is refused: {why}"))),
    }
}

fn is_http(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    lower.starts_with("http:") || lower.starts_with("https:")
}

fn answer(gateway: &Gateway, id: Uuid) -> Response {
    let mut body = json!({"request_id": id, "status": "queued"});
    if gateway.has(Defect::RequestIdMissing)
        && let Some(members) = body.as_object_mut()
    {
        members.shift_remove("request_id");
    }
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if !gateway.has(Defect::BatchLocationMissing) {
        let location = HeaderValue::from_str(&format!("/batch/status/{id}")).expect("a UUID is visible ASCII");
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Only for the defect `batch-sync`.
async fn answer_at_once(gateway: &Gateway, id: Uuid, images: &[Image]) -> Result<Response, Problem> {
    let inference = gateway.inference()?;
    let mut results = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let mut result = match image {
            Image::Object(key) => classify(inference, gateway.ports.objects.get(key).await?).await?,
            Image::Url(_) => json!({"error": "not loaded"}),
        };
        result["index"] = json!(index);
        results.push(result);
    }
    Ok(Json(json!({"request_id": id, "status": "completed", "results": results})).into_response())
}
