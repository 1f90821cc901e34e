//! A running server, and the few things tests do to it.

use std::path::{Path, PathBuf};

use refstack_inference::{Config, PredictorConfig, Server};
use reqwest::{Client, Response};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(PredictorConfig::default()).await
    }

    pub(crate) async fn with(predictor: PredictorConfig) -> Self {
        Self::build(Config { predictor, ..Config::default() }).await
    }

    pub(crate) async fn build(config: Config) -> Self {
        // reqwest wants a provider even where no test uses TLS; a second installation changes nothing.
        drop(rustls::crypto::ring::default_provider().install_default());
        let server: Server = config.build().await.expect("the server starts");
        let base = format!("http://{}", server.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let shutdown = async move { drop(stopped.await) };
            server.serve(shutdown).await.expect("the server serves");
        });
        Self { base, client: Client::new(), stop: Some(stop), serving }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        text(self.client.get(format!("{}{path}", self.base)).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        text(self.send(path, body).await).await
    }

    pub(crate) async fn send(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.client.post(format!("{}{path}", self.base)).body(body).send().await.unwrap()
    }

    /// Asks the server to stop; it has when the returned handle ends.
    pub(crate) fn stop(mut self) -> JoinHandle<()> {
        drop(self.stop.take());
        self.serving
    }
}

async fn text(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn payload(name: &str) -> Vec<u8> {
    std::fs::read(payloads().join(name)).unwrap()
}

pub(crate) fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/payloads")
}

/// One digit of the held-out set as JSON, 0..1.
pub(crate) fn digit(index: usize) -> (usize, Vec<f32>) {
    let rows = fixture("digits-heldout.bin");
    let row = &rows[index * 65..][..65];
    (usize::from(row[0]), row[1..].iter().map(|pixel| f32::from(*pixel) / 16.0).collect())
}

/// An instance of shape [8, 8, 1] as JSON.
pub(crate) fn digit_json(index: usize) -> String {
    let rows: Vec<_> = digit(index)
        .1
        .chunks(8)
        .map(|row| format!("[{}]", row.iter().map(|n| format!("[{n}]")).collect::<Vec<_>>().join(",")))
        .collect();
    format!("[{}]", rows.join(","))
}
