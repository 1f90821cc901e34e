//! The inference port on a TF Serving REST address: ours, or any server of that surface that takes encoded images.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ports::inference::{Inference, InferenceError, Model};

const CONNECT_MAX: Duration = Duration::from_secs(3);
const PREDICT_MAX: Duration = Duration::from_secs(30);
/// A new version of the model is noticed within this time.
const MODEL_KEPT: Duration = Duration::from_secs(10);
/// How much of an error answer is passed on.
const ERROR_CHARS_MAX: usize = 200;

/// One model of an inference server.
pub struct TfServing {
    client: Client,
    base: String,
    model: String,
    known: Mutex<Option<(Instant, Arc<Model>)>>,
}

impl TfServing {
    /// A client of the server at `base`, which need not be there yet.
    pub fn new(base: &str, model: &str) -> Result<Self, reqwest::Error> {
        crate::adapters::install_tls_provider();
        let client =
            Client::builder().connect_timeout(CONNECT_MAX).timeout(PREDICT_MAX).no_proxy().no_gzip().build()?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client, base, model: model.to_owned(), known: Mutex::new(None) })
    }

    async fn ask_model(&self) -> Result<Model, InferenceError> {
        let url = format!("{}/models/{}/labels", self.base, self.model);
        let response = self.client.get(url).send().await.map_err(|error| lost(&error))?;
        if response.status() == StatusCode::NOT_FOUND {
            return self.ask_plain_model().await;
        }
        let answer: LabelsAnswer = accepted(response).await?.json().await.map_err(|error| lost(&error))?;
        let version = answer.version.as_str().map_or_else(|| answer.version.to_string(), str::to_owned);
        Ok(Model { name: answer.model, version, labels: answer.labels })
    }

    /// Other servers do not tell labels: their classes are numbered.
    async fn ask_plain_model(&self) -> Result<Model, InferenceError> {
        let url = format!("{}/v1/models/{}", self.base, self.model);
        let status: Value = accepted(self.client.get(url).send().await.map_err(|error| lost(&error))?)
            .await?
            .json()
            .await
            .map_err(|error| lost(&error))?;
        let version = status["model_version_status"][0]["version"].as_str().unwrap_or("1").to_owned();
        Ok(Model { name: self.model.clone(), version, labels: Vec::new() })
    }

    fn known(&self) -> Option<Arc<Model>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(since, _)| since.elapsed() < MODEL_KEPT).map(|(_, model)| Arc::clone(model))
    }
}

#[async_trait]
impl Inference for TfServing {
    async fn model(&self) -> Result<Arc<Model>, InferenceError> {
        if let Some(model) = self.known() {
            return Ok(model);
        }
        let model = Arc::new(self.ask_model().await?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&model)));
        Ok(model)
    }

    async fn predict(&self, image: Bytes) -> Result<Vec<f64>, InferenceError> {
        let url = format!("{}/v1/models/{}:predict", self.base, self.model);
        let body = json!({"instances": [{"b64": STANDARD.encode(&image)}]});
        let response = self.client.post(url).json(&body).send().await.map_err(|error| lost(&error))?;
        let answer: Predictions = accepted(response).await?.json().await.map_err(|error| lost(&error))?;
        let none = || InferenceError::Unavailable(String::from("the answer has no predictions"));
        answer.predictions.into_iter().next().ok_or_else(none)
    }
}

#[derive(Deserialize)]
struct LabelsAnswer {
    model: String,
    version: Value,
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct Predictions {
    predictions: Vec<Vec<f64>>,
}

/// 400 is about the image; everything else is about the server and may pass.
async fn accepted(response: Response) -> Result<Response, InferenceError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.text().await.unwrap_or_default();
    let said = serde_json::from_str::<Value>(&text).ok().and_then(|body| body["error"].as_str().map(str::to_owned));
    let said: String = said.unwrap_or(text).chars().take(ERROR_CHARS_MAX).collect();
    if status == StatusCode::BAD_REQUEST {
        return Err(InferenceError::Refused(said));
    }
    Err(InferenceError::Unavailable(format!("it answered {status}: {said}")))
}

fn lost(error: &reqwest::Error) -> InferenceError {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    InferenceError::Unavailable(format!("{error}{cause}"))
}
