//! `POST /predict`: one image in, one class out, remembered for an hour.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::HeaderName;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Gateway;
use super::form::{Form, Part, content_type, intake_of};
use super::problem::{Code, Problem};
use super::receive::check_head;
use crate::defect::Defect;
use crate::hex::hex;
use crate::ports::inference::{Inference, InferenceError};

const PREDICTION_KEPT: Duration = Duration::from_hours(1);
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Answers at once.
pub(crate) async fn predict(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, Problem> {
    let image = read_image(request).await?;
    check_head(&gateway, &image)?;
    let inference = gateway.inference()?;
    let model = inference.model().await?;
    let key = format!("prediction/{}/{}", model.version, hex(&Sha256::digest(&image)));
    let known = if gateway.has(Defect::CacheOff) { None } else { gateway.ports.cache.get(&key).await };
    let known: Option<Value> = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let (mut body, cached) = match known {
        Some(body) => (body, true),
        None => (classify(inference, image).await?, false),
    };
    if !cached {
        gateway.ports.cache.put(&key, Bytes::from(body.to_string()), PREDICTION_KEPT).await;
    }
    body["cached"] = json!(cached);
    body["model"] = json!(model.name);
    body["model_version"] = json!(model.version);
    Ok(answer(&gateway, body, cached))
}

/// The best class of an image and its score, as JSON.
pub(crate) async fn classify(inference: &dyn Inference, image: Bytes) -> Result<Value, InferenceError> {
    let (class, score) = inference.best(image).await?;
    Ok(json!({"class": class, "score": score}))
}

impl Gateway {
    /// The inference server, or the answer to give without one.
    pub(crate) fn inference(&self) -> Result<&dyn Inference, Problem> {
        let none = || Problem::new(Code::Unavailable, "this gateway was started without an inference server");
        self.ports.inference.as_deref().ok_or_else(none)
    }
}

async fn read_image(request: Request) -> Result<Bytes, Problem> {
    match content_type(request.headers()).as_deref() {
        Some("image/png" | "image/jpeg") => read_body(request).await,
        Some("multipart/form-data") => read_form(Form::open(request).await?).await,
        _ => Err(Problem::new(Code::UnsupportedMediaType, "send image/png, image/jpeg or multipart/form-data")),
    }
}

/// The whole body; the edge has put a limit on it.
pub(crate) async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let intake = intake_of(&request);
    let broken = |_| Problem::from_cause(intake.cause(), || Problem::bad_request("the body cannot be read"));
    axum::body::to_bytes(request.into_body(), usize::MAX).await.map_err(broken)
}

async fn read_form(mut form: Form) -> Result<Bytes, Problem> {
    let mut image = None;
    while let Some(part) = form.next().await? {
        match part.name() {
            "file" if image.is_some() => return Err(Problem::bad_request("field \"file\" stands twice")),
            "file" => image = Some(read_part(part).await?),
            _ => part.skip().await?,
        }
    }
    image.ok_or_else(|| Problem::bad_request("field \"file\" is missing"))
}

async fn read_part(mut part: Part<'_>) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn answer(gateway: &Gateway, mut body: Value, cached: bool) -> Response {
    if gateway.has(Defect::ScoreOutOfRange) {
        body["score"] = json!(1.7);
    }
    if gateway.has(Defect::ScoreMissing)
        && let Some(members) = body.as_object_mut()
    {
        members.shift_remove("score");
    }
    if gateway.has(Defect::CacheHeaderMissing) {
        return Json(body).into_response();
    }
    ([(X_CACHE, if cached { "hit" } else { "miss" })], Json(body)).into_response()
}
