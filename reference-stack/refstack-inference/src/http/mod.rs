//! The REST interface: routes, and TF Serving's answer to everything it does not know.

mod describe;
mod path;
mod predict;
mod reply;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::error::PredictError;
use crate::predictor::{ModelInfo, Predictor};
use path::{Target, Verb, Version};

/// What handlers need.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) predictor: Predictor,
    pub(crate) max_body_bytes: usize,
}

pub(crate) fn router(front: Front) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/monitoring/prometheus/metrics", get(metrics))
        .route("/models/{model}/labels", get(labels))
        .fallback(v1)
        .with_state(front)
}

async fn metrics(State(front): State<Front>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], front.predictor.metrics_text())
        .into_response()
}

async fn labels(State(front): State<Front>, Path(model): Path<String>) -> Response {
    match front.predictor.model(&model) {
        Some(info) => reply::json(&describe::labels(&info)),
        None => reply::predict_error(&PredictError::UnknownModel(format!("Latest({model})"))),
    }
}

/// Everything under `/v1/`; its paths match without regard to case, which routers do not do.
async fn v1(State(front): State<Front>, request: Request<Body>) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    if !path::is_v1(&path) {
        return reply::error(StatusCode::NOT_FOUND, &format!("Not found: {path}; models are under /v1/models/"));
    }
    let target = match path::parse(&method, &path) {
        Ok(Some(target)) => target,
        Ok(None) => return reply::error(StatusCode::BAD_REQUEST, &format!("Malformed request: {method} {path}")),
        Err(why) => return reply::error(StatusCode::BAD_REQUEST, &why),
    };
    match target.verb {
        Verb::Status => status(&front, &target),
        Verb::Metadata => metadata(&front, &target),
        Verb::Predict => predict::answer(&front, &target, request.into_body()).await,
        Verb::Classify | Verb::Regress => wrong_method(&front, &target),
    }
}

fn status(front: &Front, target: &Target) -> Response {
    let info = front.predictor.model(&target.model);
    match (&target.version, info) {
        (Version::Label(label), Some(_)) => reply::error(StatusCode::BAD_REQUEST, &unknown_label(label)),
        (Version::Number(n), Some(info)) if *n != info.version => {
            reply::error(StatusCode::NOT_FOUND, &format!("Could not find version {n} of model {}", info.name))
        }
        (_, Some(info)) => reply::json(&describe::status(&info)),
        (_, None) => {
            reply::error(StatusCode::NOT_FOUND, &format!("Could not find any versions of model {}", target.model))
        }
    }
}

fn metadata(front: &Front, target: &Target) -> Response {
    match find(front, target) {
        Ok(info) => reply::json(&describe::metadata(&info)),
        Err(error) => reply::predict_error(&error),
    }
}

/// Every signature here is a predict signature.
fn wrong_method(front: &Front, target: &Target) -> Response {
    let (kind, method) =
        if target.verb == Verb::Classify { ("classification", "classify") } else { ("regression", "regress") };
    let why = format!(
        "Expected {kind} signature method_name to be tensorflow/serving/{method}. Was: tensorflow/serving/predict"
    );
    match find(front, target) {
        Ok(_) => reply::error(StatusCode::BAD_REQUEST, &why),
        Err(error) => reply::predict_error(&error),
    }
}

/// The model of a request, in the version it asks for.
fn find(front: &Front, target: &Target) -> Result<ModelInfo, PredictError> {
    let name = &target.model;
    let info = front.predictor.model(name).ok_or_else(|| PredictError::UnknownModel(format!("Latest({name})")))?;
    match &target.version {
        Version::Number(n) if *n != info.version => Err(PredictError::UnknownModel(format!("Specific({name}, {n})"))),
        Version::Label(label) => Err(PredictError::Invalid(unknown_label(label))),
        _ => Ok(info),
    }
}

fn unknown_label(label: &str) -> String {
    format!("Unrecognized servable version label: {label}")
}
