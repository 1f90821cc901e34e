//! `POST …:predict`.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;

use super::path::Target;
use super::{Front, describe, find, reply};
use crate::clock;
use crate::error::PredictError;
use crate::json;
use crate::predictor::ModelInfo;

pub(super) async fn answer(front: &Front, target: &Target, body: Body) -> Response {
    let arrived = clock::now();
    let Ok(body) = to_bytes(body, front.max_body_bytes).await else {
        let max = front.max_body_bytes;
        return reply::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("The request body did not arrive whole, or has more than {max} bytes"),
        );
    };
    // Only known models get counters of their own: a client must not be able to grow the metrics.
    let info = match find(front, target) {
        Ok(info) => info,
        Err(error) => return reply::predict_error(&error),
    };
    let outcome = predict(front, &info, body).await;
    let status = outcome.as_ref().map_or_else(reply::status_word, |_| "OK");
    front.predictor.metrics().request(&info.name, status, arrived.elapsed());
    outcome.map_or_else(|error| reply::predict_error(&error), reply::json_text)
}

async fn predict(front: &Front, info: &ModelInfo, body: Bytes) -> Result<String, PredictError> {
    let instances_max = front.predictor.instances_max();
    let spec = info.spec.clone();
    let request = front
        .predictor
        .on_pool(&info.name, move || json::parse(&body, &spec, instances_max))
        .await?
        .map_err(|error| PredictError::Invalid(error.to_string()))?;
    check_signature(request.signature.as_deref())?;
    let prediction = front.predictor.predict(&info.name, request.inputs).await?;
    Ok(json::predictions(request.layout, &prediction.scores))
}

fn check_signature(name: Option<&str>) -> Result<(), PredictError> {
    match name {
        None | Some("" | describe::SIGNATURE) => Ok(()),
        Some(name) => {
            Err(PredictError::Invalid(format!("Serving signature name: \"{name}\" not found in signature def")))
        }
    }
}
