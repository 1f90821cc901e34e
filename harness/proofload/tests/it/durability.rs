//! `kill -9` in the middle of the uploads: nothing that was accepted is ever lost, and nothing happens twice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::roles::Role;

const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";
const UPLOADS: usize = 80;
const AT_ONCE: usize = 8;
/// How long all accepted jobs may take to end after the kill: leases of 2 s and 80 small jobs.
const ALL_END_WITHIN: Duration = Duration::from_mins(1);

struct Stage {
    folder: tempfile::TempDir,
    secret: PathBuf,
    http: reqwest::Client,
    token: String,
}

impl Stage {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, SECRET).unwrap();
        let expires = proofload_runner::unix_ms() / 1000 + 600;
        let claims = json!({ "iss": "medical-platform", "aud": "api-gateway", "sub": "t", "exp": expires });
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
        Self { folder, secret, http, token }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Uploads one study; its id, if it was accepted.
    async fn upload(&self, gateway: &str, number: usize) -> Option<String> {
        let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/payloads/xray/ct-slice.png");
        let file = Part::bytes(std::fs::read(image).unwrap()).file_name("ct.png").mime_str("image/png").unwrap();
        let form = Form::new().part("file", file).text("patient_id", format!("p-{number}"));
        let request = self.http.post(format!("{gateway}/api/v1/studies")).bearer_auth(&self.token).multipart(form);
        let answer = request.send().await.ok()?;
        if answer.status() != 202 {
            return None;
        }
        let body: Value = answer.json().await.ok()?;
        Some(body["id"].as_str().unwrap().to_owned())
    }

    async fn state(&self, gateway: &str, id: &str) -> String {
        let request = self.http.get(format!("{gateway}/api/v1/studies/{id}")).bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        if !answer.status().is_success() {
            return format!("status {}", answer.status());
        }
        let body: Value = answer.json().await.unwrap();
        body["state"].as_str().unwrap().to_owned()
    }

    /// Waits until every job has succeeded; panics with those that have not when the time is up.
    async fn all_succeed(&self, gateway: &str, ids: &[String]) {
        let mut open: Vec<(String, String)> = ids.iter().map(|id| (id.clone(), String::new())).collect();
        let ended = async {
            while !open.is_empty() {
                for (id, state) in &mut open {
                    *state = self.state(gateway, id).await;
                }
                open.retain(|(_, state)| state != "succeeded");
                // The pause between two looks at a job, as a client would make it.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(ALL_END_WITHIN, ended).await.is_ok();
        assert!(in_time, "{} of {} never succeeded: {open:?}", open.len(), ids.len());
    }

    async fn queue(&self, gateway: &str) -> Value {
        self.http.get(format!("{gateway}/api/queues/%2F/medical_data")).send().await.unwrap().json().await.unwrap()
    }
}

/// Uploads with several at once; `after` is told the number of accepted jobs and may do harm.
async fn upload_all(stage: &Stage, gateway: &str, mut after: impl FnMut(usize)) -> Vec<String> {
    let mut accepted = Vec::new();
    let mut uploads = futures::stream::FuturesUnordered::new();
    let mut next = 0;
    loop {
        while uploads.len() < AT_ONCE && next < UPLOADS {
            uploads.push(stage.upload(gateway, next));
            next += 1;
        }
        let Some(answer) = futures::StreamExt::next(&mut uploads).await else { return accepted };
        if let Some(id) = answer {
            accepted.push(id);
            after(accepted.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_loses_no_accepted_job() {
    let stage = Stage::new();
    let inference = Role::start(&["inference", "--system", "medical-platform", "--min-service-time", "20ms"]);
    let gateway = Role::medical_gateway(&stage.data(), &stage.secret);
    let mut worker = Role::medical_worker(&stage.data(), &inference.address);
    let ids = upload_all(&stage, &gateway.address, |accepted| {
        if accepted == UPLOADS / 3 {
            worker.kill();
        }
    })
    .await;
    assert_eq!(ids.len(), UPLOADS);
    let _second = Role::medical_worker(&stage.data(), &inference.address);
    stage.all_succeed(&gateway.address, &ids).await;
    let queue = stage.queue(&gateway.address).await;
    assert_eq!((&queue["messages"], &queue["messages_unacknowledged"]), (&json!(0), &json!(0)), "{queue}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_loses_no_accepted_job() {
    let stage = Stage::new();
    let inference = Role::start(&["inference", "--system", "medical-platform"]);
    let mut gateway = Role::medical_gateway(&stage.data(), &stage.secret);
    let _worker = Role::medical_worker(&stage.data(), &inference.address);
    let address = gateway.address.clone();
    let ids = upload_all(&stage, &address, |accepted| {
        if accepted == UPLOADS / 3 {
            gateway.kill();
        }
    })
    .await;
    assert!((UPLOADS / 3..UPLOADS).contains(&ids.len()), "{} accepted: the kill must come in the middle", ids.len());
    let again = Role::medical_gateway(&stage.data(), &stage.secret);
    stage.all_succeed(&again.address, &ids).await;
    // Whatever was in the middle of being taken left nothing behind that cannot work.
    let more: Vec<String> = upload_all(&stage, &again.address, |_| ()).await;
    assert_eq!(more.len(), UPLOADS);
    stage.all_succeed(&again.address, &more).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_again_and_again_lose_nothing() {
    let stage = Stage::new();
    let inference = Role::start(&["inference", "--system", "medical-platform", "--min-service-time", "20ms"]);
    let gateway = Role::medical_gateway(&stage.data(), &stage.secret);
    let ids = upload_all(&stage, &gateway.address, |_| ()).await;
    let mut lives = JoinSet::new();
    for _ in 0..4 {
        let mut worker = Role::medical_worker(&stage.data(), &inference.address);
        // Killed while it works: as soon as another job has ended under it.
        let before = succeeded(&stage, &gateway.address, &ids).await;
        while succeeded(&stage, &gateway.address, &ids).await == before {}
        lives.spawn_blocking(move || worker.kill());
    }
    while lives.join_next().await.is_some() {}
    let _last = Role::medical_worker(&stage.data(), &inference.address);
    stage.all_succeed(&gateway.address, &ids).await;
}

async fn succeeded(stage: &Stage, gateway: &str, ids: &[String]) -> usize {
    let mut count = 0;
    for id in ids {
        count += usize::from(stage.state(gateway, id).await == "succeeded");
    }
    count
}
