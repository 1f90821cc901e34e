//! Wakes waiting workers of other processes by NOTIFY. It is sent after the transaction, never inside one: a transaction that
//! notifies takes a lock of the whole server while it commits, and commits would queue up behind each other. Many rings
//! at once become one.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

const CHANNEL: &str = "refstack";
/// A server that does not answer is asked again after this long.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Rings for others and hears them ring.
pub(super) struct Bell {
    pool: PgPool,
    rung: Arc<Notify>,
    heard: Arc<Notify>,
    ringing: AbortHandle,
    listening: std::sync::OnceLock<AbortHandle>,
}

impl Bell {
    pub(super) fn hang(pool: &PgPool) -> Self {
        let rung = Arc::new(Notify::new());
        let ringing = tokio::spawn(ring_on(pool.clone(), Arc::clone(&rung))).abort_handle();
        Self {
            pool: pool.clone(),
            rung,
            heard: Arc::new(Notify::new()),
            ringing,
            listening: std::sync::OnceLock::new(),
        }
    }

    /// Tells every waiting worker, soon.
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Begins to listen if nobody did. True: from now on no ring is missed, but one may have been.
    pub(super) fn begins_to_listen(&self) -> bool {
        let mut began = false;
        self.listening.get_or_init(|| {
            began = true;
            tokio::spawn(listen_on(self.pool.clone(), Arc::clone(&self.heard))).abort_handle()
        });
        began
    }

    /// Returns when somebody has rung since the last return, however long ago.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ringing.abort();
        if let Some(listening) = self.listening.get() {
            listening.abort();
        }
    }
}

async fn ring_on(pool: PgPool, rung: Arc<Notify>) {
    loop {
        rung.notified().await;
        let sent = sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(&pool).await;
        if let Err(error) = sent {
            // Nobody is lost: a wait ends by itself too.
            tracing::warn!(%error, "waiting workers could not be told of new messages");
        }
    }
}

/// Listens for as long as the store is open, and says "heard" whenever it may have missed something.
async fn listen_on(pool: PgPool, heard: Arc<Notify>) {
    loop {
        let failed = listen(&pool, &heard).await;
        tracing::warn!(error = %failed, "not listening for new messages; trying again");
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

async fn listen(pool: &PgPool, heard: &Notify) -> sqlx::Error {
    let connected = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    };
    let mut listener = match connected.await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    heard.notify_one();
    loop {
        match listener.try_recv().await {
            // None: the connection was lost and is there again; what was rung meanwhile was not heard.
            Ok(_) => heard.notify_one(),
            Err(error) => return error,
        }
    }
}
