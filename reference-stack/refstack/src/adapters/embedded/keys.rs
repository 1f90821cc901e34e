//! Idempotency keys on `SQLite`. A held key ends with its lease, so a killed gateway blocks nobody for long.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::store::Store;
use super::writer::Then;
use crate::clock::millis;
use crate::ports::PortResult;
use crate::ports::keys::{Keys, Reserved};

#[async_trait]
impl Keys for Store {
    async fn reserve(&self, key: &str, owner: &str, lease: Duration) -> PortResult<Reserved> {
        let (key, owner, now) = (key.to_owned(), owner.to_owned(), self.clock.now_ms());
        let until = now + millis(lease);
        self.writer
            .write(Then::Quiet, move |c| Box::pin(async move { reserve(c, &key, &owner, (now, until)).await }))
            .await
    }

    async fn renew(&self, key: &str, owner: &str, lease: Duration) -> PortResult<bool> {
        let (key, owner, now) = (key.to_owned(), owner.to_owned(), self.clock.now_ms());
        let until = now + millis(lease);
        self.writer
            .write(Then::Quiet, move |c| {
                Box::pin(async move {
                    sqlx::query("UPDATE idempotency SET lease_until = ? WHERE key = ? AND owner = ? AND job IS NULL")
                        .bind(until)
                        .bind(key)
                        .bind(owner)
                        .execute(c)
                        .await
                        .map(|done| done.rows_affected() == 1)
                })
            })
            .await
    }

    async fn release(&self, key: &str, owner: &str) -> PortResult<()> {
        let (key, owner) = (key.to_owned(), owner.to_owned());
        self.writer
            .write(Then::Quiet, move |c| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM idempotency WHERE key = ? AND owner = ? AND job IS NULL")
                        .bind(key)
                        .bind(owner)
                        .execute(c)
                        .await
                        .map(drop)
                })
            })
            .await
    }
}

async fn reserve(
    connection: &mut SqliteConnection,
    key: &str,
    owner: &str,
    (now, until): (i64, i64),
) -> sqlx::Result<Reserved> {
    let done = sqlx::query(
        "INSERT INTO idempotency (key, owner, lease_until, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) \
         DO UPDATE SET owner = ?2, lease_until = ?3 WHERE job IS NULL AND lease_until <= ?4",
    )
    .bind(key)
    .bind(owner)
    .bind(until)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Reserved::Held);
    }
    let (digest, job): (Option<String>, Option<String>) =
        sqlx::query_as("SELECT digest, job FROM idempotency WHERE key = ?").bind(key).fetch_one(connection).await?;
    let job = job.and_then(|job| Uuid::parse_str(&job).ok());
    Ok(match digest.zip(job) {
        Some((digest, job)) => Reserved::Used { digest, job },
        None => Reserved::InFlight,
    })
}
