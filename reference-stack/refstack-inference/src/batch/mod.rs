//! One queue per model and the session threads that empty it.
//!
//! The rule is greedy: the moment a session is idle it takes what waits, up to the batch limit. No batch is ever held back for company, because
//! while compute is what requests queue for, batches fill by themselves.

mod queue;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::engine::Session;
use crate::error::PredictError;
use crate::metrics::Metrics;
use queue::{Entry, Queue, Refused};

/// What session threads need to know.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) model: String,
    pub(crate) max_batch: usize,
    pub(crate) max_queue: usize,
    pub(crate) min_service_time: Option<Duration>,
}

/// A model's queue with its sessions behind it.
#[derive(Debug)]
pub(crate) struct Lane {
    queue: Arc<Queue>,
    cost: Arc<Cost>,
    sessions: u32,
}

/// The recent cost of one instance in one session, for Retry-After.
#[derive(Debug, Default)]
pub(crate) struct Cost(AtomicU64);

impl Lane {
    /// Starts one thread per session.
    pub(crate) fn start(
        rules: &Rules,
        sessions: Vec<Box<dyn Session>>,
        metrics: &Arc<Metrics>,
    ) -> std::io::Result<(Self, Vec<JoinHandle<()>>)> {
        let lane = Self {
            queue: Arc::new(Queue::new(rules.max_queue)),
            cost: Arc::default(),
            sessions: u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1),
        };
        let mut threads = Vec::with_capacity(sessions.len());
        for session in sessions {
            let worker = session::Worker {
                session,
                rules: rules.clone(),
                queue: Arc::clone(&lane.queue),
                cost: Arc::clone(&lane.cost),
                metrics: Arc::clone(metrics),
            };
            let name = format!("infer-{}", rules.model);
            threads.push(std::thread::Builder::new().name(name).spawn(move || worker.run())?);
        }
        Ok((lane, threads))
    }

    /// Queues all instances of a request, or none; the answers come in the same order.
    pub(crate) fn submit(
        &self,
        instances: Vec<Vec<f32>>,
        arrived: Instant,
        deadline: Instant,
    ) -> Result<Vec<Answer>, PredictError> {
        let (entries, answers) = instances.into_iter().map(|data| Entry::new(data, arrived, deadline)).unzip();
        match self.queue.offer(entries) {
            Ok(()) => Ok(answers),
            Err(Refused::Closed) => Err(PredictError::ShuttingDown),
            Err(Refused::Full { waiting }) => Err(PredictError::Overloaded { retry_after: self.retry_after(waiting) }),
        }
    }

    /// Instances waiting now.
    pub(crate) fn depth(&self) -> usize {
        self.queue.depth()
    }

    /// Refuses new work; sessions end when the queue is empty.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// The time until half of what waits is done, in whole seconds, one at least.
    fn retry_after(&self, waiting: usize) -> Duration {
        let half = u32::try_from(waiting / 2).unwrap_or(u32::MAX);
        let wait = self.cost.get().saturating_mul(half) / self.sessions;
        Duration::from_secs(wait.as_secs() + 1).min(Duration::from_secs(30))
    }
}

/// The row of scores of one instance, when it comes.
pub(crate) type Answer = oneshot::Receiver<Result<Vec<f32>, PredictError>>;

impl Cost {
    fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Moves a quarter of the way to the newest figure.
    fn fold(&self, each: Duration) {
        let new = u64::try_from(each.as_nanos()).unwrap_or(u64::MAX);
        let old = self.0.load(Ordering::Relaxed);
        self.0.store(if old == 0 { new } else { old - old / 4 + new / 4 }, Ordering::Relaxed);
    }
}
