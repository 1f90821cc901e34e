//! A cache of small values. It may forget at any time, and nothing breaks when it does.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// A cache.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value, if it is still known.
    async fn get(&self, key: &str) -> Option<Bytes>;

    /// Remembers a value for at most `ttl`.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration);
}
