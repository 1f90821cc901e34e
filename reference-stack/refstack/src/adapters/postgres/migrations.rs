//! The schema, brought forward step by step. Each step is recorded with its checksum, so a database that was brought to another
//! shape is noticed before anything is written to it.
//!
//! A step may only add: while a release rolls out, programs of the last one go on with the new schema.

use std::collections::HashMap;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, SqlSafeStr as _};

use super::store::{options, unavailable};
use crate::ports::{PortError, PortResult};

const STEPS: &[(i64, &str, &str)] = &[(1, "jobs and queue", include_str!("migrations/0001_jobs_and_queue.sql"))];
/// Where the library records the steps.
const RECORD: &str = "_sqlx_migrations";

/// What bringing a schema forward did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Steps carried out now.
    pub applied: usize,
    /// Steps that this program knows.
    pub steps: usize,
}

/// Brings the schema of the database at `url` forward to this program's. A second caller waits for the first; steps of a newer
/// program are left alone; a step that was carried out with another text is an error.
pub async fn migrate(url: &str) -> PortResult<Migrated> {
    let mut connection = PgConnection::connect_with(&options(url)?).await.map_err(unavailable)?;
    // Held until this connection ends.
    connection.lock().await.map_err(in_words)?;
    connection.ensure_migrations_table(RECORD).await.map_err(in_words)?;
    let before = recorded(&mut connection).await?;
    let mut migrator = Migrator::with_migrations(steps());
    migrator.set_ignore_missing(true);
    migrator.run_direct(None, &mut connection, false).await.map_err(in_words)?;
    let applied = STEPS.iter().filter(|(version, ..)| !before.contains_key(version)).count();
    Ok(Migrated { applied, steps: STEPS.len() })
}

/// Refuses a database whose schema lacks one of this program's steps, or has it with another text.
pub(super) async fn check(connection: &mut PgConnection) -> PortResult<()> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(RECORD)
        .fetch_one(&mut *connection)
        .await
        .map_err(unavailable)?;
    let recorded = if exists { recorded(connection).await? } else { HashMap::new() };
    for step in steps() {
        match recorded.get(&step.version) {
            Some(checksum) if **checksum == *step.checksum => {}
            Some(_) => return Err(in_words(MigrateError::VersionMismatch(step.version))),
            None => {
                return Err(unavailable(format!(
                    "its schema lacks step {} ({}); run `proofload stack migrate` with the same --database first",
                    step.version, step.description
                )));
            }
        }
    }
    Ok(())
}

fn steps() -> Vec<Migration> {
    let step = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    STEPS.iter().map(step).collect()
}

async fn recorded(connection: &mut PgConnection) -> PortResult<HashMap<i64, Vec<u8>>> {
    let applied = connection.list_applied_migrations(RECORD).await.map_err(in_words)?;
    Ok(applied.into_iter().map(|step| (step.version, step.checksum.into_owned())).collect())
}

fn in_words(error: MigrateError) -> PortError {
    match error {
        MigrateError::VersionMismatch(version) => unavailable(format!(
            "step {version} of its schema is another than this program's: another program made it; use a database of its own"
        )),
        other => unavailable(other),
    }
}
