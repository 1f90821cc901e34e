//! The message queue: at-least-once, leased, counted, with a dead-letter state.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::PortResult;

/// Queues are named in the program, never by a client.
pub type QueueName = &'static str;

/// Said of a message whose workers all died with it in hand.
pub(crate) const LEASE_RAN_OUT: &str = "the last allowed attempt ended without an answer from its worker";
/// A wait ends after this long whatever happened: a process killed between its commit and its call to the others has told nobody.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(5);
/// What is due and cannot be had is in somebody's hands; looking for it more often would only burn the processor.
pub(crate) const WAIT_MIN: Duration = Duration::from_millis(20);
/// Seconds over which the rates of [`Depth`] are taken.
pub(crate) const RATE_SECONDS: i64 = 5;

/// A wish for work.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// From which queue.
    pub queue: QueueName,
    /// At most this many messages.
    pub count: u32,
    /// How long each is ours unless renewed.
    pub lease: Duration,
    /// A message whose last allowed lease ran out unsettled goes to the dead letters instead of to us.
    pub attempts_max: u32,
}

/// The right to settle one delivery. It ends with its time, and every later use of it changes nothing.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The message.
    pub message: i64,
    /// Proves that this claim, and no later one, is speaking.
    pub token: String,
    /// The job it belongs to, if any.
    pub job: Option<Uuid>,
    /// Counted from 1; this one included.
    pub attempt: u32,
}

/// One message in hand.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The right to settle it.
    pub lease: Lease,
    /// What was published.
    pub body: Vec<u8>,
}

/// Put a message back to be tried later.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Not before this long from now.
    pub delay: Duration,
    /// With this many attempts used up, it is dead-lettered instead.
    pub attempts_max: u32,
    /// Why, as a sentence; kept with the dead letter.
    pub reason: String,
}

/// What became of a message put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It will be delivered again.
    Again,
    /// Its attempts are used up.
    DeadLettered,
    /// The lease was no longer ours; nothing changed.
    Stale,
}

/// Messages by state, and how fast they move.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Depth {
    /// Deliverable now.
    pub ready: u64,
    /// Waiting for the end of a delay.
    pub scheduled: u64,
    /// In somebody's hands.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// Messages published per second, over the last five full seconds.
    pub publish_rate: f64,
    /// Messages handed out per second, over the same seconds.
    pub deliver_rate: f64,
}

impl Retry {
    /// What becomes of the message that is put back under `lease`.
    pub(crate) fn outcome(&self, lease: &Lease) -> Retried {
        if lease.attempt >= self.attempts_max { Retried::DeadLettered } else { Retried::Again }
    }
}

impl Depth {
    /// From the counts of a store (ready, scheduled, leased, dead) and its rates (published, delivered).
    pub(crate) fn of(counts: (i64, i64, i64, i64), (publish_rate, deliver_rate): (f64, f64)) -> Self {
        Self {
            ready: count(counts.0),
            scheduled: count(counts.1),
            leased: count(counts.2),
            dead: count(counts.3),
            publish_rate,
            deliver_rate,
        }
    }
}

/// A durable queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Stores a message; returns when it is on disk.
    async fn publish(&self, queue: QueueName, body: Vec<u8>) -> PortResult<()>;

    /// Takes messages, oldest first. An empty answer is no error; [`Queue::wait`] tells when to ask again.
    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>>;

    /// Keeps a lease for another `lease` from now. False: it is no longer ours.
    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool>;

    /// Removes a finished message. False: the lease was no longer ours and nothing changed.
    async fn ack(&self, lease: &Lease) -> PortResult<bool>;

    /// Puts a message back after a failure.
    async fn nack(&self, lease: &Lease, retry: Retry) -> PortResult<Retried>;

    /// Puts a message back untried: the attempt does not count.
    async fn release(&self, lease: &Lease) -> PortResult<bool>;

    /// How many messages there are.
    async fn depth(&self, queue: QueueName) -> PortResult<Depth>;

    /// Messages not yet settled, by partition (`message id modulo partitions`).
    async fn lag(&self, queue: QueueName, partitions: u32) -> PortResult<Vec<u64>>;

    /// Returns when a claim may find something: at once on first use, then after a publish, a message put back, or the
    /// next end of a delay or lease. May return early, never never.
    async fn wait(&self, queue: QueueName) -> PortResult<()>;
}

/// How long a wait may last when the next message is due at `due_ms`.
pub(crate) fn pause_until(due_ms: Option<i64>, now_ms: i64) -> Duration {
    let pause = due_ms.map(|due| Duration::from_millis(u64::try_from(due - now_ms).unwrap_or(0)));
    pause.unwrap_or(WAIT_MAX).min(WAIT_MAX)
}

/// A count as SQL gives it.
pub(crate) fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

/// The messages of each partition, from the partitions that have any.
pub(crate) fn by_partition(rows: Vec<(i64, i64)>, partitions: u32) -> Vec<u64> {
    let mut lag = vec![0; partitions as usize];
    for (partition, messages) in rows {
        if let Some(entry) = usize::try_from(partition).ok().and_then(|partition| lag.get_mut(partition)) {
            *entry = count(messages);
        }
    }
    lag
}

/// The rate of `messages` counted over [`RATE_SECONDS`].
#[expect(clippy::cast_precision_loss, reason = "counts of messages in five seconds fit a float")]
pub(crate) fn per_second(messages: i64) -> f64 {
    messages as f64 / RATE_SECONDS as f64
}
