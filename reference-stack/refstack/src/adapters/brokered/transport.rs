//! What a broker must be able to do.

use async_trait::async_trait;

use crate::adapters::postgres::Unsent;
use crate::ports::queue::QueueName;
use crate::ports::{PortError, PortResult};

/// A delivery.
pub struct Incoming<R> {
    /// The number of the message's row; none if somebody else published it.
    pub(in crate::adapters) message: Option<i64>,
    /// What was published.
    pub(in crate::adapters) body: Vec<u8>,
    /// To acknowledge it by.
    pub(in crate::adapters) receipt: R,
}

/// What became of messages that were published.
#[derive(Debug, Default)]
pub struct Published {
    /// Those that the broker has.
    pub(in crate::adapters) confirmed: Vec<i64>,
    /// Why it may not have the others.
    pub(in crate::adapters) failure: Option<PortError>,
}

impl Published {
    /// Nothing was.
    pub(in crate::adapters) fn nothing(failure: PortError) -> Self {
        Self { confirmed: Vec::new(), failure: Some(failure) }
    }
}

/// A broker.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// What acknowledges one delivery.
    type Receipt: Send + 'static;

    /// Whether a broker is there and takes messages.
    fn is_ready(&self) -> bool;

    /// Returns when [`Transport::is_ready`] may have changed since the last return.
    async fn changed(&self);

    /// Publishes messages, the dead ones to the dead letters; returns when the broker has said of each whether it is on disk, or a few
    /// seconds have passed.
    async fn publish(&self, queue: QueueName, messages: &[Unsent]) -> Published;

    /// Up to `count` deliveries that are here already.
    async fn take(&self, count: usize) -> Vec<Incoming<Self::Receipt>>;

    /// Returns when there may be a delivery to take.
    async fn arrived(&self);

    /// The delivery is done with. A failure is for the log: the broker will deliver it again.
    async fn acknowledge(&self, receipt: Self::Receipt);

    /// The delivery is none of ours: it goes to the dead letters as it is, and is acknowledged once it is there.
    async fn refuse(&self, incoming: Incoming<Self::Receipt>);

    /// The deliveries could not be looked at; the next to take shall have them.
    async fn put_back(&self, deliveries: Vec<Incoming<Self::Receipt>>);

    /// Whether nothing waits at the broker to be delivered.
    async fn is_drained(&self, queue: QueueName) -> PortResult<bool>;
}
