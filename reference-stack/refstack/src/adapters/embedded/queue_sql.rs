//! The statements of the queue, each run inside the writer's transaction. `jobs` builds on the same ones.

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use uuid::Uuid;

use crate::clock::millis;
use crate::ports::queue::{Claim, Delivery, LEASE_RAN_OUT, Lease, QueueName, Retried, Retry};

/// A message that has just become a dead letter.
pub(super) struct Dead {
    pub(super) job: Option<String>,
    pub(super) error: String,
}

pub(super) async fn publish(
    connection: &mut SqliteConnection,
    queue: QueueName,
    (job, body): (Option<&str>, &[u8]),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO msg (queue, job, body, visible_at) VALUES (?, ?, ?, ?)")
        .bind(queue)
        .bind(job)
        .bind(body)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    count_flow(connection, queue, now, (1, 0)).await
}

/// Takes messages. Before that, leases that ran out go back to ready, or to the dead letters when no attempt is left.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: Claim,
    now: i64,
) -> sqlx::Result<(Vec<Delivery>, Vec<Dead>)> {
    let dead = restore(connection, claim, now).await?;
    let token = Uuid::new_v4().simple().to_string();
    let rows = sqlx::query(
        "UPDATE msg SET state = 'leased', lease_token = ?, lease_until = ?, attempts = attempts + 1 WHERE id IN \
         (SELECT id FROM msg WHERE queue = ? AND state = 'ready' AND visible_at <= ? ORDER BY visible_at, id LIMIT ?) \
         RETURNING id, job, attempts, body",
    )
    .bind(&token)
    .bind(now + millis(claim.lease))
    .bind(claim.queue)
    .bind(now)
    .bind(claim.count)
    .fetch_all(&mut *connection)
    .await?;
    let mut deliveries = rows.iter().map(|row| delivery(row, &token)).collect::<sqlx::Result<Vec<_>>>()?;
    deliveries.sort_by_key(|delivery| delivery.lease.message);
    let delivered = i64::try_from(deliveries.len()).unwrap_or(i64::MAX);
    if delivered > 0 {
        count_flow(connection, claim.queue, now, (0, delivered)).await?;
    }
    Ok((deliveries, dead))
}

fn delivery(row: &SqliteRow, token: &str) -> sqlx::Result<Delivery> {
    let job: Option<String> = row.try_get("job")?;
    let lease = Lease {
        message: row.try_get("id")?,
        token: token.to_owned(),
        job: job.and_then(|id| Uuid::parse_str(&id).ok()),
        attempt: row.try_get("attempts")?,
    };
    Ok(Delivery { lease, body: row.try_get("body")? })
}

async fn restore(connection: &mut SqliteConnection, claim: Claim, now: i64) -> sqlx::Result<Vec<Dead>> {
    let jobs: Vec<Option<String>> = sqlx::query_scalar(
        "UPDATE msg SET state = 'dead', lease_token = NULL, lease_until = NULL, error = ? \
         WHERE queue = ? AND state = 'leased' AND lease_until <= ? AND attempts >= ? RETURNING job",
    )
    .bind(LEASE_RAN_OUT)
    .bind(claim.queue)
    .bind(now)
    .bind(claim.attempts_max)
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE msg SET state = 'ready', visible_at = ?1, lease_token = NULL, lease_until = NULL \
         WHERE queue = ?2 AND state = 'leased' AND lease_until <= ?1",
    )
    .bind(now)
    .bind(claim.queue)
    .execute(connection)
    .await?;
    Ok(jobs.into_iter().map(|job| Dead { job, error: LEASE_RAN_OUT.to_owned() }).collect())
}

/// Whether the lease still gives the right to write.
pub(super) async fn holds(connection: &mut SqliteConnection, lease: &Lease, now: i64) -> sqlx::Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT id FROM msg WHERE id = ? AND lease_token = ? AND lease_until > ?")
            .bind(lease.message)
            .bind(&lease.token)
            .bind(now)
            .fetch_optional(connection)
            .await?;
    Ok(found.is_some())
}

pub(super) async fn renew(
    connection: &mut SqliteConnection,
    lease: &Lease,
    until: i64,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE msg SET lease_until = ? WHERE id = ? AND lease_token = ? AND lease_until > ?")
        .bind(until)
        .bind(lease.message)
        .bind(&lease.token)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn ack(connection: &mut SqliteConnection, lease: &Lease, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM msg WHERE id = ? AND lease_token = ? AND lease_until > ?")
        .bind(lease.message)
        .bind(&lease.token)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn nack(
    connection: &mut SqliteConnection,
    lease: &Lease,
    retry: &Retry,
    now: i64,
) -> sqlx::Result<Retried> {
    if !holds(connection, lease, now).await? {
        return Ok(Retried::Stale);
    }
    let outcome = retry.outcome(lease);
    let state = if outcome == Retried::DeadLettered { "dead" } else { "ready" };
    sqlx::query(
        "UPDATE msg SET state = ?, visible_at = ?, error = ?, lease_token = NULL, lease_until = NULL WHERE id = ?",
    )
    .bind(state)
    .bind(now + millis(retry.delay))
    .bind(&retry.reason)
    .bind(lease.message)
    .execute(connection)
    .await?;
    Ok(outcome)
}

pub(super) async fn release(connection: &mut SqliteConnection, lease: &Lease, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE msg SET state = 'ready', visible_at = ?1, attempts = attempts - 1, lease_token = NULL, \
         lease_until = NULL WHERE id = ?2 AND lease_token = ?3 AND lease_until > ?1",
    )
    .bind(now)
    .bind(lease.message)
    .bind(&lease.token)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn count_flow(
    connection: &mut SqliteConnection,
    queue: QueueName,
    now: i64,
    (published, delivered): (i64, i64),
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO flow (queue, second, published, delivered) VALUES (?, ?, ?, ?) ON CONFLICT (queue, second) \
         DO UPDATE SET published = published + excluded.published, delivered = delivered + excluded.delivered",
    )
    .bind(queue)
    .bind(now / 1000)
    .bind(published)
    .bind(delivered)
    .execute(connection)
    .await
    .map(drop)
}
