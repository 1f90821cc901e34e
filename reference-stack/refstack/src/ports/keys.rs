//! Idempotency keys: one request at a time holds a key, and an accepted job keeps it.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::PortResult;

/// What a request that brings a key finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The key is ours until the lease ends.
    Held,
    /// Another request is still running.
    InFlight,
    /// A job was accepted under it.
    Used {
        /// Digest of what was sent then.
        digest: String,
        /// The job.
        job: Uuid,
    },
}

/// The store of idempotency keys. `Jobs::accept` turns a held key into a used one in its own transaction.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Tries to hold `key` for `owner`.
    async fn reserve(&self, key: &str, owner: &str, lease: Duration) -> PortResult<Reserved>;

    /// Keeps a held key; false when it was lost.
    async fn renew(&self, key: &str, owner: &str, lease: Duration) -> PortResult<bool>;

    /// Gives a held key back; a used one stays.
    async fn release(&self, key: &str, owner: &str) -> PortResult<()>;
}
