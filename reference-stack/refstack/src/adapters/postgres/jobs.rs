//! The record of jobs on `PostgreSQL`. Row and message share a database, so each call is one transaction.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgExecutor, PgRow};
use uuid::Uuid;

use super::queue_sql;
use super::store::{PgStore, text, unavailable};
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::jobs::{
    Accepted, Cancelled, Ending, FLOW_KEPT_SECONDS, HeldKey, Job, JobKind, JobState, Jobs, KEY_KEPT, NewJob, Outcome,
    by_state,
};
use crate::ports::queue::{Claim, Delivery, LEASE_RAN_OUT, Lease, Queue, Retried, Retry};

const FIND: &str = "SELECT id, state, patient_id, attempts, total, done, failed, result, error, created_at, updated_at \
                    FROM job WHERE id = $1 AND kind = $2 AND (expires_at IS NULL OR expires_at > $3)";
/// One process at a time sweeps (key of an advisory lock).
const SWEEPING: i64 = 0x7265_6673_7765;

#[async_trait]
impl Jobs for PgStore {
    async fn accept(&self, job: NewJob) -> PortResult<Accepted> {
        let mut transaction = self.begin().await?;
        let accepted = accept(&mut transaction, &job, self.clock.now_ms()).await.map_err(unavailable)?;
        if accepted == Accepted::Stored {
            transaction.commit().await.map_err(unavailable)?;
            self.bell.ring();
        }
        Ok(accepted)
    }

    async fn find(&self, kind: JobKind, id: Uuid) -> PortResult<Option<Job>> {
        find(&self.pool, kind, id, self.clock.now_ms()).await.map_err(unavailable)
    }

    async fn cancel(&self, kind: JobKind, id: Uuid) -> PortResult<Cancelled> {
        let mut transaction = self.begin().await?;
        let cancelled = cancel(&mut transaction, kind, id, self.clock.now_ms()).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(cancelled)
    }

    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>> {
        let now = self.clock.now_ms();
        if !self.is_anything_due(claim.queue, now).await? {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        let taken = claim_jobs(&mut transaction, claim, now).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(taken)
    }

    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool> {
        Queue::renew(self, lease, time).await
    }

    async fn progress(&self, lease: &Lease, done: u32, failed: u32) -> PortResult<bool> {
        let now = self.clock.now_ms();
        let mut transaction = self.begin().await?;
        if !queue_sql::holds(&mut transaction, lease, now).await.map_err(unavailable)? {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE job SET done = GREATEST(done, $1), failed = GREATEST(failed, $2), updated_at = $3 WHERE id = $4",
        )
        .bind(int(done))
        .bind(int(failed))
        .bind(now)
        .bind(job_text(lease))
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn settle(&self, lease: &Lease, outcome: Outcome) -> PortResult<bool> {
        let mut transaction = self.begin().await?;
        let settled = settle(&mut transaction, lease, outcome, self.clock.now_ms()).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(settled)
    }

    async fn retry(&self, lease: &Lease, retry: Retry) -> PortResult<Retried> {
        let now = self.clock.now_ms();
        let mut transaction = self.begin().await?;
        let retried = queue_sql::nack(&mut *transaction, lease, &retry, now).await.map_err(unavailable)?;
        if retried == Retried::DeadLettered {
            let jobs: Vec<String> = job_text(lease).into_iter().collect();
            bury(&mut transaction, &jobs, &retry.reason, now).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        self.bell.ring();
        Ok(retried)
    }

    async fn release(&self, lease: &Lease) -> PortResult<bool> {
        Queue::release(self, lease).await
    }

    async fn repeat_effect(&self, id: Uuid) -> PortResult<()> {
        sqlx::query("UPDATE job SET attempts = attempts + 1, done = done * 2, updated_at = $1 WHERE id = $2")
            .bind(self.clock.now_ms())
            .bind(id.to_string())
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(unavailable)
    }

    async fn count(&self) -> PortResult<Vec<(JobState, u64)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT state, SUM(jobs)::BIGINT FROM job_count GROUP BY state")
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(by_state(&rows))
    }

    async fn sweep(&self) -> PortResult<()> {
        let mut transaction = self.begin().await?;
        if sweep(&mut transaction, self.clock.now_ms()).await.map_err(unavailable)? {
            transaction.commit().await.map_err(unavailable)?;
        }
        Ok(())
    }
}

async fn accept(connection: &mut PgConnection, job: &NewJob, now: i64) -> sqlx::Result<Accepted> {
    let id = job.id.to_string();
    if let Some(hold) = &job.hold
        && !use_key(connection, hold, &id).await?
    {
        return Ok(Accepted::KeyLost);
    }
    sqlx::query(
        "INSERT INTO job (id, kind, state, patient_id, total, created_at, updated_at, expires_at) \
         VALUES ($1, $2, 'queued', $3, $4, $5, $5, $6)",
    )
    .bind(&id)
    .bind(job.kind.word())
    .bind(&job.patient_id)
    .bind(int(job.total))
    .bind(now)
    .bind(job.kept_for.map(|time| now + millis(time)))
    .execute(&mut *connection)
    .await?;
    queue_sql::publish(connection, job.queue, (Some(&id), &job.body), now).await?;
    Ok(Accepted::Stored)
}

async fn use_key(connection: &mut PgConnection, hold: &HeldKey, job: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE idempotency SET digest = $1, job = $2 WHERE key = $3 AND owner = $4 AND job IS NULL")
            .bind(&hold.digest)
            .bind(job)
            .bind(&hold.key)
            .bind(&hold.owner)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

async fn find(executor: impl PgExecutor<'_>, kind: JobKind, id: Uuid, now: i64) -> sqlx::Result<Option<Job>> {
    let row = sqlx::query(FIND).bind(id.to_string()).bind(kind.word()).bind(now).fetch_optional(executor).await?;
    row.as_ref().map(job_of).transpose()
}

async fn cancel(connection: &mut PgConnection, kind: JobKind, id: Uuid, now: i64) -> sqlx::Result<Cancelled> {
    let text = id.to_string();
    // The message first, as everybody does. A job whose message is being settled has ended once this returns.
    sqlx::query("SELECT id FROM msg WHERE job = $1 FOR UPDATE").bind(&text).execute(&mut *connection).await?;
    let Some(mut job) = find(&mut *connection, kind, id, now).await? else { return Ok(Cancelled::Unknown) };
    if job.state.is_final() {
        return Ok(Cancelled::AlreadyFinal(job.state));
    }
    sqlx::query("UPDATE job SET state = 'cancelled', updated_at = $1 WHERE id = $2")
        .bind(now)
        .bind(&text)
        .execute(&mut *connection)
        .await?;
    // Without its message no worker can settle it any more, whatever lease it holds.
    sqlx::query("DELETE FROM msg WHERE job = $1").bind(&text).execute(connection).await?;
    job.state = JobState::Cancelled;
    job.updated_at_ms = now;
    Ok(Cancelled::Now(job))
}

async fn claim_jobs(connection: &mut PgConnection, claim: Claim, now: i64) -> sqlx::Result<Vec<Delivery>> {
    restore(connection, claim, now).await?;
    let taken = queue_sql::claim(connection, claim, now).await?;
    mark_running(connection, &taken, now).await?;
    Ok(taken)
}

/// Ends the leases that ran out, and the jobs whose last attempt was among them.
pub(super) async fn restore(connection: &mut PgConnection, claim: Claim, now: i64) -> sqlx::Result<()> {
    let dead = queue_sql::restore(connection, claim, now).await?;
    bury(connection, &dead, LEASE_RAN_OUT, now).await
}

pub(super) async fn mark_running(connection: &mut PgConnection, taken: &[Delivery], now: i64) -> sqlx::Result<()> {
    let (jobs, attempts): (Vec<String>, Vec<i32>) =
        taken.iter().filter_map(|delivery| Some((job_text(&delivery.lease)?, int(delivery.lease.attempt)))).unzip();
    sqlx::query(
        "UPDATE job SET state = 'running', attempts = taken.attempt, updated_at = $3 \
         FROM UNNEST($1::TEXT[], $2::INTEGER[]) AS taken (job, attempt) \
         WHERE job.id = taken.job AND state IN ('queued', 'running')",
    )
    .bind(jobs)
    .bind(attempts)
    .bind(now)
    .execute(connection)
    .await
    .map(drop)
}

async fn settle(connection: &mut PgConnection, lease: &Lease, outcome: Outcome, now: i64) -> sqlx::Result<bool> {
    if !queue_sql::ack(&mut *connection, lease, now).await? {
        return Ok(false);
    }
    let Ending { state, result, error, done, failed } = outcome.into();
    sqlx::query(
        "UPDATE job SET state = $1, result = $2, error = $3, done = COALESCE($4, done), failed = COALESCE($5, failed), \
         updated_at = $6 WHERE id = $7 AND state IN ('queued', 'running')",
    )
    .bind(state.word())
    .bind(result)
    .bind(error.as_deref().map(text))
    .bind(done.map(int))
    .bind(failed.map(int))
    .bind(now)
    .bind(job_text(lease))
    .execute(connection)
    .await
    .map(|_| true)
}

async fn bury(connection: &mut PgConnection, jobs: &[String], error: &str, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE job SET state = 'dead-lettered', error = $1, updated_at = $2 \
         WHERE id = ANY($3) AND state IN ('queued', 'running')",
    )
    .bind(text(error))
    .bind(now)
    .bind(jobs)
    .execute(connection)
    .await
    .map(drop)
}

/// Forgets what is past its time. False: another process is at it.
async fn sweep(connection: &mut PgConnection, now: i64) -> sqlx::Result<bool> {
    let ours: bool =
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(SWEEPING).fetch_one(&mut *connection).await?;
    if !ours {
        return Ok(false);
    }
    sqlx::query("DELETE FROM msg WHERE job IN (SELECT id FROM job WHERE expires_at <= $1)")
        .bind(now)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM job WHERE expires_at <= $1").bind(now).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM idempotency WHERE (job IS NULL AND lease_until <= $1) OR created_at <= $2")
        .bind(now)
        .bind(now - millis(KEY_KEPT))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM flow WHERE second < $1")
        .bind(now / 1000 - FLOW_KEPT_SECONDS)
        .execute(&mut *connection)
        .await?;
    fold_counts(connection).await?;
    Ok(true)
}

/// Adds the counts of connections that have ended to those of no connection.
async fn fold_counts(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "WITH ended AS (DELETE FROM job_count WHERE backend <> 0 AND backend NOT IN \
         (SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL) RETURNING state, jobs) \
         INSERT INTO job_count AS c SELECT 0, state, SUM(jobs) FROM ended GROUP BY state \
         ON CONFLICT (backend, state) DO UPDATE SET jobs = c.jobs + excluded.jobs",
    )
    .execute(connection)
    .await
    .map(drop)
}

fn job_text(lease: &Lease) -> Option<String> {
    lease.job.map(|id| id.to_string())
}

/// `PostgreSQL` has no unsigned numbers; counts of images and attempts stay far below its signed ones.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn unsigned(row: &PgRow, column: &str) -> sqlx::Result<u32> {
    let number: i32 = row.try_get(column)?;
    u32::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn job_of(row: &PgRow) -> sqlx::Result<Job> {
    let id: String = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    Ok(Job {
        id: Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(error.into()))?,
        state: JobState::from_word(&state).ok_or_else(|| sqlx::Error::Decode(format!("state {state:?}").into()))?,
        patient_id: row.try_get("patient_id")?,
        attempts: unsigned(row, "attempts")?,
        total: unsigned(row, "total")?,
        done: unsigned(row, "done")?,
        failed: unsigned(row, "failed")?,
        result: row.try_get("result")?,
        error: row.try_get("error")?,
        created_at_ms: row.try_get("created_at")?,
        updated_at_ms: row.try_get("updated_at")?,
    })
}
