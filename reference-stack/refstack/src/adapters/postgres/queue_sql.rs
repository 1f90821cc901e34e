//! The statements of the queue. `jobs` builds on the same ones.

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgExecutor, PgRow};
use uuid::Uuid;

use super::store::text;
use crate::clock::millis;
use crate::ports::queue::{Claim, Delivery, LEASE_RAN_OUT, Lease, QueueName, Retried, Retry};

pub(super) async fn publish(
    connection: &mut PgConnection,
    queue: QueueName,
    (job, body): (Option<&str>, &[u8]),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO msg (queue, job, body, visible_at) VALUES ($1, $2, $3, $4)")
        .bind(queue)
        .bind(job)
        .bind(body)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    count_flow(connection, queue, now, (1, 0)).await
}

/// Takes messages that no other transaction is taking.
pub(super) async fn claim(connection: &mut PgConnection, claim: Claim, now: i64) -> sqlx::Result<Vec<Delivery>> {
    let token = Uuid::new_v4().simple().to_string();
    // Materialized, because the planner might otherwise run the inner query more than once and lock more than it takes.
    let rows = sqlx::query(
        "WITH free AS MATERIALIZED (SELECT id FROM msg WHERE queue = $3 AND state = 'ready' AND visible_at <= $4 \
         ORDER BY visible_at, id LIMIT $5 FOR UPDATE SKIP LOCKED) \
         UPDATE msg SET state = 'leased', lease_token = $1, lease_until = $2, attempts = attempts + 1 FROM free \
         WHERE msg.id = free.id RETURNING msg.id, job, attempts, body",
    )
    .bind(&token)
    .bind(now + millis(claim.lease))
    .bind(claim.queue)
    .bind(now)
    .bind(i64::from(claim.count))
    .fetch_all(&mut *connection)
    .await?;
    let mut deliveries = rows.iter().map(|row| delivery(row, &token)).collect::<sqlx::Result<Vec<_>>>()?;
    deliveries.sort_by_key(|delivery| delivery.lease.message);
    let delivered = i64::try_from(deliveries.len()).unwrap_or(i64::MAX);
    if delivered > 0 {
        count_flow(connection, claim.queue, now, (0, delivered)).await?;
    }
    Ok(deliveries)
}

/// Leases that ran out go back to ready, or to the dead letters when no attempt is left; the jobs of the dead are returned.
pub(super) async fn restore(connection: &mut PgConnection, claim: Claim, now: i64) -> sqlx::Result<Vec<String>> {
    let jobs: Vec<Option<String>> = sqlx::query_scalar(
        "WITH late AS MATERIALIZED (SELECT id FROM msg WHERE queue = $1 AND state = 'leased' AND lease_until <= $2 \
         FOR UPDATE SKIP LOCKED), back AS ( \
         UPDATE msg SET visible_at = CASE WHEN attempts >= $3 THEN visible_at ELSE $2 END, \
         state = CASE WHEN attempts >= $3 THEN 'dead' ELSE 'ready' END, \
         error = CASE WHEN attempts >= $3 THEN $4 ELSE error END, lease_token = NULL, lease_until = NULL, \
         sent_at = NULL FROM late \
         WHERE msg.id = late.id RETURNING job, state) SELECT job FROM back WHERE state = 'dead'",
    )
    .bind(claim.queue)
    .bind(now)
    .bind(attempts(claim.attempts_max))
    .bind(LEASE_RAN_OUT)
    .fetch_all(connection)
    .await?;
    Ok(jobs.into_iter().flatten().collect())
}

/// Whether the lease still gives the right to write; the message is locked until the transaction ends.
pub(super) async fn holds(connection: &mut PgConnection, lease: &Lease, now: i64) -> sqlx::Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT id FROM msg WHERE id = $1 AND lease_token = $2 AND lease_until > $3 FOR UPDATE")
            .bind(lease.message)
            .bind(&lease.token)
            .bind(now)
            .fetch_optional(connection)
            .await?;
    Ok(found.is_some())
}

pub(super) async fn renew(executor: impl PgExecutor<'_>, lease: &Lease, until: i64, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE msg SET lease_until = $1 WHERE id = $2 AND lease_token = $3 AND lease_until > $4")
        .bind(until)
        .bind(lease.message)
        .bind(&lease.token)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn ack(executor: impl PgExecutor<'_>, lease: &Lease, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM msg WHERE id = $1 AND lease_token = $2 AND lease_until > $3")
        .bind(lease.message)
        .bind(&lease.token)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn nack(
    executor: impl PgExecutor<'_>,
    lease: &Lease,
    retry: &Retry,
    now: i64,
) -> sqlx::Result<Retried> {
    let outcome = retry.outcome(lease);
    let state = if outcome == Retried::DeadLettered { "dead" } else { "ready" };
    let done = sqlx::query(
        "UPDATE msg SET state = $1, visible_at = $2, error = $3, lease_token = NULL, lease_until = NULL, sent_at = NULL \
         WHERE id = $4 AND lease_token = $5 AND lease_until > $6",
    )
    .bind(state)
    .bind(now + millis(retry.delay))
    .bind(text(&retry.reason))
    .bind(lease.message)
    .bind(&lease.token)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(if done.rows_affected() == 1 { outcome } else { Retried::Stale })
}

pub(super) async fn release(executor: impl PgExecutor<'_>, lease: &Lease, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE msg SET state = 'ready', visible_at = $1, attempts = attempts - 1, lease_token = NULL, \
         lease_until = NULL, sent_at = NULL WHERE id = $2 AND lease_token = $3 AND lease_until > $1",
    )
    .bind(now)
    .bind(lease.message)
    .bind(&lease.token)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) fn delivery(row: &PgRow, token: &str) -> sqlx::Result<Delivery> {
    let job: Option<String> = row.try_get("job")?;
    let attempts: i32 = row.try_get("attempts")?;
    let lease = Lease {
        message: row.try_get("id")?,
        token: token.to_owned(),
        job: job.and_then(|id| Uuid::parse_str(&id).ok()),
        attempt: u32::try_from(attempts).unwrap_or(0),
    };
    Ok(Delivery { lease, body: row.try_get("body")? })
}

pub(super) async fn count_flow(
    connection: &mut PgConnection,
    queue: QueueName,
    now: i64,
    (published, delivered): (i64, i64),
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO flow AS f (queue, second, backend, published, delivered) VALUES ($1, $2, pg_backend_pid(), $3, $4) \
         ON CONFLICT (queue, second, backend) \
         DO UPDATE SET published = f.published + excluded.published, delivered = f.delivered + excluded.delivered",
    )
    .bind(queue)
    .bind(now / 1000)
    .bind(published)
    .bind(delivered)
    .execute(connection)
    .await
    .map(drop)
}

fn attempts(limit: u32) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}
