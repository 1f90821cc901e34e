//! The queue port on `SQLite`.

use std::time::Duration;

use async_trait::async_trait;

use super::queue_sql;
use super::store::{Store, unavailable};
use super::writer::Then;
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::queue::{
    Claim, Delivery, Depth, Lease, Queue, QueueName, RATE_SECONDS, Retried, Retry, by_partition, pause_until,
    per_second,
};
use crate::wake::Waiter;

#[async_trait]
impl Queue for Store {
    async fn publish(&self, queue: QueueName, body: Vec<u8>) -> PortResult<()> {
        let now = self.clock.now_ms();
        self.writer
            .write(Then::WakeWorkers, move |c| {
                Box::pin(async move { queue_sql::publish(c, queue, (None, &body), now).await })
            })
            .await
    }

    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>> {
        if !self.is_anything_due(claim.queue).await? {
            return Ok(Vec::new());
        }
        let now = self.clock.now_ms();
        let taken = self.writer.write(Then::Quiet, move |c| Box::pin(queue_sql::claim(c, claim, now))).await?;
        Ok(taken.0)
    }

    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        let until = now + millis(time);
        self.writer
            .write(Then::Quiet, move |c| Box::pin(async move { queue_sql::renew(c, &lease, until, now).await }))
            .await
    }

    async fn ack(&self, lease: &Lease) -> PortResult<bool> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        self.writer.write(Then::Quiet, move |c| Box::pin(async move { queue_sql::ack(c, &lease, now).await })).await
    }

    async fn nack(&self, lease: &Lease, retry: Retry) -> PortResult<Retried> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        self.writer
            .write(Then::WakeWorkers, move |c| Box::pin(async move { queue_sql::nack(c, &lease, &retry, now).await }))
            .await
    }

    async fn release(&self, lease: &Lease) -> PortResult<bool> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        self.writer
            .write(Then::WakeWorkers, move |c| Box::pin(async move { queue_sql::release(c, &lease, now).await }))
            .await
    }

    async fn depth(&self, queue: QueueName) -> PortResult<Depth> {
        let now = self.clock.now_ms();
        let counts: (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM msg WHERE queue = ?1 AND state = 'ready' AND visible_at <= ?2), \
             (SELECT COUNT(*) FROM msg WHERE queue = ?1 AND state = 'ready' AND visible_at > ?2), \
             (SELECT COUNT(*) FROM msg WHERE queue = ?1 AND state = 'leased'), \
             (SELECT COUNT(*) FROM msg WHERE queue = ?1 AND state = 'dead')",
        )
        .bind(queue)
        .bind(now)
        .fetch_one(&self.reads)
        .await
        .map_err(unavailable)?;
        Ok(Depth::of(counts, self.rates(queue, now / 1000).await?))
    }

    async fn lag(&self, queue: QueueName, partitions: u32) -> PortResult<Vec<u64>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT id % ?1 AS slot, COUNT(*) FROM msg WHERE queue = ?2 AND state IN ('ready', 'leased') GROUP BY slot",
        )
        .bind(partitions)
        .bind(queue)
        .fetch_all(&self.reads)
        .await
        .map_err(unavailable)?;
        Ok(by_partition(rows, partitions))
    }

    async fn wait(&self, queue: QueueName) -> PortResult<()> {
        if !self.waiter.initialized() {
            // The claim before this call may have been too early to be woken for: ask once more, now that we can be.
            self.waiter.get_or_try_init(|| async { Waiter::open(&self.wake) }).await.map_err(unavailable)?;
            return Ok(());
        }
        let waiter = self.waiter.get().expect("opened above");
        let pause = self.until_next_due(queue).await?;
        tokio::select! {
            () = waiter.woken() => {}
            () = tokio::time::sleep(pause) => {}
        }
        Ok(())
    }
}

impl Store {
    /// Looks without writing, so that an idle worker costs no commit.
    pub(super) async fn is_anything_due(&self, queue: QueueName) -> PortResult<bool> {
        let found: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM msg WHERE queue = ?1 AND state = 'ready' AND visible_at <= ?2) \
             OR EXISTS (SELECT 1 FROM msg WHERE queue = ?1 AND state = 'leased' AND lease_until <= ?2)",
        )
        .bind(queue)
        .bind(self.clock.now_ms())
        .fetch_one(&self.reads)
        .await
        .map_err(unavailable)?;
        Ok(found)
    }

    async fn until_next_due(&self, queue: QueueName) -> PortResult<Duration> {
        let (ready, leased): (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT MIN(visible_at) FROM msg WHERE queue = ?1 AND state = 'ready'), \
             (SELECT MIN(lease_until) FROM msg WHERE queue = ?1 AND state = 'leased')",
        )
        .bind(queue)
        .fetch_one(&self.reads)
        .await
        .map_err(unavailable)?;
        Ok(pause_until(ready.into_iter().chain(leased).min(), self.clock.now_ms()))
    }

    async fn rates(&self, queue: QueueName, second: i64) -> PortResult<(f64, f64)> {
        let (published, delivered): (i64, i64) = sqlx::query_as(
            "SELECT COALESCE(SUM(published), 0), COALESCE(SUM(delivered), 0) FROM flow WHERE queue = ? AND second >= ? AND second < ?",
        )
        .bind(queue)
        .bind(second - RATE_SECONDS)
        .bind(second)
        .fetch_one(&self.reads)
        .await
        .map_err(unavailable)?;
        Ok((per_second(published), per_second(delivered)))
    }
}
