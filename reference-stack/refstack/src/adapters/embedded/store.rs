//! Opens the shared `SQLite` file and holds what its port implementations need.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::OnceCell;

use super::lock::TurnLock;
use super::writer::Writer;
use crate::clock::Clock;
use crate::ports::{PortError, PortResult};
use crate::wake::{Waiter, Wake};

const STORE: &str = "the job store";
/// Connections that read. Readers never wait for the writer in WAL mode.
const READERS_MAX: u32 = 4;
/// How long `SQLite` itself waits for a lock; only a process outside our turn lock can make it wait.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a read may wait for a free connection.
const READER_WAIT_MAX: Duration = Duration::from_secs(5);
const SCHEMA_VERSION: i64 = 1;

/// Queue, jobs and idempotency keys in `DIR/stack.db`.
pub struct Store {
    pub(super) writer: Writer,
    pub(super) reads: SqlitePool,
    pub(super) clock: Clock,
    pub(super) wake: Arc<Wake>,
    pub(super) waiter: OnceCell<Waiter>,
}

impl Store {
    /// Opens or creates the store in `dir`, which other processes may have open.
    pub async fn open(dir: &Path, clock: Clock) -> PortResult<Self> {
        std::fs::create_dir_all(dir).map_err(unavailable)?;
        let wake = Arc::new(Wake::open(&dir.join("wake")).map_err(unavailable)?);
        let mut turn = TurnLock::open(&dir.join("stack.db.lock")).map_err(unavailable)?;
        let options = SqliteConnectOptions::new()
            .filename(dir.join("stack.db"))
            .busy_timeout(BUSY_WAIT_MAX)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        turn.take().await.map_err(unavailable)?;
        let connection = connect(&options.clone().create_if_missing(true)).await;
        turn.give();
        let connection = connection.map_err(unavailable)?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(READER_WAIT_MAX)
            .test_before_acquire(false)
            .connect_with(options.read_only(true))
            .await
            .map_err(unavailable)?;
        let writer = Writer::start(connection, turn, Arc::clone(&wake));
        // Whoever committed last may have died before it told the workers.
        wake.all();
        Ok(Self { writer, reads, clock, wake, waiter: OnceCell::new() })
    }
}

async fn connect(options: &SqliteConnectOptions) -> sqlx::Result<SqliteConnection> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
    match version {
        0 => {
            let mut creation = connection.begin().await?;
            sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *creation).await?;
            creation.commit().await?;
        }
        SCHEMA_VERSION => {}
        other => {
            let text =
                format!("stack.db has schema {other}, this program knows {SCHEMA_VERSION}; use a new --data folder");
            return Err(sqlx::Error::Configuration(text.into()));
        }
    }
    Ok(connection)
}

/// A failure of the store, as its ports tell it.
pub(super) fn unavailable(error: impl std::fmt::Display) -> PortError {
    PortError::unavailable(STORE, error)
}
