//! The queue port on `PostgreSQL`.

use std::time::Duration;

use async_trait::async_trait;

use super::queue_sql;
use super::store::{PgStore, unavailable};
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::queue::{
    Claim, Delivery, Depth, Lease, Queue, QueueName, RATE_SECONDS, Retried, Retry, WAIT_MIN, by_partition, pause_until,
    per_second,
};

#[async_trait]
impl Queue for PgStore {
    async fn publish(&self, queue: QueueName, body: Vec<u8>) -> PortResult<()> {
        let mut transaction = self.begin().await?;
        let now = self.clock.now_ms();
        queue_sql::publish(&mut transaction, queue, (None, &body), now).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        self.bell.ring();
        Ok(())
    }

    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>> {
        let now = self.clock.now_ms();
        if !self.is_anything_due(claim.queue, now).await? {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        queue_sql::restore(&mut transaction, claim, now).await.map_err(unavailable)?;
        let taken = queue_sql::claim(&mut transaction, claim, now).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(taken)
    }

    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool> {
        let now = self.clock.now_ms();
        queue_sql::renew(&self.pool, lease, now + millis(time), now).await.map_err(unavailable)
    }

    async fn ack(&self, lease: &Lease) -> PortResult<bool> {
        queue_sql::ack(&self.pool, lease, self.clock.now_ms()).await.map_err(unavailable)
    }

    async fn nack(&self, lease: &Lease, retry: Retry) -> PortResult<Retried> {
        let retried = queue_sql::nack(&self.pool, lease, &retry, self.clock.now_ms()).await.map_err(unavailable)?;
        self.bell.ring();
        Ok(retried)
    }

    async fn release(&self, lease: &Lease) -> PortResult<bool> {
        let released = queue_sql::release(&self.pool, lease, self.clock.now_ms()).await.map_err(unavailable)?;
        self.bell.ring();
        Ok(released)
    }

    async fn depth(&self, queue: QueueName) -> PortResult<Depth> {
        let now = self.clock.now_ms();
        let counts: (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM msg WHERE queue = $1 AND state = 'ready' AND visible_at <= $2), \
             (SELECT COUNT(*) FROM msg WHERE queue = $1 AND state = 'ready' AND visible_at > $2), \
             (SELECT COUNT(*) FROM msg WHERE queue = $1 AND state = 'leased'), \
             (SELECT COUNT(*) FROM msg WHERE queue = $1 AND state = 'dead')",
        )
        .bind(queue)
        .bind(now)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(Depth::of(counts, self.rates(queue, now / 1000).await?))
    }

    async fn lag(&self, queue: QueueName, partitions: u32) -> PortResult<Vec<u64>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT id % $1 AS slot, COUNT(*) FROM msg WHERE queue = $2 AND state IN ('ready', 'leased') GROUP BY slot",
        )
        .bind(i64::from(partitions))
        .bind(queue)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(by_partition(rows, partitions))
    }

    async fn wait(&self, queue: QueueName) -> PortResult<()> {
        if self.bell.begins_to_listen() {
            // The claim before this call may have been too early to be told: ask once more.
            return Ok(());
        }
        let pause = self.until_next_due(queue).await?;
        tokio::select! {
            () = self.bell.heard() => {}
            () = tokio::time::sleep(pause.max(WAIT_MIN)) => {}
        }
        Ok(())
    }
}

impl PgStore {
    /// Looks without writing, so that an idle worker costs no commit.
    pub(super) async fn is_anything_due(&self, queue: QueueName, now: i64) -> PortResult<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM msg WHERE queue = $1 AND state = 'ready' AND visible_at <= $2) \
             OR EXISTS (SELECT 1 FROM msg WHERE queue = $1 AND state = 'leased' AND lease_until <= $2)",
        )
        .bind(queue)
        .bind(now)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)
    }

    async fn until_next_due(&self, queue: QueueName) -> PortResult<Duration> {
        let (ready, leased): (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT MIN(visible_at) FROM msg WHERE queue = $1 AND state = 'ready'), \
             (SELECT MIN(lease_until) FROM msg WHERE queue = $1 AND state = 'leased')",
        )
        .bind(queue)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(pause_until(ready.into_iter().chain(leased).min(), self.clock.now_ms()))
    }

    async fn rates(&self, queue: QueueName, second: i64) -> PortResult<(f64, f64)> {
        let (published, delivered): (i64, i64) = sqlx::query_as(
            "SELECT COALESCE(SUM(published), 0)::BIGINT, COALESCE(SUM(delivered), 0)::BIGINT FROM flow \
             WHERE queue = $1 AND second >= $2 AND second < $3",
        )
        .bind(queue)
        .bind(second - RATE_SECONDS)
        .bind(second)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok((per_second(published), per_second(delivered)))
    }
}
