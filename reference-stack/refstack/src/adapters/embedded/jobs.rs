//! The record of jobs on `SQLite`. Row and message share a file, so each call is one transaction.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use uuid::Uuid;

use super::queue_sql::{self, Dead};
use super::store::{Store, unavailable};
use super::writer::Then;
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::jobs::{
    Accepted, Cancelled, Ending, FLOW_KEPT_SECONDS, HeldKey, Job, JobKind, JobState, Jobs, KEY_KEPT, NewJob, Outcome,
    by_state,
};
use crate::ports::queue::{Claim, Delivery, Lease, Queue, Retried, Retry};

const FIND: &str = "SELECT id, state, patient_id, attempts, total, done, failed, result, error, created_at, updated_at \
                    FROM job WHERE id = ? AND kind = ? AND (expires_at IS NULL OR expires_at > ?)";

#[async_trait]
impl Jobs for Store {
    async fn accept(&self, job: NewJob) -> PortResult<Accepted> {
        let now = self.clock.now_ms();
        self.writer.write(Then::WakeWorkers, move |c| Box::pin(accept(c, job, now))).await
    }

    async fn find(&self, kind: JobKind, id: Uuid) -> PortResult<Option<Job>> {
        let row = sqlx::query(FIND)
            .bind(id.to_string())
            .bind(kind.word())
            .bind(self.clock.now_ms())
            .fetch_optional(&self.reads)
            .await
            .map_err(unavailable)?;
        row.as_ref().map(job_of).transpose().map_err(unavailable)
    }

    async fn cancel(&self, kind: JobKind, id: Uuid) -> PortResult<Cancelled> {
        let now = self.clock.now_ms();
        self.writer.write(Then::Quiet, move |c| Box::pin(cancel(c, kind, id, now))).await
    }

    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>> {
        if !self.is_anything_due(claim.queue).await? {
            return Ok(Vec::new());
        }
        let now = self.clock.now_ms();
        self.writer.write(Then::Quiet, move |c| Box::pin(claim_jobs(c, claim, now))).await
    }

    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool> {
        Queue::renew(self, lease, time).await
    }

    async fn progress(&self, lease: &Lease, done: u32, failed: u32) -> PortResult<bool> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        self.writer
            .write(Then::Quiet, move |c| {
                Box::pin(async move {
                    if !queue_sql::holds(c, &lease, now).await? {
                        return Ok(false);
                    }
                    sqlx::query(
                        "UPDATE job SET done = MAX(done, ?), failed = MAX(failed, ?), updated_at = ? WHERE id = ?",
                    )
                    .bind(done)
                    .bind(failed)
                    .bind(now)
                    .bind(job_text(&lease))
                    .execute(c)
                    .await
                    .map(|_| true)
                })
            })
            .await
    }

    async fn settle(&self, lease: &Lease, outcome: Outcome) -> PortResult<bool> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        self.writer.write(Then::Quiet, move |c| Box::pin(settle(c, lease, outcome, now))).await
    }

    async fn retry(&self, lease: &Lease, retry: Retry) -> PortResult<Retried> {
        let (lease, now) = (lease.clone(), self.clock.now_ms());
        self.writer
            .write(Then::WakeWorkers, move |c| {
                Box::pin(async move {
                    let retried = queue_sql::nack(c, &lease, &retry, now).await?;
                    if retried == Retried::DeadLettered {
                        let dead = Dead { job: job_text(&lease), error: retry.reason };
                        bury(c, &dead, now).await?;
                    }
                    Ok(retried)
                })
            })
            .await
    }

    async fn release(&self, lease: &Lease) -> PortResult<bool> {
        Queue::release(self, lease).await
    }

    async fn repeat_effect(&self, id: Uuid) -> PortResult<()> {
        let now = self.clock.now_ms();
        self.writer
            .write(Then::Quiet, move |c| {
                Box::pin(async move {
                    sqlx::query("UPDATE job SET attempts = attempts + 1, done = done * 2, updated_at = ? WHERE id = ?")
                        .bind(now)
                        .bind(id.to_string())
                        .execute(c)
                        .await
                        .map(drop)
                })
            })
            .await
    }

    async fn count(&self) -> PortResult<Vec<(JobState, u64)>> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, jobs FROM job_count").fetch_all(&self.reads).await.map_err(unavailable)?;
        Ok(by_state(&rows))
    }

    async fn sweep(&self) -> PortResult<()> {
        let now = self.clock.now_ms();
        self.writer.write(Then::Quiet, move |c| Box::pin(sweep(c, now))).await
    }
}

async fn accept(connection: &mut SqliteConnection, job: NewJob, now: i64) -> sqlx::Result<Accepted> {
    let id = job.id.to_string();
    if let Some(hold) = &job.hold
        && !use_key(connection, hold, &id).await?
    {
        return Ok(Accepted::KeyLost);
    }
    sqlx::query(
        "INSERT INTO job (id, kind, state, patient_id, total, created_at, updated_at, expires_at) \
         VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?5, ?6)",
    )
    .bind(&id)
    .bind(job.kind.word())
    .bind(&job.patient_id)
    .bind(job.total)
    .bind(now)
    .bind(job.kept_for.map(|time| now + millis(time)))
    .execute(&mut *connection)
    .await?;
    queue_sql::publish(connection, job.queue, (Some(&id), &job.body), now).await?;
    Ok(Accepted::Stored)
}

async fn use_key(connection: &mut SqliteConnection, hold: &HeldKey, job: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE idempotency SET digest = ?, job = ? WHERE key = ? AND owner = ? AND job IS NULL")
        .bind(&hold.digest)
        .bind(job)
        .bind(&hold.key)
        .bind(&hold.owner)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn cancel(connection: &mut SqliteConnection, kind: JobKind, id: Uuid, now: i64) -> sqlx::Result<Cancelled> {
    let id = id.to_string();
    let row = sqlx::query(FIND).bind(&id).bind(kind.word()).bind(now).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(Cancelled::Unknown) };
    let mut job = job_of(&row)?;
    if job.state.is_final() {
        return Ok(Cancelled::AlreadyFinal(job.state));
    }
    sqlx::query("UPDATE job SET state = 'cancelled', updated_at = ? WHERE id = ?")
        .bind(now)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    // Without its message no worker can settle it any more, whatever lease it holds.
    sqlx::query("DELETE FROM msg WHERE job = ?").bind(&id).execute(connection).await?;
    job.state = JobState::Cancelled;
    job.updated_at_ms = now;
    Ok(Cancelled::Now(job))
}

async fn claim_jobs(connection: &mut SqliteConnection, claim: Claim, now: i64) -> sqlx::Result<Vec<Delivery>> {
    let (taken, dead) = queue_sql::claim(connection, claim, now).await?;
    for dead in &dead {
        bury(connection, dead, now).await?;
    }
    for delivery in &taken {
        sqlx::query(
            "UPDATE job SET state = 'running', attempts = ?, updated_at = ? WHERE id = ? AND state IN ('queued', 'running')",
        )
        .bind(delivery.lease.attempt)
        .bind(now)
        .bind(job_text(&delivery.lease))
        .execute(&mut *connection)
        .await?;
    }
    Ok(taken)
}

async fn settle(connection: &mut SqliteConnection, lease: Lease, outcome: Outcome, now: i64) -> sqlx::Result<bool> {
    if !queue_sql::ack(connection, &lease, now).await? {
        return Ok(false);
    }
    let Ending { state, result, error, done, failed } = outcome.into();
    sqlx::query(
        "UPDATE job SET state = ?, result = ?, error = ?, done = COALESCE(?, done), failed = COALESCE(?, failed), \
         updated_at = ? WHERE id = ? AND state IN ('queued', 'running')",
    )
    .bind(state.word())
    .bind(result)
    .bind(error)
    .bind(done)
    .bind(failed)
    .bind(now)
    .bind(job_text(&lease))
    .execute(connection)
    .await
    .map(|_| true)
}

async fn bury(connection: &mut SqliteConnection, dead: &Dead, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE job SET state = 'dead-lettered', error = ?, updated_at = ? WHERE id = ? AND state IN ('queued', 'running')",
    )
    .bind(&dead.error)
    .bind(now)
    .bind(&dead.job)
    .execute(connection)
    .await
    .map(drop)
}

async fn sweep(connection: &mut SqliteConnection, now: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM msg WHERE job IN (SELECT id FROM job WHERE expires_at <= ?)")
        .bind(now)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM job WHERE expires_at <= ?").bind(now).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM idempotency WHERE (job IS NULL AND lease_until <= ?) OR created_at <= ?")
        .bind(now)
        .bind(now - millis(KEY_KEPT))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM flow WHERE second < ?")
        .bind(now / 1000 - FLOW_KEPT_SECONDS)
        .execute(connection)
        .await
        .map(drop)
}

fn job_text(lease: &Lease) -> Option<String> {
    lease.job.map(|id| id.to_string())
}

fn job_of(row: &SqliteRow) -> sqlx::Result<Job> {
    let id: String = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    Ok(Job {
        id: Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(error.into()))?,
        state: JobState::from_word(&state).ok_or_else(|| sqlx::Error::Decode(format!("state {state:?}").into()))?,
        patient_id: row.try_get("patient_id")?,
        attempts: row.try_get("attempts")?,
        total: row.try_get("total")?,
        done: row.try_get("done")?,
        failed: row.try_get("failed")?,
        result: row.try_get("result")?,
        error: row.try_get("error")?,
        created_at_ms: row.try_get("created_at")?,
        updated_at_ms: row.try_get("updated_at")?,
    })
}
