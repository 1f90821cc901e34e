//! What every cache must do, and what happens when its server does not.

use std::time::Duration;

use bytes::Bytes;
use refstack::adapters::embedded::cache::MemoryCache;
use refstack::adapters::redis_cache::RedisCache;
use refstack::ports::cache::Cache;

use crate::support::redis::RedisServer;

const LONG: Duration = Duration::from_hours(1);

async fn check(cache: &dyn Cache) {
    assert_eq!(cache.get("a").await, None);
    let bytes = Bytes::from_static(b"\x00\xff one");
    cache.put("a", bytes.clone(), LONG).await;
    assert_eq!(cache.get("a").await, Some(bytes));
    cache.put("a", Bytes::from_static(b"two"), LONG).await;
    cache.put("b", Bytes::new(), LONG).await;
    assert_eq!(cache.get("a").await, Some(Bytes::from_static(b"two")));
    assert_eq!(cache.get("b").await, Some(Bytes::new()));
    cache.put("short", Bytes::from_static(b"gone soon"), Duration::from_millis(1)).await;
    while cache.get("short").await.is_some() {
        tokio::task::yield_now().await;
    }
    assert!(cache.get("a").await.is_some());
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    check(&MemoryCache::new()).await;
}

#[tokio::test]
async fn redis_keeps_the_contract_and_is_missed_by_nobody() {
    let Some(mut server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    check(&cache).await;
    server.kill();
    assert_eq!(cache.get("a").await, None);
    cache.put("a", Bytes::from_static(b"three"), LONG).await;
    server.restart();
    // It comes back by itself, and knows nothing.
    while cache.get("a").await.is_none() {
        cache.put("a", Bytes::from_static(b"four"), LONG).await;
    }
    assert_eq!(cache.get("a").await, Some(Bytes::from_static(b"four")));
}
