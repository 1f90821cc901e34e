//! The gateway role: takes requests in, stores what is accepted, and tells how it went.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::clock::Clock;
use crate::defect::{Defect, Defects};
use crate::figures::Figures;
use crate::ports::cache::Cache;
use crate::ports::inference::Inference;
use crate::ports::jobs::Jobs;
use crate::ports::keys::Keys;
use crate::ports::objects::Objects;
use crate::ports::queue::Queue;
use crate::system::System;

mod auth;
mod edge;
mod fish_batch;
mod fish_predict;
mod fish_status;
mod form;
mod health;
mod idempotency;
mod intake;
mod job_id;
mod jwt;
mod orphans;
mod problem;
mod queue_figures;
mod receive;
mod studies;
mod study_upload;

/// How often records past their time are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// What a gateway is built from.
pub struct GatewayParts {
    /// Which contract it answers.
    pub system: System,
    /// Its neighbours.
    pub ports: GatewayPorts,
    /// What the command line chose.
    pub settings: GatewaySettings,
    /// Time.
    pub clock: Clock,
}

/// The neighbours of a gateway.
pub struct GatewayPorts {
    /// For figures.
    pub queue: Arc<dyn Queue>,
    /// The record of jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Idempotency keys.
    pub keys: Arc<dyn Keys>,
    /// Uploaded images and results of batches.
    pub objects: Arc<dyn Objects>,
    /// Predictions and finished jobs.
    pub cache: Arc<dyn Cache>,
    /// For answers at once; without it they are `unavailable`.
    pub inference: Option<Arc<dyn Inference>>,
}

/// What the command line chose.
#[derive(Clone, Debug, Default)]
pub struct GatewaySettings {
    /// Bytes of a request body.
    pub body_bytes_max: u64,
    /// The HMAC key of tokens; required by `medical-platform`.
    pub jwt_secret: Option<Vec<u8>>,
    /// Whether batches may name private hosts.
    pub allow_private_urls: bool,
    /// What is to be wrong.
    pub defects: Defects,
}

/// A gateway. Cheap to share; [`Gateway::router`] serves it.
pub struct Gateway {
    system: System,
    ports: GatewayPorts,
    settings: GatewaySettings,
    clock: Clock,
    verifier: Option<jwt::Verifier>,
    figures: Figures,
    phase: AtomicU8,
}

/// Where a process stands in its life, as readiness tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Serving = 0,
    Draining = 1,
}

impl Gateway {
    /// Builds a gateway that is ready to serve.
    pub fn new(parts: GatewayParts) -> Arc<Self> {
        let GatewayParts { system, ports, settings, clock } = parts;
        let guarded = system == System::MedicalPlatform && !settings.defects.has(Defect::AuthOff);
        let secret = settings.jwt_secret.as_deref().filter(|_| guarded);
        let verifier = secret.map(|secret| jwt::Verifier::new(secret, settings.defects.clone()));
        let phase = AtomicU8::new(Phase::Serving as u8);
        Arc::new(Self { system, ports, settings, clock, verifier, figures: Figures::new(), phase })
    }

    /// From now on readiness answers that no new work should come.
    pub fn start_draining(&self) {
        self.phase.store(Phase::Draining as u8, Ordering::Relaxed);
    }

    /// Removes those of the `abandoned` objects that no record names, then forgets records past their time for as long as it is
    /// polled.
    pub async fn keep_tidy(&self, abandoned: Vec<String>) {
        for key in abandoned {
            if let Err(error) = orphans::remove_if_orphan(&self.ports, &key).await {
                tracing::warn!(%error, key, "an object that may be an orphan stays");
            }
        }
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.ports.jobs.sweep().await {
                tracing::warn!(%error, "old records were not swept");
            }
        }
    }

    /// The routes of this gateway's system.
    pub fn router(self: &Arc<Self>) -> Router {
        let routes = match self.system {
            System::MedicalPlatform => self.medical_routes(),
            System::Fish => self.fish_routes(),
        };
        let routes =
            if self.has(Defect::MetricsMissing) { routes } else { routes.route("/metrics", get(health::metrics)) };
        let inner: Router = routes
            .fallback(edge::unknown_path)
            .method_not_allowed_fallback(edge::method_not_allowed)
            .layer(DefaultBodyLimit::disable())
            .layer(from_fn(edge::note_route))
            .with_state(Arc::clone(self));
        // Around the whole router, because axum adds `Allow` outside the layers of a route.
        Router::new().fallback_service(inner).layer(from_fn_with_state(Arc::clone(self), edge::edge))
    }

    fn medical_routes(&self) -> Router<Arc<Self>> {
        let mut routes = Router::new()
            .route("/api/v1/studies", post(study_upload::upload))
            .route("/api/v1/studies/{id}", get(studies::show).delete(studies::cancel))
            .route("/api/v1/studies/{id}/result", get(studies::result));
        if !self.has(Defect::HealthMissing) {
            routes = routes
                .route("/actuator/health", get(health::actuator))
                .route("/actuator/health/liveness", get(health::liveness));
        }
        if !self.has(Defect::ReadinessMissing) && !self.has(Defect::HealthMissing) {
            routes = routes.route("/actuator/health/readiness", get(health::readiness));
        }
        if !self.has(Defect::QueueFiguresMissing) {
            routes = routes.route("/api/queues/{vhost}/{name}", get(queue_figures::rabbitmq));
        }
        if self.has(Defect::MetricsMissing) {
            return routes;
        }
        routes.route("/actuator/prometheus", get(health::metrics))
    }

    fn fish_routes(&self) -> Router<Arc<Self>> {
        let routes = Router::new()
            .route("/predict", post(fish_predict::predict))
            .route("/batch/predict", post(fish_batch::accept))
            .route("/batch/status/{id}", get(fish_status::show))
            .route("/kafka/lag/{group}/{topic}", get(queue_figures::kafka_lag));
        if self.has(Defect::HealthMissing) {
            return routes;
        }
        routes.route("/health", get(health::simple))
    }

    fn has(&self, defect: Defect) -> bool {
        self.settings.defects.has(defect)
    }

    fn is_draining(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == Phase::Draining as u8
    }
}
