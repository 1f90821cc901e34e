//! `RabbitMQ` as the carrier of messages. Everything is published with `mandatory` and confirmed; nothing is acknowledged before
//! its fate is on disk elsewhere. A lost connection is made again with its queues and its consumer.

mod link;
mod message;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::Acker;
use lapin::options::BasicAckOptions;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use self::link::{Link, look_at};
pub use self::link::{QueueKind, Settings};
use self::message::Answer;
use super::brokered::{Brokered, Carried, Incoming, Published, Transport};
use super::postgres::{PgStore, Unsent};
use crate::ports::queue::QueueName;
use crate::ports::{PortError, PortResult};

const BROKER: &str = "the broker";
/// A broker that has not confirmed by then may be blocked; the rows that wait for it must not stay locked.
const CONFIRM_WAIT_MAX: Duration = Duration::from_secs(5);
/// An acknowledgement that is lost costs a delivery that is dropped; waiting for it would cost a worker's hand.
const ACK_WAIT_MAX: Duration = Duration::from_secs(1);

/// Lets a broker carry the messages of `store`: declares the queue and its dead letters, and begins to consume if `settings` say so.
/// An address that cannot be reached now is an error; later it is tried again for as long as the answer lives.
pub async fn carry(store: Arc<PgStore>, settings: Settings, carried: Carried) -> PortResult<Brokered<RabbitMq>> {
    let opened = Link::open(settings, carried.queue, Arc::clone(&store)).await;
    let (link, first) = opened.map_err(unavailable)?;
    let link = Arc::new(link);
    let linking = tokio::spawn(Arc::clone(&link).keep_up(first)).abort_handle();
    Ok(Brokered::start(store, Arc::new(RabbitMq { link, linking }), carried))
}

/// A connection to `RabbitMQ` that is kept up.
pub struct RabbitMq {
    link: Arc<Link>,
    linking: AbortHandle,
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
        let Some(channel) = self.link.publisher() else {
            return Published::nothing(unavailable("there is no connection that takes messages"));
        };
        let identity = self.link.identity();
        let (deadline, mut published) = (Instant::now() + CONFIRM_WAIT_MAX, Published::default());
        let mut waiting = Vec::with_capacity(messages.len());
        for unsent in messages {
            let sent = message::publish(&channel, (queue, identity), unsent);
            match timeout_at(deadline, sent).await {
                Ok(Ok(confirm)) => waiting.push((unsent.id, confirm)),
                Ok(Err(error)) => published.failure = Some(unavailable(error)),
                Err(_) => published.failure = Some(unavailable("it does not take messages")),
            }
        }
        let mut returned = Vec::new();
        for (id, confirm) in waiting {
            // Beyond the deadline those that are confirmed already still count.
            match timeout_at(deadline, confirm).await.map(|confirm| message::answer(identity, confirm)) {
                Ok(Ok(Answer::Acknowledged)) => published.confirmed.push(id),
                Ok(Ok(Answer::Returned(row))) => {
                    published.confirmed.push(id);
                    returned.push(row);
                }
                Ok(Err(error)) => published.failure = Some(unavailable(error)),
                Err(_) => published.failure = Some(unavailable("it does not confirm")),
            }
        }
        if !returned.is_empty() {
            published.confirmed.retain(|id| !returned.contains(&Some(*id)));
            published.failure = Some(unavailable("a queue is missing"));
            self.link.renew();
        }
        published
    }

    async fn is_drained(&self, queue: QueueName) -> PortResult<bool> {
        let channel = self.link.publisher().ok_or_else(|| unavailable("there is no connection"))?;
        match timeout_at(Instant::now() + CONFIRM_WAIT_MAX, look_at(&channel, queue)).await {
            Ok(there) => there.map(|there| there.message_count() == 0).map_err(unavailable),
            Err(_) => Err(unavailable("it does not answer")),
        }
    }

    async fn take(&self, count: usize) -> Vec<Incoming<Acker>> {
        self.link.take(count)
    }

    async fn put_back(&self, deliveries: Vec<Incoming<Acker>>) {
        self.link.put_back(deliveries);
    }

    async fn arrived(&self) {
        self.link.arrived().await;
    }

    async fn acknowledge(&self, receipt: Acker) {
        let acknowledged = timeout_at(Instant::now() + ACK_WAIT_MAX, receipt.ack(BasicAckOptions::default())).await;
        if !matches!(acknowledged, Ok(Ok(_))) {
            tracing::debug!("a delivery was not acknowledged; it will come again and be dropped");
        }
    }

    async fn refuse(&self, incoming: Incoming<Acker>) {
        let moved = async {
            let channel = self.link.publisher().ok_or("there is no connection that takes messages")?;
            let confirm = message::publish_foreign(&channel, self.link.queue(), &incoming.body).await;
            let confirm = confirm.map_err(|error| error.to_string())?.await;
            match message::answer(self.link.identity(), confirm)? {
                Answer::Acknowledged => Ok(()),
                Answer::Returned(_) => Err(String::from("a queue is missing")),
            }
        };
        match timeout_at(Instant::now() + CONFIRM_WAIT_MAX, moved).await {
            Ok(Ok(())) => self.acknowledge(incoming.receipt).await,
            // It stays unacknowledged, and comes again with the next connection.
            Ok(Err(error)) => tracing::warn!(error, "a foreign message could not be moved to the dead letters"),
            Err(_) => tracing::warn!("a foreign message could not be moved to the dead letters in time"),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> PortError {
    PortError::unavailable(BROKER, error)
}
