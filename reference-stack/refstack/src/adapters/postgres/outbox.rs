//! Where a broker carries the messages, the rows here are its outbox and its inbox: a row says what is still to be sent, and what
//! a delivery may still do. So the broker may lose, repeat or reorder, and nothing is lost or done twice.

use sqlx::postgres::PgConnection;
use sqlx::{Postgres, Row as _, Transaction};
use uuid::Uuid;

use super::store::{PgStore, unavailable};
use super::{jobs, queue_sql};
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::queue::{Claim, Delivery, QueueName};

/// A message that the broker has not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The number of its row.
    pub id: i64,
    /// The job it belongs to, if any.
    pub job: Option<Uuid>,
    /// What was published.
    pub body: Vec<u8>,
    /// Attempts used up so far.
    pub attempts: u32,
    /// Why it is a dead letter, if it is one.
    pub dead: Option<String>,
}

/// Messages that are locked while they are being sent.
pub(in crate::adapters) struct Sending {
    transaction: Transaction<'static, Postgres>,
    pub(in crate::adapters) messages: Vec<Unsent>,
}

impl Sending {
    /// Records that the broker has these, and unlocks the others.
    pub(in crate::adapters) async fn sent(mut self, ids: &[i64], now: i64) -> PortResult<()> {
        sqlx::query("UPDATE msg SET sent_at = $1 WHERE id = ANY($2)")
            .bind(now)
            .bind(ids)
            .execute(&mut *self.transaction)
            .await
            .map_err(unavailable)?;
        self.transaction.commit().await.map_err(unavailable)
    }
}

impl PgStore {
    /// Up to `count` messages that are due and that the broker does not have, oldest first, dead letters last; nobody else sends
    /// them meanwhile.
    pub(in crate::adapters) async fn unsent(&self, queue: QueueName, count: i64) -> PortResult<Sending> {
        let mut transaction = self.begin().await?;
        let rows = sqlx::query(
            "SELECT id, job, body, attempts, CASE WHEN state = 'dead' THEN COALESCE(error, '') END AS dead FROM msg \
             WHERE queue = $1 AND sent_at IS NULL AND state <> 'leased' AND (state = 'dead' OR visible_at <= $2) \
             ORDER BY state = 'dead', visible_at, id LIMIT $3 FOR UPDATE SKIP LOCKED",
        )
        .bind(queue)
        .bind(self.clock.now_ms())
        .bind(count)
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable)?;
        let messages = rows.iter().map(unsent_of).collect::<sqlx::Result<_>>().map_err(unavailable)?;
        Ok(Sending { transaction, messages })
    }

    /// Leases the messages with these ids. What is missing from the answer has been settled, is held by somebody, or will be sent
    /// again: its delivery is worth nothing.
    pub(in crate::adapters) async fn claim_delivered(&self, claim: Claim, ids: &[i64]) -> PortResult<Vec<Delivery>> {
        let now = self.clock.now_ms();
        let mut transaction = self.begin().await?;
        let taken = claim_ids(&mut transaction, claim, ids, now).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(taken)
    }

    /// Ends the leases that ran out; true if there were any, so that something is to be sent again.
    pub(in crate::adapters) async fn restore_late(&self, claim: Claim) -> PortResult<bool> {
        let now = self.clock.now_ms();
        let late: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM msg WHERE queue = $1 AND state = 'leased' AND lease_until <= $2)",
        )
        .bind(claim.queue)
        .bind(now)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        if late {
            let mut transaction = self.begin().await?;
            jobs::restore(&mut transaction, claim, now).await.map_err(unavailable)?;
            transaction.commit().await.map_err(unavailable)?;
        }
        Ok(late)
    }

    /// What was sent before `sent_before` (milliseconds) and waits is to be sent again: the broker has lost it.
    pub(in crate::adapters) async fn send_again(&self, queue: QueueName, sent_before: i64) -> PortResult<()> {
        sqlx::query("UPDATE msg SET sent_at = NULL WHERE queue = $1 AND sent_at < $2 AND state <> 'leased'")
            .bind(queue)
            .bind(sent_before)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(unavailable)
    }

    /// Whether a message that was sent before `sent_before` is still to be delivered.
    pub(in crate::adapters) async fn is_waiting_since(&self, queue: QueueName, sent_before: i64) -> PortResult<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM msg WHERE queue = $1 AND state = 'ready' AND sent_at < $2)")
            .bind(queue)
            .bind(sent_before)
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)
    }

    /// When the next message is to be sent or the next lease ends, in the milliseconds of the clock.
    pub(in crate::adapters) async fn next_due(&self, queue: QueueName) -> PortResult<Option<i64>> {
        let (unsent, leased): (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT MIN(visible_at) FROM msg WHERE queue = $1 AND sent_at IS NULL AND state <> 'leased'), \
             (SELECT MIN(lease_until) FROM msg WHERE queue = $1 AND state = 'leased')",
        )
        .bind(queue)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(unsent.into_iter().chain(leased).min())
    }
}

async fn claim_ids(connection: &mut PgConnection, claim: Claim, ids: &[i64], now: i64) -> sqlx::Result<Vec<Delivery>> {
    // A message may arrive before its sender has recorded that it was sent: wait for that, then look.
    sqlx::query("SELECT id FROM msg WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind(ids)
        .execute(&mut *connection)
        .await?;
    let token = Uuid::new_v4().simple().to_string();
    let rows = sqlx::query(
        "UPDATE msg SET state = 'leased', lease_token = $1, lease_until = $2, attempts = attempts + 1 \
         WHERE id = ANY($3) AND queue = $4 AND state = 'ready' AND sent_at IS NOT NULL \
         RETURNING id, job, attempts, body",
    )
    .bind(&token)
    .bind(now + millis(claim.lease))
    .bind(ids)
    .bind(claim.queue)
    .fetch_all(&mut *connection)
    .await?;
    let mut deliveries = rows.iter().map(|row| queue_sql::delivery(row, &token)).collect::<sqlx::Result<Vec<_>>>()?;
    deliveries.sort_by_key(|delivery| delivery.lease.message);
    if !deliveries.is_empty() {
        let delivered = i64::try_from(deliveries.len()).unwrap_or(i64::MAX);
        queue_sql::count_flow(connection, claim.queue, now, (0, delivered)).await?;
        jobs::mark_running(connection, &deliveries, now).await?;
    }
    Ok(deliveries)
}

fn unsent_of(row: &sqlx::postgres::PgRow) -> sqlx::Result<Unsent> {
    let job: Option<String> = row.try_get("job")?;
    let attempts: i32 = row.try_get("attempts")?;
    Ok(Unsent {
        id: row.try_get("id")?,
        job: job.and_then(|id| Uuid::parse_str(&id).ok()),
        body: row.try_get("body")?,
        attempts: u32::try_from(attempts).unwrap_or(0),
        dead: row.try_get("dead")?,
    })
}
