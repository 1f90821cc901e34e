//! Stands in for the inference server: answers scores made from the image's length, refuses images that say `broken`, and
//! fails as often as it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) struct FakeInference {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    asked: AtomicU32,
    failures_left: AtomicU32,
    /// Predictions pass this gate; closed, they wait.
    gate: Semaphore,
}

impl FakeInference {
    pub(crate) async fn start() -> Self {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        let shared = Arc::new(Shared { asked: AtomicU32::new(0), failures_left: AtomicU32::new(0), gate });
        let router = Router::new()
            .route("/models/{model}/labels", get(labels))
            .route("/v1/models/{call}", post(predict))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    pub(crate) fn fail_next(&self, times: u32) {
        self.shared.failures_left.store(times, Ordering::SeqCst);
    }

    /// Predictions wait until [`FakeInference::let_pass`].
    pub(crate) fn hold_all(&self) {
        self.shared.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn let_pass(&self) {
        self.shared.gate.add_permits(1000);
    }

    pub(crate) fn asked(&self) -> u32 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Returns when at least `times` predictions have been asked for.
    pub(crate) async fn until_asked(&self, times: u32) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

async fn labels() -> Json<Value> {
    Json(json!({"model": "fake", "version": "7", "labels": ["a", "b", "c"]}))
}

async fn predict(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    drop(shared.gate.acquire().await.unwrap());
    let failing = shared.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if failing.is_ok() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": "told to fail"}))).into_response();
    }
    let image = body["instances"][0]["b64"].as_str().unwrap();
    let image = base64::engine::general_purpose::STANDARD.decode(image).unwrap();
    if String::from_utf8_lossy(&image).contains("broken") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "not a readable PNG"}))).into_response();
    }
    Json(json!({"predictions": [[0.25, 0.7, 0.05]]})).into_response()
}
