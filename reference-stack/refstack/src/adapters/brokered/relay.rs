//! Sends what is in the outbox. Every process has a relay; a message is locked while one of them sends it, so they share the work,
//! and those of a dead process are sent by another.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Carried, Transport};
use crate::adapters::postgres::PgStore;
use crate::ports::queue::{Claim, pause_until};
use crate::ports::{PortError, PortResult};

/// Messages sent at once, their confirmations awaited together.
const WINDOW: i64 = 256;
/// A broker that has not confirmed by then may be blocked; the rows must not stay locked.
const CONFIRM_WAIT_MAX: Duration = Duration::from_secs(5);
/// After a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

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
        loop {
            let pause = match self.send_due().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "messages wait in the outbox");
                    RETRY_PAUSE
                }
            };
            tokio::select! {
                () = self.rung.notified() => {}
                () = self.transport.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
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
        let publish = self.transport.publish(self.carried.queue, &sending.messages);
        let Ok(published) = tokio::time::timeout(CONFIRM_WAIT_MAX, publish).await else {
            return Err(PortError::unavailable("the broker", "it does not confirm"));
        };
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
