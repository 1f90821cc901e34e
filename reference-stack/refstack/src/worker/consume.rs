//! The loop that keeps the worker's hands full: one claim for all free hands, then a wait for the next wake.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{ATTEMPTS_MAX, Worker, attempt};
use crate::ports::queue::{Claim, Delivery};

/// A store that does not answer is asked again after this pause.
const STORE_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn consume(worker: Arc<Worker>, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let mut attempts = JoinSet::new();
    take_until(&worker, &mut attempts, (std::pin::pin!(shutdown), &stopped)).await;
    while attempts.try_join_next().is_some() {}
    tracing::info!(in_hand = attempts.len(), "the worker takes nothing more");
    // Every attempt holds a receiver as long as it runs; without any, there is nobody to tell.
    let _ = stop.send(true);
    while attempts.join_next().await.is_some() {}
}

/// A claim that has begun is always carried to its end: what it took must be worked on or given back.
async fn take_until<S: Future<Output = ()>>(
    worker: &Arc<Worker>,
    attempts: &mut JoinSet<()>,
    (mut shutdown, stopped): (Pin<&mut S>, &watch::Receiver<bool>),
) {
    let hands = Arc::new(Semaphore::new(worker.settings.concurrency as usize));
    loop {
        let hand = tokio::select! {
            () = &mut shutdown => return,
            hand = Arc::clone(&hands).acquire_owned() => hand.expect("the semaphore is never closed"),
        };
        let taken = claim(worker, 1 + hands.available_permits()).await;
        if taken.is_empty() {
            drop(hand);
            tokio::select! {
                () = &mut shutdown => return,
                () = wait(worker) => continue,
            }
        }
        let mut hand = Some(hand);
        for delivery in taken {
            let hand = hand.take().or_else(|| Arc::clone(&hands).try_acquire_owned().ok());
            let attempt = attempt::run(Arc::clone(worker), delivery, stopped.clone());
            attempts.spawn(async move {
                attempt.await;
                drop(hand);
            });
        }
        while attempts.try_join_next().is_some() {}
    }
}

async fn claim(worker: &Worker, free: usize) -> Vec<Delivery> {
    let claim = Claim {
        queue: worker.system.queue(),
        count: u32::try_from(free).unwrap_or(u32::MAX),
        lease: worker.settings.lease,
        attempts_max: ATTEMPTS_MAX,
    };
    match worker.ports.jobs.claim(claim).await {
        Ok(taken) => taken,
        Err(error) => {
            tracing::warn!(%error, "no work can be taken");
            tokio::time::sleep(STORE_PAUSE).await;
            Vec::new()
        }
    }
}

async fn wait(worker: &Worker) {
    if let Err(error) = worker.ports.queue.wait(worker.system.queue()).await {
        tracing::warn!(%error, "waiting for work failed");
        tokio::time::sleep(STORE_PAUSE).await;
    }
}
