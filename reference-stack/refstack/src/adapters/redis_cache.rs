//! The cache in Redis, shared by all gateways. A server that is slow or gone costs a moment and an answer, never an error.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::clock::millis;
use crate::ports::cache::Cache;
use crate::ports::{PortError, PortResult};

/// Keys of ours among those of others.
const PREFIX: &str = "refstack:";
/// Asking a cache longer than this costs more than it saves.
const ANSWER_WAIT_MAX: Duration = Duration::from_millis(250);
/// A server that does not answer is asked again no sooner than this.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);

/// A cache on a Redis server.
pub struct RedisCache(ConnectionManager);

impl RedisCache {
    /// Names the server; it is connected to when it is first needed, and again whenever the connection was lost.
    pub fn new(url: &str) -> PortResult<Self> {
        let unavailable = |error| PortError::unavailable("the cache", error);
        let client = redis::Client::open(url).map_err(unavailable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(ANSWER_WAIT_MAX))
            .set_response_timeout(Some(ANSWER_WAIT_MAX))
            .set_min_delay(RECONNECT_PAUSE)
            .set_max_delay(RECONNECT_PAUSE_MAX);
        ConnectionManager::new_lazy_with_config(client, config).map(Self).map_err(unavailable)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        let mut connection = self.0.clone();
        // Reconnecting waits between its tries; a request does not wait for that.
        match tokio::time::timeout(ANSWER_WAIT_MAX, command.query_async(&mut connection)).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the cache does not help");
                None
            }
            Err(_) => {
                tracing::warn!("the cache does not answer");
                None
            }
        }
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let found: Option<Vec<u8>> = self.ask(redis::cmd("GET").arg(format!("{PREFIX}{key}"))).await?;
        found.map(Bytes::from)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let mut command = redis::cmd("SET");
        command.arg(format!("{PREFIX}{key}")).arg(&value[..]).arg("PX").arg(millis(ttl).max(1));
        // A value that was not kept is computed again.
        let _: Option<()> = self.ask(&command).await;
    }
}
