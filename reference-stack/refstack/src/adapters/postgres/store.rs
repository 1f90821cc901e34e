//! Opens the database and holds what its port implementations need.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};

use super::bell::Bell;
use super::migrations;
use crate::clock::Clock;
use crate::ports::{PortError, PortResult};

const STORE: &str = "the job store";
/// Connections of one process. Each transaction is a few statements, so few connections carry many callers.
const CONNECTIONS_MAX: u32 = 16;
/// How long a call may wait for a free connection; a server that is gone shows by then.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(5);

/// No statement and no lock waits for ever, and a process that has vanished with its machine holds its locks for seconds, not hours.
const LIMITS: [(&str, &str); 6] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// Queue, jobs and idempotency keys in a `PostgreSQL` database.
pub struct PgStore {
    pub(super) pool: PgPool,
    pub(super) clock: Clock,
    pub(super) bell: Arc<Bell>,
    identity: String,
}

impl PgStore {
    /// Opens the database at `url`, whose schema [`super::migrate`] has brought forward.
    pub async fn open(url: &str, clock: Clock) -> PortResult<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECTION_WAIT_MAX)
            .connect_with(options(url)?.options(LIMITS))
            .await
            .map_err(unavailable)?;
        let mut connection = pool.acquire().await.map_err(unavailable)?;
        migrations::check(&mut connection).await?;
        let identity = sqlx::query_scalar("SELECT identity FROM stack").fetch_one(&mut *connection).await;
        let identity = identity.map_err(unavailable)?;
        drop(connection);
        let bell = Arc::new(Bell::hang(&pool));
        Ok(Self { pool, clock, bell, identity })
    }

    /// Tells this database from any other.
    pub(in crate::adapters) fn identity(&self) -> &str {
        &self.identity
    }

    /// Milliseconds since 1970, by the clock that leases go by here.
    pub(in crate::adapters) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A transaction: what is done in it is on the server's disk once it is committed, and undone if it is dropped.
    pub(super) async fn begin(&self) -> PortResult<Transaction<'static, Postgres>> {
        self.pool.begin().await.map_err(unavailable)
    }
}

/// How to reach the database that `url` names.
pub(super) fn options(url: &str) -> PortResult<PgConnectOptions> {
    let options: PgConnectOptions = url.parse().map_err(unavailable)?;
    Ok(options.application_name("refstack"))
}

/// A text as the server takes it: what others wrote may hold NUL, and its texts cannot.
pub(super) fn text(written: &str) -> Cow<'_, str> {
    if written.contains('\0') { Cow::Owned(written.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(written) }
}

/// A failure of the store, as its ports tell it.
pub(super) fn unavailable(error: impl std::fmt::Display) -> PortError {
    PortError::unavailable(STORE, error)
}
