//! Sends what is in the outbox. Every process has a relay; a message is locked while one of them sends it, so they share the work,
//! and those of a dead process are sent by another.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Carried, Transport};
use crate::adapters::postgres::PgStore;
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::queue::{Claim, pause_until};

/// Messages sent at once, their confirmations awaited together.
const WINDOW: i64 = 256;
/// After a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How often it is asked whether the broker has lost something.
const DOUBT_EVERY: Duration = Duration::from_secs(30);
/// What was sent so long ago, waits to be delivered, and is not at the broker any more, has been lost there.
const DOUBT_AFTER: Duration = Duration::from_mins(1);

pub(super) struct Relay<T> {
    store: Arc<PgStore>,
    transport: Arc<T>,
    carried: Carried,
    rung: Notify,
}

impl<T: Transport> Relay<T> {
    pub(super) fn new(store: Arc<PgStore>, transport: Arc<T>, carried: Carried) -> Self {
        Self { store, transport, carried, rung: Notify::new() }
    }

    /// Something is to be sent, soon.
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Sends for as long as the process lives.
    pub(super) async fn run(self: Arc<Self>) {
        let mut looked: Option<Instant> = None;
        loop {
            let mut round = self.send_due().await;
            if round.is_ok() && looked.is_none_or(|looked| looked.elapsed() >= DOUBT_EVERY) {
                looked = Some(Instant::now());
                round = self.send_lost().await.and(round);
            }
            match round {
                Ok(pause) => self.pause(pause).await,
                Err(error) => {
                    tracing::warn!(%error, "messages wait in the outbox");
                    // Whoever rings meanwhile is served by the next round.
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = self.rung.notified() => {}
            () = self.transport.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    /// Sends again what the broker has lost without losing its queue: purged, expired or thrown away by a policy.
    async fn send_lost(&self) -> PortResult<()> {
        let sent_before = self.store.now_ms() - millis(DOUBT_AFTER);
        let doubtful = self.store.is_waiting_since(self.carried.queue, sent_before).await?;
        if doubtful && self.transport.is_ready() && self.transport.is_drained(self.carried.queue).await? {
            tracing::warn!("the broker has lost messages; they are sent again");
            self.store.send_again(self.carried.queue, sent_before).await?;
            self.ring();
        }
        Ok(())
    }

    /// Sends everything that is due, and tells how long there is nothing to do.
    async fn send_due(&self) -> PortResult<Duration> {
        self.store.restore_late(self.restoring()).await?;
        while self.transport.is_ready() && self.send_some().await? {}
        let due = if self.transport.is_ready() { self.store.next_due(self.carried.queue).await? } else { None };
        Ok(pause_until(due, self.store.now_ms()))
    }

    /// Sends one window; true if there may be more.
    pub(super) async fn send_some(&self) -> PortResult<bool> {
        let sending = self.store.unsent(self.carried.queue, WINDOW).await?;
        if sending.messages.is_empty() {
            return Ok(false);
        }
        let full = i64::try_from(sending.messages.len()).is_ok_and(|sent| sent == WINDOW);
        let published = self.transport.publish(self.carried.queue, &sending.messages).await;
        sending.sent(&published.confirmed, self.store.now_ms()).await?;
        if let Some(failure) = published.failure {
            return Err(failure);
        }
        Ok(full)
    }

    fn restoring(&self) -> Claim {
        Claim { queue: self.carried.queue, count: 0, lease: Duration::ZERO, attempts_max: self.carried.attempts_max }
    }
}
