//! `RabbitMQ` as the carrier of messages. Everything is published with `mandatory` and confirmed; nothing is acknowledged before
//! its fate is on disk elsewhere. A lost connection is made again with its queues and its consumer.

mod link;
mod message;

use std::sync::Arc;

use async_trait::async_trait;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio::task::AbortHandle;

use self::link::Link;
pub use self::link::{OnEmpty, QueueKind, Settings};
use super::brokered::{Incoming, Published, Transport};
use super::postgres::Unsent;
use crate::ports::queue::QueueName;
use crate::ports::{PortError, PortResult};

const BROKER: &str = "the broker";

/// A connection to `RabbitMQ` that is kept up.
pub struct RabbitMq {
    link: Arc<Link>,
    linking: AbortHandle,
}

impl RabbitMq {
    /// Connects, declares the queue and its dead letters, and begins to consume if `settings` say so. An address that cannot be
    /// reached now is an error; later it is tried again for as long as this lives.
    pub async fn start(settings: Settings) -> PortResult<Self> {
        let (link, first) = Link::open(settings).await.map_err(unavailable)?;
        let link = Arc::new(link);
        let linking = tokio::spawn(Arc::clone(&link).keep_up(first)).abort_handle();
        Ok(Self { link, linking })
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.linking.abort();
    }
}

#[async_trait]
impl Transport for RabbitMq {
    type Receipt = Acker;

    fn is_ready(&self) -> bool {
        self.link.publisher().is_some()
    }

    async fn changed(&self) {
        self.link.changed().await;
    }

    async fn publish(&self, queue: QueueName, messages: &[Unsent]) -> Published {
        let mut published = Published::default();
        let Some(channel) = self.link.publisher() else {
            published.failure = Some(unavailable("there is no connection that takes messages"));
            return published;
        };
        let mut waiting = Vec::with_capacity(messages.len());
        for unsent in messages {
            match message::publish(&channel, queue, unsent).await {
                Ok(confirm) => waiting.push((unsent.id, confirm)),
                Err(error) => published.failure = Some(unavailable(error)),
            }
        }
        for (id, confirm) in waiting {
            match message::confirmed(confirm.await) {
                Ok(()) => published.confirmed.push(id),
                Err(error) => published.failure = Some(unavailable(error)),
            }
        }
        published
    }

    async fn take(&self, count: usize) -> Vec<Incoming<Acker>> {
        self.link.take(count).into_iter().map(message::incoming).collect()
    }

    async fn arrived(&self) {
        self.link.arrived().await;
    }

    async fn acknowledge(&self, receipt: Acker) {
        if let Err(error) = receipt.ack(BasicAckOptions::default()).await {
            tracing::debug!(%error, "a delivery was not acknowledged; it will come again and be dropped");
        }
    }

    async fn refuse(&self, incoming: Incoming<Acker>) {
        let moved = async {
            let channel = self.link.publisher().ok_or("there is no connection that takes messages")?;
            let confirm = message::publish_foreign(&channel, self.link.queue(), &incoming.body).await;
            message::confirmed(confirm.map_err(|error| error.to_string())?.await)
        };
        match moved.await {
            Ok(()) => self.acknowledge(incoming.receipt).await,
            Err(error) => {
                tracing::warn!(%error, "a foreign message could not be moved to the dead letters");
                self.give_back(incoming.receipt).await;
            }
        }
    }

    async fn give_back(&self, receipt: Acker) {
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        if let Err(error) = receipt.nack(options).await {
            tracing::debug!(%error, "a delivery was not given back; it comes again with the next connection");
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> PortError {
    PortError::unavailable(BROKER, error)
}
