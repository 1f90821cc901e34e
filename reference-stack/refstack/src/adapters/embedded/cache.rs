//! The cache in this process's memory.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use moka::Expiry;

use crate::ports::cache::Cache;

/// Bytes of keys and values that are kept.
const CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A bounded cache where each entry has its own time to live.
pub struct MemoryCache(moka::future::Cache<String, (Duration, Bytes)>);

impl MemoryCache {
    /// An empty cache.
    pub fn new() -> Self {
        let weigh =
            |key: &String, (_, value): &(Duration, Bytes)| u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX);
        Self(moka::future::Cache::builder().max_capacity(CACHE_BYTES_MAX).weigher(weigh).expire_after(OwnTime).build())
    }
}

impl Default for MemoryCache {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        self.0.get(key).await.map(|(_, value)| value)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        self.0.insert(key.to_owned(), (ttl, value)).await;
    }
}

struct OwnTime;

impl Expiry<String, (Duration, Bytes)> for OwnTime {
    fn expire_after_create(&self, _: &String, entry: &(Duration, Bytes), _: Instant) -> Option<Duration> {
        Some(entry.0)
    }
}
