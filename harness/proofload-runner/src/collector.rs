//! Reads how much work queues hold, as a stranger would: over the wire, from the addresses of the environment.

use std::time::Duration;

use proofload_core::environment::Queue;
use serde::Deserialize;

/// Longest wait for one reading.
const READING_TIMEOUT: Duration = Duration::from_secs(2);

/// A queue that can be read.
#[derive(Debug, Clone)]
pub(crate) struct WatchedQueue {
    /// Its name.
    pub(crate) name: String,
    /// Where and how it is read.
    pub(crate) kind: WatchedKind,
}

/// Where and how a queue is read.
#[derive(Debug, Clone)]
pub(crate) enum WatchedKind {
    /// RabbitMQ's management API.
    Rabbitmq(String),
    /// Lag of a Kafka group.
    KafkaLag(String),
}

/// What a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct QueueReading {
    /// Waiting for a consumer.
    pub(crate) ready: f64,
    /// Handed to a consumer and not yet settled.
    pub(crate) unacked: f64,
}

impl QueueReading {
    /// All work the queue shows.
    pub(crate) fn work(self) -> f64 {
        self.ready + self.unacked
    }
}

#[derive(Deserialize)]
struct RabbitmqFigures {
    messages_ready: f64,
    messages_unacknowledged: f64,
}

#[derive(Deserialize)]
struct LagFigures {
    total: f64,
}

impl WatchedQueue {
    /// Fills the address of a queue of the environment.
    pub(crate) fn new(
        name: &str,
        queue: &Queue,
        fill: &dyn Fn(&proofload_core::scenario::Template) -> Result<String, String>,
    ) -> Result<Self, String> {
        let kind = match queue {
            Queue::Rabbitmq(url) => WatchedKind::Rabbitmq(fill(url)?),
            Queue::KafkaLag(url) => WatchedKind::KafkaLag(fill(url)?),
        };
        Ok(Self { name: name.to_owned(), kind })
    }

    /// Reads the queue once.
    ///
    /// # Errors
    /// A sentence naming the address.
    pub(crate) async fn read(&self, http: &reqwest::Client) -> Result<QueueReading, String> {
        match &self.kind {
            WatchedKind::Rabbitmq(url) => {
                let figures: RabbitmqFigures = fetch(http, url).await?;
                Ok(QueueReading { ready: figures.messages_ready, unacked: figures.messages_unacknowledged })
            }
            WatchedKind::KafkaLag(url) => {
                let figures: LagFigures = fetch(http, url).await?;
                Ok(QueueReading { ready: figures.total, unacked: 0.0 })
            }
        }
    }
}

async fn fetch<T: serde::de::DeserializeOwned>(http: &reqwest::Client, url: &str) -> Result<T, String> {
    let answer = http
        .get(url)
        .timeout(READING_TIMEOUT)
        .send()
        .await
        .map_err(|error| format!("{url} could not be read: {}", error.without_url()))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("{url} answered {status}"));
    }
    answer.json().await.map_err(|error| format!("{url} answered something else: {}", error.without_url()))
}
