//! The worker role: takes messages, asks the inference server, settles the jobs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::routing::get;

use crate::defect::Defects;
use crate::figures::Figures;
use crate::ports::fetch::Fetch;
use crate::ports::inference::Inference;
use crate::ports::jobs::Jobs;
use crate::ports::objects::Objects;
use crate::ports::queue::Queue;
use crate::system::System;

mod attempt;
mod batch;
mod consume;
mod routes;
mod study;

/// A message is tried this often before it is dead-lettered.
pub const ATTEMPTS_MAX: u32 = 5;

/// The neighbours of a worker.
pub struct WorkerPorts {
    /// To wait for work, and for figures.
    pub queue: Arc<dyn Queue>,
    /// The record of jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Images in, results out.
    pub objects: Arc<dyn Objects>,
    /// Who looks at the images.
    pub inference: Arc<dyn Inference>,
    /// Loads images that a batch names by address.
    pub fetch: Arc<dyn Fetch>,
}

/// What the command line chose.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Messages in hand at once.
    pub concurrency: u32,
    /// How long a message is ours without a sign of life.
    pub lease: Duration,
    /// Work in hand at shutdown has this long; then it is given back.
    pub grace: Duration,
    /// Whether batches may name private hosts even if their gateway does not say so.
    pub allow_private_urls: bool,
    /// What is to be wrong.
    pub defects: Defects,
}

/// A worker.
pub struct Worker {
    system: System,
    ports: WorkerPorts,
    settings: WorkerSettings,
    figures: Figures,
    /// Messages taken so far; defects name one by its number.
    taken: AtomicU64,
}

impl Worker {
    /// Builds a worker that has not begun.
    pub fn new(system: System, ports: WorkerPorts, settings: WorkerSettings) -> Arc<Self> {
        Arc::new(Self { system, ports, settings, figures: Figures::new(), taken: AtomicU64::new(0) })
    }

    /// Consumes until `shutdown`, then finishes or gives back what is in hand.
    pub async fn consume(self: &Arc<Self>, shutdown: impl Future<Output = ()>) {
        consume::consume(Arc::clone(self), shutdown).await;
    }

    /// Health and figures.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/health", get(routes::health))
            .route("/metrics", get(routes::metrics))
            .with_state(Arc::clone(self))
    }
}
