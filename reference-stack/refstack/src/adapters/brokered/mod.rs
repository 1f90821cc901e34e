//! Jobs and messages in `PostgreSQL`, carried to the workers by a broker.
//!
//! The row of a message is the truth about it: outbox until the broker has confirmed it, inbox when it is delivered, lease and
//! attempts in between. The broker carries the number of the row and its body. So a broker that loses, repeats or reorders
//! costs time and nothing else, and a delivery that means nothing any more is dropped.

mod jobs;
mod queue;
mod relay;
mod transport;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::task::AbortHandle;

use self::relay::Relay;
pub(super) use self::transport::{Incoming, Published, Transport};
use super::postgres::PgStore;
use crate::ports::queue::QueueName;

/// Which queue a broker carries, and how often its messages are tried.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// The queue.
    pub queue: QueueName,
    /// Attempts before a message is a dead letter.
    pub attempts_max: u32,
}

/// Jobs and messages over a broker.
pub struct Brokered<T: Transport> {
    store: Arc<PgStore>,
    transport: Arc<T>,
    relay: Arc<Relay<T>>,
    relaying: AbortHandle,
    /// Deliveries in hand by message: they are acknowledged last, when everything else is on disk.
    in_hand: Mutex<HashMap<i64, T::Receipt>>,
}

impl<T: Transport> Brokered<T> {
    /// Begins to send what is unsent.
    pub(super) fn start(store: Arc<PgStore>, transport: Arc<T>, carried: Carried) -> Self {
        let relay = Arc::new(Relay::new(Arc::clone(&store), Arc::clone(&transport), carried));
        let relaying = tokio::spawn(Arc::clone(&relay).run()).abort_handle();
        Self { store, transport, relay, relaying, in_hand: Mutex::default() }
    }

    /// Keeps the receipt of a delivery until the message's fate is on disk. A second delivery of the same message takes its place.
    async fn keep(&self, message: i64, receipt: T::Receipt) {
        let before = self.in_hand.lock().expect("no holder panics").insert(message, receipt);
        if let Some(before) = before {
            self.transport.acknowledge(before).await;
        }
    }

    /// Acknowledges the delivery of a message whose fate is on disk, or could not be written: then its lease runs out and it is sent
    /// again. If acknowledging fails, the broker delivers it again and it is dropped.
    async fn acknowledge(&self, message: i64) {
        let receipt = self.in_hand.lock().expect("no holder panics").remove(&message);
        if let Some(receipt) = receipt {
            self.transport.acknowledge(receipt).await;
        }
    }
}

impl<T: Transport> Drop for Brokered<T> {
    fn drop(&mut self) {
        self.relaying.abort();
    }
}
