//! Reads how much work queues hold, as a stranger would: over the wire, from the addresses of the environment.

use std::time::Duration;

use proofload_core::environment::Queue;
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::MissedTickBehavior;

use crate::clock::RunClock;

/// Longest wait for one reading.
const READING_TIMEOUT: Duration = Duration::from_secs(2);
/// How often queues are read for the record.
const COLLECT_EVERY: Duration = Duration::from_millis(500);

/// A queue that can be read.
#[derive(Debug, Clone)]
pub(crate) struct WatchedQueue {
    /// The system it belongs to.
    pub(crate) system: String,
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
        (system, name): (&str, &str),
        queue: &Queue,
        fill: &dyn Fn(&proofload_core::scenario::Template) -> Result<String, String>,
    ) -> Result<Self, String> {
        let kind = match queue {
            Queue::Rabbitmq(url) => WatchedKind::Rabbitmq(fill(url)?),
            Queue::KafkaLag(url) => WatchedKind::KafkaLag(fill(url)?),
        };
        Ok(Self { system: system.to_owned(), name: name.to_owned(), kind })
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

/// Readings of all queues at one moment.
#[derive(Debug)]
pub(crate) struct Readings {
    /// Milliseconds from the start of the run.
    pub(crate) at_ms: u64,
    /// One per queue, in the order of the queues; `None` where it could not be read.
    pub(crate) values: Vec<Option<QueueReading>>,
}

/// Reads all queues again and again, in a task of its own so that a slow answer holds nothing up. Ends when nobody
/// listens any more.
pub(crate) async fn collect(
    queues: Vec<WatchedQueue>,
    http: reqwest::Client,
    clock: RunClock,
    tell: UnboundedSender<Readings>,
) {
    let mut ticks = tokio::time::interval(COLLECT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let at_ms = clock.now_ns() / 1_000_000;
        let values = futures::future::join_all(queues.iter().map(|queue| queue.read(&http))).await;
        let readings = Readings { at_ms, values: values.into_iter().map(Result::ok).collect() };
        if tell.send(readings).is_err() {
            return;
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
