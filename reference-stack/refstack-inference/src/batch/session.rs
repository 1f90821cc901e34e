//! One session thread: takes a batch, runs it, holds it, answers it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::queue::{Entry, Queue};
use super::{Cost, Rules};
use crate::clock;
use crate::engine::{Batch, EngineError, Session};
use crate::error::PredictError;
use crate::metrics::Metrics;

pub(super) struct Worker {
    pub(super) session: Box<dyn Session>,
    pub(super) rules: Rules,
    pub(super) queue: Arc<Queue>,
    pub(super) cost: Arc<Cost>,
    pub(super) metrics: Arc<Metrics>,
}

impl Worker {
    /// Serves until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(entries) = self.queue.take(self.rules.max_batch) {
            let in_time = self.without_expired(entries);
            if !in_time.is_empty() {
                self.serve(in_time);
            }
        }
    }

    /// Answers entries whose deadline has passed; nobody would use their scores.
    fn without_expired(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let now = clock::now();
        let (in_time, expired): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| now < entry.deadline);
        self.metrics.expired(&self.rules.model, expired.len());
        for entry in expired {
            answer(entry, Err(PredictError::DeadlineExceeded));
        }
        in_time
    }

    fn serve(&mut self, mut entries: Vec<Entry>) {
        let started = clock::now();
        let len = entries.len();
        for entry in &entries {
            self.metrics.waited(&self.rules.model, started.saturating_duration_since(entry.arrived));
        }
        let mut data = Vec::with_capacity(entries.iter().map(|entry| entry.data.len()).sum());
        for entry in &mut entries {
            data.append(&mut entry.data);
        }
        let outcome = self.infer(Batch { len, data });
        self.hold(started.elapsed(), len);
        let took = started.elapsed();
        self.cost.fold(took / u32::try_from(len).unwrap_or(u32::MAX));
        self.metrics.ran(&self.rules.model, len, took);
        reply(entries, outcome);
    }

    fn infer(&mut self, batch: Batch) -> Result<Vec<f32>, EngineError> {
        // A panic inside an engine costs this batch, not the session.
        catch_unwind(AssertUnwindSafe(|| self.session.run(batch)))
            .unwrap_or_else(|_| Err(EngineError("the engine panicked on this batch; its log has the place".to_owned())))
    }

    /// Keeps the session for `min_service_time` per instance, so that it serves no more than a real model would.
    fn hold(&self, spent: Duration, len: usize) {
        let Some(each) = self.rules.min_service_time else { return };
        let total = each.saturating_mul(u32::try_from(len).unwrap_or(u32::MAX));
        std::thread::sleep(total.saturating_sub(spent));
    }
}

fn reply(entries: Vec<Entry>, outcome: Result<Vec<f32>, EngineError>) {
    match outcome {
        Ok(scores) => {
            let classes = scores.len() / entries.len();
            for (entry, row) in entries.into_iter().zip(scores.chunks_exact(classes)) {
                answer(entry, Ok(row.to_vec()));
            }
        }
        Err(EngineError(why)) => {
            for entry in entries {
                answer(entry, Err(PredictError::Engine(why.clone())));
            }
        }
    }
}

/// A caller that has gone away is no fault.
fn answer(entry: Entry, outcome: Result<Vec<f32>, PredictError>) {
    drop(entry.reply.send(outcome));
}
