//! The record of jobs. Each call that changes a job and its message does both or neither.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::PortResult;
use super::queue::{Claim, Delivery, Lease, QueueName, Retried, Retry, count};

/// A used idempotency key answers for this long.
pub(crate) const KEY_KEPT: Duration = Duration::from_hours(24);
/// Counts of moved messages older than this feed no rate.
pub(crate) const FLOW_KEPT_SECONDS: i64 = 60;

/// Where a job stands. The last four are final: nothing leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobState {
    /// Accepted, on disk, waiting.
    Queued,
    /// Taken by a worker at least once.
    Running,
    /// Done, with a result.
    Succeeded,
    /// Refused for good by what it is about.
    Failed,
    /// Given up after the last attempt.
    DeadLettered,
    /// Taken back by its owner.
    Cancelled,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::DeadLettered, Self::Cancelled];

    /// The word used on the wire and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::DeadLettered => "dead-lettered",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing more can happen to the job.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// What a job is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// One medical image.
    Study,
    /// A batch of fish images.
    Batch,
}

impl JobKind {
    /// The word used in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::Batch => "batch",
        }
    }
}

/// A job to accept.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Chosen by the gateway.
    pub id: Uuid,
    /// What it is about.
    pub kind: JobKind,
    /// Which queue its message goes to.
    pub queue: QueueName,
    /// The message.
    pub body: Vec<u8>,
    /// Whose image, for studies.
    pub patient_id: Option<String>,
    /// Images in it.
    pub total: u32,
    /// The record is forgotten after this long.
    pub kept_for: Option<Duration>,
    /// The idempotency key held for it, and the digest of what was sent.
    pub hold: Option<HeldKey>,
}

/// An idempotency key that the accepting request holds.
#[derive(Clone, Debug)]
pub struct HeldKey {
    /// The key, made unique per caller.
    pub key: String,
    /// Proves that this request holds it.
    pub owner: String,
    /// Digest of what was sent.
    pub digest: String,
}

/// Whether a job was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Row and message are on disk.
    Stored,
    /// The idempotency key went to another request meanwhile; nothing was stored.
    KeyLost,
}

/// A job as recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: Uuid,
    /// Where it stands.
    pub state: JobState,
    /// Whose image, for studies.
    pub patient_id: Option<String>,
    /// Times a worker has taken it.
    pub attempts: u32,
    /// Images in it, done, and refused.
    pub total: u32,
    /// Images looked at, the refused ones included.
    pub done: u32,
    /// Images that could not be read.
    pub failed: u32,
    /// What came out: JSON for a study, an object key for a batch.
    pub result: Option<String>,
    /// Why it did not succeed, as a sentence.
    pub error: Option<String>,
    /// Milliseconds since 1970.
    pub created_at_ms: i64,
    /// Milliseconds since 1970.
    pub updated_at_ms: i64,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With a result.
    Succeeded {
        /// JSON for a study, an object key for a batch.
        result: String,
        /// Images looked at.
        done: u32,
        /// Images refused.
        failed: u32,
    },
    /// For good, with a sentence why.
    Failed {
        /// The sentence.
        error: String,
    },
}

/// An outcome as a store writes it into the row of a job.
pub(crate) struct Ending {
    pub(crate) state: JobState,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    /// Images looked at; none keeps what is there.
    pub(crate) done: Option<u32>,
    /// Images refused; none keeps what is there.
    pub(crate) failed: Option<u32>,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded { result, done, failed } => Self {
                state: JobState::Succeeded,
                result: Some(result),
                error: None,
                done: Some(done),
                failed: Some(failed),
            },
            Outcome::Failed { error } => {
                Self { state: JobState::Failed, result: None, error: Some(error), done: None, failed: None }
            }
        }
    }
}

/// What a wish to cancel met.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancelled {
    /// It is cancelled now.
    Now(Job),
    /// It had ended already.
    AlreadyFinal(JobState),
    /// There is no such job.
    Unknown,
}

/// The record of jobs.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Stores row and message; returns when both are on disk.
    async fn accept(&self, job: NewJob) -> PortResult<Accepted>;

    /// Looks a job up.
    async fn find(&self, kind: JobKind, id: Uuid) -> PortResult<Option<Job>>;

    /// Cancels a job that has not ended, and takes its message away.
    async fn cancel(&self, kind: JobKind, id: Uuid) -> PortResult<Cancelled>;

    /// Takes messages and marks their jobs running.
    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>>;

    /// Keeps a lease. False: the job was cancelled or is somebody else's by now.
    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool>;

    /// Records how far a running job has come.
    async fn progress(&self, lease: &Lease, done: u32, failed: u32) -> PortResult<bool>;

    /// Ends a job and removes its message. False: stale lease, nothing changed.
    async fn settle(&self, lease: &Lease, outcome: Outcome) -> PortResult<bool>;

    /// Puts a job's message back, or dead-letters both.
    async fn retry(&self, lease: &Lease, retry: Retry) -> PortResult<Retried>;

    /// Gives a job back untried.
    async fn release(&self, lease: &Lease) -> PortResult<bool>;

    /// Applies a success once more to a job that has ended. Only the defect `double-effect` calls it.
    async fn repeat_effect(&self, id: Uuid) -> PortResult<()>;

    /// Jobs by state.
    async fn count(&self) -> PortResult<Vec<(JobState, u64)>>;

    /// Forgets what is past its time.
    async fn sweep(&self) -> PortResult<()>;
}

/// Every state with its count, from the words and counts of a store.
pub(crate) fn by_state(rows: &[(String, i64)]) -> Vec<(JobState, u64)> {
    let jobs_in = |state: JobState| rows.iter().filter(|(word, _)| word == state.word()).map(|(_, jobs)| *jobs).sum();
    JobState::ALL.into_iter().map(|state| (state, count(jobs_in(state)))).collect()
}
