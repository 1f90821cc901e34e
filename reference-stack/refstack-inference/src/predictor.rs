//! The handle everything goes through, with or without an HTTP server in front.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout_at;

use crate::batch::{Lane, Rules};
use crate::clock;
use crate::config::PredictorConfig;
use crate::defect::Defect;
use crate::engine::{Engine, Rten};
use crate::error::{PredictError, StartError};
use crate::image;
use crate::metrics::Metrics;
use crate::pool::{CpuPool, PoolError};
use crate::repository::{ModelFiles, ModelSpec, Repository};

/// Loaded models and their sessions. Cheap to clone; the sessions end with the last clone.
#[derive(Debug, Clone)]
pub struct Predictor {
    inner: Arc<Inner>,
}

/// One instance to score.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The numbers of one instance, row-major, exactly as many as the model's input has.
    Tensor(Vec<f32>),
    /// The bytes of a PNG, JPEG or DICOM file.
    Encoded(Bytes),
}

/// The scores of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The model that made them.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// The class names.
    pub labels: Arc<[String]>,
    /// One row per input, in the order of the labels.
    pub scores: Vec<Vec<f32>>,
}

/// A model being served.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The class names, in the order of the scores.
    pub labels: Arc<[String]>,
    /// Names and shapes of its tensors.
    pub spec: Arc<ModelSpec>,
}

#[derive(Debug)]
struct Inner {
    config: PredictorConfig,
    served: BTreeMap<String, Served>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pool: CpuPool,
    metrics: Arc<Metrics>,
    predictions: AtomicU64,
}

#[derive(Debug)]
struct Served {
    info: ModelInfo,
    lane: Lane,
}

impl Predictor {
    /// Loads the models of the configured repository with the rten engine and starts their sessions.
    pub fn open(config: PredictorConfig) -> Result<Self, StartError> {
        Self::open_with(config, &Rten)
    }

    /// The same, with another engine.
    pub fn open_with(config: PredictorConfig, engine: &dyn Engine) -> Result<Self, StartError> {
        let repository = match &config.models_dir {
            Some(folder) => Repository::open(folder)?,
            None => Repository::embedded()?,
        };
        let repository = repository.only(&config.only)?;
        let metrics = Arc::new(Metrics::default());
        let mut served = BTreeMap::new();
        let mut threads = Vec::new();
        for files in repository.models() {
            let (model, started) = serve(files, &config, engine, &metrics)?;
            served.insert(files.spec.name.clone(), model);
            threads.extend(started);
        }
        let pool = CpuPool::new(config.decode_threads.get(), config.max_queue.get());
        let inner =
            Inner { config, served, threads: Mutex::new(threads), pool, metrics, predictions: AtomicU64::new(0) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The models served, by name.
    pub fn models(&self) -> Vec<ModelInfo> {
        self.inner.served.values().map(|served| served.info.clone()).collect()
    }

    /// One model, if it is served.
    pub fn model(&self, name: &str) -> Option<ModelInfo> {
        self.inner.served.get(name).map(|served| served.info.clone())
    }

    /// Scores each input, in order.
    pub async fn predict(&self, model: &str, inputs: Vec<Input>) -> Result<Prediction, PredictError> {
        let arrived = clock::now();
        let served =
            self.inner.served.get(model).ok_or_else(|| PredictError::UnknownModel(format!("Latest({model})")))?;
        let spec = Arc::clone(&served.info.spec);
        let tensors = self.on_pool(model, move || tensors(&spec, inputs)).await??;
        self.score(served, tensors, arrived).await
    }

    /// Prometheus text.
    pub fn metrics_text(&self) -> String {
        let depths: Vec<_> =
            self.inner.served.iter().map(|(name, served)| (name.clone(), served.lane.depth())).collect();
        self.inner.metrics.text(&depths)
    }

    /// Refuses new work, finishes what is queued and ends the session threads.
    pub async fn close(&self) {
        self.inner.close();
        let threads = std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // A session thread catches the engine's panics, so joining cannot fail; a cancelled wait leaves the threads to end by themselves.
        let joined =
            tokio::task::spawn_blocking(|| threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count());
        drop(joined.await);
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The most instances one request may bring.
    pub(crate) fn instances_max(&self) -> usize {
        self.inner.config.max_queue.get()
    }

    /// Runs CPU work on the pool, with its failures in this crate's terms.
    pub(crate) async fn on_pool<T: Send + 'static>(
        &self,
        model: &str,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PredictError> {
        self.inner.pool.run(job).await.map_err(|error| match error {
            PoolError::Panicked => {
                PredictError::Invalid("the request cannot be decoded: its content broke the decoder".to_owned())
            }
            PoolError::Full => {
                self.inner.metrics.shed(model);
                PredictError::Overloaded { retry_after: Duration::from_secs(1) }
            }
        })
    }

    async fn score(
        &self,
        served: &Served,
        tensors: Vec<Vec<f32>>,
        arrived: Instant,
    ) -> Result<Prediction, PredictError> {
        self.check_count(tensors.len())?;
        let deadline = arrived + self.inner.config.deadline;
        let answers = served.lane.submit(tensors, arrived, deadline).inspect_err(|error| {
            if matches!(error, PredictError::Overloaded { .. }) {
                self.inner.metrics.shed(&served.info.name);
            }
        })?;
        let mut scores = Vec::with_capacity(answers.len());
        for answer in answers {
            let row = timeout_at(deadline.into(), answer).await.map_err(|_| PredictError::DeadlineExceeded)?;
            // A session answers all it takes; only an ended one drops the other half.
            scores.push(row.map_err(|_| PredictError::ShuttingDown)??);
        }
        self.apply_defects(&mut scores).await?;
        let ModelInfo { name, version, labels, .. } = served.info.clone();
        Ok(Prediction { model: name, version, labels, scores })
    }

    fn check_count(&self, count: usize) -> Result<(), PredictError> {
        let max = self.instances_max();
        match count {
            0 => Err(PredictError::Invalid("the request has no instances; send at least one".to_owned())),
            n if n > max => {
                Err(PredictError::Invalid(format!("Task size {n} is larger than maximum input batch size {max}")))
            }
            _ => Ok(()),
        }
    }

    async fn apply_defects(&self, scores: &mut [Vec<f32>]) -> Result<(), PredictError> {
        let count = self.inner.predictions.fetch_add(1, Ordering::Relaxed) + 1;
        for defect in &self.inner.config.defects {
            match defect {
                Defect::Slow(time) => tokio::time::sleep(*time).await,
                Defect::WrongScores => scores.iter_mut().for_each(|row| spoil(row)),
                Defect::ErrorEvery(n) => fail_every(*n, count)?,
            }
        }
        Ok(())
    }
}

impl Prediction {
    /// The classes of one row with their scores, best first.
    pub fn ranked(&self, row: usize) -> Vec<(&str, f32)> {
        let scores = self.scores.get(row).map_or(&[][..], Vec::as_slice);
        let mut ranked: Vec<_> = self.labels.iter().map(String::as_str).zip(scores.iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}

impl Inner {
    fn close(&self) {
        for served in self.served.values() {
            served.lane.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(
    files: &ModelFiles,
    config: &PredictorConfig,
    engine: &dyn Engine,
    metrics: &Arc<Metrics>,
) -> Result<(Served, Vec<JoinHandle<()>>), StartError> {
    let sessions = engine
        .load(files, config.sessions.get())
        .map_err(|source| StartError::Engine { path: files.path.clone(), source })?;
    let rules = Rules {
        model: files.spec.name.clone(),
        max_batch: config.max_batch.get(),
        max_queue: config.max_queue.get(),
        min_service_time: config.min_service_time,
    };
    let (lane, threads) = Lane::start(&rules, sessions, metrics).map_err(StartError::Thread)?;
    let info = ModelInfo {
        name: files.spec.name.clone(),
        version: files.version,
        labels: files.labels.clone().into(),
        spec: Arc::new(files.spec.clone()),
    };
    tracing::info!(model = info.name, version = info.version, engine = engine.name(), "model loaded");
    Ok((Served { info, lane }, threads))
}

/// The numbers of every input; encoded pictures are decoded here.
fn tensors(spec: &ModelSpec, inputs: Vec<Input>) -> Result<Vec<Vec<f32>>, PredictError> {
    let len = spec.input_len();
    let tensor = |(index, input)| match input {
        Input::Tensor(data) if data.len() == len => Ok(data),
        Input::Tensor(data) => {
            let shape = &spec.input.shape;
            Err(PredictError::Invalid(format!(
                "instance {index} has {} numbers, shape {shape:?} takes {len}",
                data.len()
            )))
        }
        Input::Encoded(bytes) => {
            image::tensor(&bytes, spec).map_err(|why| PredictError::Invalid(format!("instance {index}: {why}")))
        }
    };
    inputs.into_iter().enumerate().map(tensor).collect()
}

/// Moves the scores on by one class and makes them sum to 1.5.
fn spoil(row: &mut [f32]) {
    row.rotate_right(1);
    for score in row {
        *score *= 1.5;
    }
}

fn fail_every(n: NonZeroU64, count: u64) -> Result<(), PredictError> {
    if count.is_multiple_of(n.get()) {
        return Err(PredictError::Engine(format!("planted defect: prediction {count} fails")));
    }
    Ok(())
}
