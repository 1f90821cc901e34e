//! A gateway and a worker put together as `stack/compose.rs` does, in one process, on a store in a temporary folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use refstack::adapters::embedded::Store;
use refstack::adapters::embedded::cache::MemoryCache;
use refstack::adapters::embedded::objects::FileObjects;
use refstack::adapters::tf_serving::TfServing;
use refstack::adapters::url_fetch::UrlFetch;
use refstack::clock::Clock;
use refstack::defect::{Defects, Role};
use refstack::gateway::{Gateway, GatewayParts, GatewayPorts, GatewaySettings};
use refstack::ports::inference::Inference;
use refstack::ports::objects::Objects;
use refstack::system::System;
use refstack::worker::{Worker, WorkerPorts, WorkerSettings};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::disk::SmallDisk;
use super::{Client, FakeInference};

pub(crate) const SECRET: &[u8] = b"a-secret-of-at-least-thirty-two-bytes!";

/// What a test wants to be different.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) system: System,
    pub(crate) defects: &'static [&'static str],
    pub(crate) worker_defects: &'static [&'static str],
    pub(crate) body_bytes_max: u64,
    pub(crate) allow_private_urls: bool,
    pub(crate) concurrency: u32,
    pub(crate) grace: Duration,
    /// The object store takes this many bytes, then the disk is full.
    pub(crate) disk_bytes: Option<usize>,
}

impl Setup {
    pub(crate) fn of(system: System) -> Self {
        Self {
            system,
            defects: &[],
            worker_defects: &[],
            body_bytes_max: 1 << 20,
            allow_private_urls: false,
            concurrency: 4,
            grace: Duration::from_secs(5),
            disk_bytes: None,
        }
    }

    pub(crate) fn medical() -> Self {
        Self::of(System::MedicalPlatform)
    }

    pub(crate) fn fish() -> Self {
        Self::of(System::Fish)
    }
}

/// A running gateway and what it stands on. Ends with the test's runtime.
pub(crate) struct TestSystem {
    pub(crate) client: Client,
    pub(crate) store: Arc<Store>,
    pub(crate) dir: TempDir,
    pub(crate) inference: FakeInference,
    pub(crate) gateway: Arc<Gateway>,
    setup: Setup,
    /// Moved forward by tests; the store's clock is real time plus this.
    ahead_ms: Arc<AtomicI64>,
}

impl TestSystem {
    pub(crate) async fn start(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let inference = FakeInference::start().await;
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let store = Arc::new(Store::open(dir.path(), moved_clock(&ahead_ms)).await.unwrap());
        let gateway = gateway(&setup, dir.path(), Arc::clone(&store), &inference.url, moved_clock(&ahead_ms));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = gateway.router();
        tokio::spawn(refstack::serve::serve(listener, router, std::future::pending()));
        let client = Client::new(format!("http://{address}"), Some(token()));
        Self { client, store, dir, inference, gateway, setup, ahead_ms }
    }

    /// A worker in a store of its own, as another process would have it.
    pub(crate) async fn start_worker(&self) -> RunningWorker {
        let store = Arc::new(Store::open(self.dir.path(), moved_clock(&self.ahead_ms)).await.unwrap());
        let ports = WorkerPorts {
            queue: store.clone(),
            jobs: store,
            objects: Arc::new(FileObjects::open(&self.dir.path().join("objects")).unwrap()),
            inference: Arc::new(TfServing::new(&self.inference.url, "fake").unwrap()),
            fetch: Arc::new(UrlFetch::new().unwrap()),
        };
        let settings = WorkerSettings {
            concurrency: self.setup.concurrency,
            lease: Duration::from_secs(10),
            grace: self.setup.grace,
            allow_private_urls: false,
            defects: defects(Role::Worker, self.setup.worker_defects),
        };
        let worker = Worker::new(self.setup.system, ports, settings);
        let (stop, stopped) = oneshot::channel::<()>();
        let consuming = Arc::clone(&worker);
        let task = tokio::spawn(async move { consuming.consume(async move { drop(stopped.await) }).await });
        RunningWorker { worker, stop, task }
    }

    pub(crate) fn pass_time(&self, time: Duration) {
        self.ahead_ms.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn object_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.dir.path().join("objects"), &mut found);
        found.retain(|file| !file.contains("/writers/"));
        found
    }
}

pub(crate) struct RunningWorker {
    pub(crate) worker: Arc<Worker>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl RunningWorker {
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }

    /// Ends it as SIGKILL would: nothing is given back.
    pub(crate) fn kill(self) {
        self.task.abort();
    }
}

pub(crate) fn token() -> String {
    token_of("dr-house")
}

pub(crate) fn token_of(subject: &str) -> String {
    let exp = Clock::system().now_ms() / 1000 + 7 * 24 * 3600;
    let claims = json!({"iss": "medical-platform", "aud": "api-gateway", "sub": subject, "exp": exp});
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

fn gateway(setup: &Setup, dir: &Path, store: Arc<Store>, inference: &str, clock: Clock) -> Arc<Gateway> {
    let inference: Arc<dyn Inference> = Arc::new(TfServing::new(inference, "fake").unwrap());
    let ports = GatewayPorts {
        queue: store.clone(),
        jobs: store.clone(),
        keys: store,
        objects: small_disk(setup, FileObjects::open(&dir.join("objects")).unwrap()),
        cache: Arc::new(MemoryCache::new()),
        inference: Some(inference),
    };
    let settings = GatewaySettings {
        body_bytes_max: setup.body_bytes_max,
        jwt_secret: Some(SECRET.to_vec()),
        allow_private_urls: setup.allow_private_urls,
        defects: defects(Role::Gateway(setup.system), setup.defects),
    };
    Gateway::new(GatewayParts { system: setup.system, ports, settings, clock })
}

fn small_disk(setup: &Setup, objects: FileObjects) -> Arc<dyn Objects> {
    match setup.disk_bytes {
        Some(bytes) => Arc::new(SmallDisk::new(objects, bytes)),
        None => Arc::new(objects),
    }
}

fn defects(role: Role, names: &[&str]) -> Defects {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Defects::parse(role, &names).unwrap()
}

fn moved_clock(ahead_ms: &Arc<AtomicI64>) -> Clock {
    let (real, ahead_ms) = (Clock::system(), Arc::clone(ahead_ms));
    Clock::from_fn(move || real.now_ms() + ahead_ms.load(Ordering::SeqCst))
}

fn list(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            list(&entry.path(), found);
        } else {
            found.push(entry.path().display().to_string());
        }
    }
}
