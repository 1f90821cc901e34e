//! One attempt at one message: work while a heartbeat keeps the lease, then settle under that lease.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{ATTEMPTS_MAX, Worker, batch, study};
use crate::defect::Defect;
use crate::ports::PortResult;
use crate::ports::jobs::Outcome;
use crate::ports::queue::{Delivery, Lease, Retried, Retry};
use crate::system::System;

/// The pause before the second attempt; it doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// What the work on a message came to.
pub(super) enum Verdict {
    /// It is decided.
    Ended(Outcome),
    /// A neighbour failed, as the sentence says; a later try may succeed.
    TryLater(String),
}

enum End {
    Verdict(Verdict),
    LeaseLost,
    GiveBack,
}

pub(super) async fn run(worker: Arc<Worker>, delivery: Delivery, stopped: watch::Receiver<bool>) {
    let start = Instant::now();
    let nth = worker.taken.fetch_add(1, Ordering::Relaxed) + 1;
    let outcome = outcome(&worker, &delivery, (nth, stopped)).await.unwrap_or_else(|error| {
        tracing::warn!(%error, id = delivery.lease.message, "an attempt was not recorded; its lease will run out");
        "unrecorded"
    });
    worker.figures.count_attempt(outcome, start.elapsed().as_secs_f64());
}

async fn outcome(
    worker: &Worker,
    delivery: &Delivery,
    (nth, stopped): (u64, watch::Receiver<bool>),
) -> PortResult<&'static str> {
    let lease = &delivery.lease;
    if worker.settings.defects.has_nth(Defect::DropJob, nth) {
        worker.ports.queue.ack(lease).await?;
        return Ok("forgotten");
    }
    let end = tokio::select! {
        verdict = work(worker, delivery) => End::Verdict(verdict),
        () = keep_lease(worker, lease) => End::LeaseLost,
        () = grace_over(stopped, worker.settings.grace) => End::GiveBack,
    };
    match end {
        End::Verdict(Verdict::Ended(outcome)) => settle(worker, delivery, outcome, nth).await,
        End::Verdict(Verdict::TryLater(reason)) => retry(worker, lease, reason).await,
        End::LeaseLost => Ok("stale"),
        End::GiveBack => worker.ports.jobs.release(lease).await.map(|_| "released"),
    }
}

async fn work(worker: &Worker, delivery: &Delivery) -> Verdict {
    match worker.system {
        System::MedicalPlatform => study::diagnose(worker, delivery).await,
        System::Fish => batch::classify(worker, delivery).await,
    }
}

async fn settle(worker: &Worker, delivery: &Delivery, outcome: Outcome, nth: u64) -> PortResult<&'static str> {
    let word = match &outcome {
        Outcome::Succeeded { .. } => "succeeded",
        Outcome::Failed { .. } => "failed",
    };
    if !worker.ports.jobs.settle(&delivery.lease, outcome).await? {
        return Ok("stale");
    }
    if word == "succeeded" {
        worker.figures.count_effect();
    }
    if worker.system == System::Fish {
        batch::clear(worker, delivery).await;
    }
    if let Some(job) = delivery.lease.job.filter(|_| worker.settings.defects.has_nth(Defect::DoubleEffect, nth)) {
        worker.ports.jobs.repeat_effect(job).await?;
        worker.figures.count_effect();
    }
    Ok(word)
}

async fn retry(worker: &Worker, lease: &Lease, reason: String) -> PortResult<&'static str> {
    tracing::info!(id = lease.message, attempt = lease.attempt, reason, "an attempt failed");
    let doublings = lease.attempt.saturating_sub(1).min(16);
    let delay = RETRY_FIRST.saturating_mul(1 << doublings).min(RETRY_MAX);
    let retried = worker.ports.jobs.retry(lease, Retry { delay, attempts_max: ATTEMPTS_MAX, reason }).await?;
    Ok(match retried {
        Retried::Again => "retried",
        Retried::DeadLettered => "dead-lettered",
        Retried::Stale => "stale",
    })
}

/// Renews the lease until it is lost: the job was cancelled, or somebody else has it.
async fn keep_lease(worker: &Worker, lease: &Lease) {
    let time = worker.settings.lease;
    loop {
        tokio::time::sleep(time / 3).await;
        match worker.ports.jobs.renew(lease, time).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "a lease was not renewed"),
        }
    }
}

async fn grace_over(mut stopped: watch::Receiver<bool>, grace: Duration) {
    // An error says that the worker is gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    tokio::time::sleep(grace).await;
}
