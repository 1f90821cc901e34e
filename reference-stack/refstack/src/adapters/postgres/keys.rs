//! Idempotency keys on `PostgreSQL`. A held key ends with its lease, so a killed gateway blocks nobody for long.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::store::{PgStore, unavailable};
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::keys::{Keys, Reserved};

#[async_trait]
impl Keys for PgStore {
    async fn reserve(&self, key: &str, owner: &str, lease: Duration) -> PortResult<Reserved> {
        let now = self.clock.now_ms();
        let done = sqlx::query(
            "INSERT INTO idempotency AS i (key, owner, lease_until, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (key) DO UPDATE SET owner = $2, lease_until = $3 WHERE i.job IS NULL AND i.lease_until <= $4",
        )
        .bind(key)
        .bind(owner)
        .bind(now + millis(lease))
        .bind(now)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        if done.rows_affected() == 1 {
            return Ok(Reserved::Held);
        }
        let found: Option<(Option<String>, Option<String>)> =
            sqlx::query_as("SELECT digest, job FROM idempotency WHERE key = $1")
                .bind(key)
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        // Given back or swept between the two statements: the next try may have it.
        let (digest, job) = found.unwrap_or_default();
        let job = job.and_then(|job| Uuid::parse_str(&job).ok());
        Ok(match digest.zip(job) {
            Some((digest, job)) => Reserved::Used { digest, job },
            None => Reserved::InFlight,
        })
    }

    async fn renew(&self, key: &str, owner: &str, lease: Duration) -> PortResult<bool> {
        let until = self.clock.now_ms() + millis(lease);
        let done = sqlx::query("UPDATE idempotency SET lease_until = $1 WHERE key = $2 AND owner = $3 AND job IS NULL")
            .bind(until)
            .bind(key)
            .bind(owner)
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn release(&self, key: &str, owner: &str) -> PortResult<()> {
        sqlx::query("DELETE FROM idempotency WHERE key = $1 AND owner = $2 AND job IS NULL")
            .bind(key)
            .bind(owner)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(unavailable)
    }
}
