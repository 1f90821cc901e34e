//! The one writer of a process. It gathers the writes that wait, applies each in a savepoint of one transaction, commits once,
//! and only then answers: one fsync for many callers. A write whose caller has gone is still carried out.

use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::lock::TurnLock;
use crate::ports::{PortError, PortResult};
use crate::wake::Wake;

/// Writes in one transaction.
const BATCH_MAX: usize = 256;
/// Writes that may wait; callers beyond that wait to be let in.
const WAITING_MAX: usize = 1024;

const STORE: &str = "the job store";

/// Hands writes to the writer task.
#[derive(Clone)]
pub(super) struct Writer {
    calls: mpsc::Sender<Box<dyn Call>>,
}

/// Whether workers are told once a write is on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Quiet,
    WakeWorkers,
}

impl Writer {
    /// Starts the writer task on `connection`. It ends when the last `Writer` is gone.
    pub(super) fn start(connection: SqliteConnection, turn: TurnLock, wake: Arc<Wake>) -> Self {
        let (calls, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Task { connection, turn, wake, waiting }.run());
        Self { calls }
    }

    /// Runs `work` in the next transaction; returns once it is on disk.
    pub(super) async fn write<T, W>(&self, then: Then, work: W) -> PortResult<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Write { work: Some(work), result: None, reply, then };
        let gone = || PortError::unavailable(STORE, "its writer has stopped");
        self.calls.send(Box::new(call)).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// A write on its way, with its types hidden.
trait Call: Send {
    fn apply<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;
    fn answer(self: Box<Self>, committed: &PortResult<()>);
    fn then(&self) -> Then;
}

struct Write<T, W> {
    work: Option<W>,
    result: Option<PortResult<T>>,
    reply: oneshot::Sender<PortResult<T>>,
    then: Then,
}

impl<T, W> Call for Write<T, W>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
{
    fn apply<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let work = self.work.take().expect("each call is applied once");
            let result = work(connection).await.map_err(|error| PortError::unavailable(STORE, error));
            let kept = result.is_ok();
            self.result = Some(result);
            kept
        })
    }

    fn answer(self: Box<Self>, committed: &PortResult<()>) {
        let result = match (committed, self.result) {
            (Err(error), _) => Err(error.clone()),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(PortError::unavailable(STORE, "the write was not reached")),
        };
        // A caller that has gone away does not need the answer.
        let _ = self.reply.send(result);
    }

    fn then(&self) -> Then {
        self.then
    }
}

struct Task {
    connection: SqliteConnection,
    turn: TurnLock,
    wake: Arc<Wake>,
    waiting: mpsc::Receiver<Box<dyn Call>>,
}

impl Task {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while self.waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let committed = self.commit(&mut batch).await;
            if let Err(error) = &committed {
                tracing::error!(%error, writes = batch.len(), "a transaction was not committed");
            }
            let wake = committed.is_ok() && batch.iter().any(|call| call.then() == Then::WakeWorkers);
            for call in batch.drain(..) {
                call.answer(&committed);
            }
            if wake {
                self.wake.all();
            }
        }
    }

    async fn commit(&mut self, batch: &mut Vec<Box<dyn Call>>) -> PortResult<()> {
        self.turn.take().await.map_err(|error| PortError::unavailable(STORE, error))?;
        let committed = transaction(&mut self.connection, batch, &mut self.waiting).await;
        if committed.is_err() {
            // The error that matters is the first; after some of them SQLite has rolled back already.
            let _ = execute(&mut self.connection, "ROLLBACK").await;
        }
        self.turn.give();
        committed.map_err(|error| PortError::unavailable(STORE, error))
    }
}

/// Applies the batch, and whatever arrives meanwhile, in one transaction.
async fn transaction(
    connection: &mut SqliteConnection,
    batch: &mut Vec<Box<dyn Call>>,
    waiting: &mut mpsc::Receiver<Box<dyn Call>>,
) -> sqlx::Result<()> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    let mut next = 0;
    while next < batch.len() {
        execute(connection, "SAVEPOINT call").await?;
        if !batch[next].apply(connection).await {
            execute(connection, "ROLLBACK TO call").await?;
        }
        execute(connection, "RELEASE call").await?;
        next += 1;
        if next == batch.len()
            && batch.len() < BATCH_MAX
            && let Ok(call) = waiting.try_recv()
        {
            batch.push(call);
        }
    }
    execute(connection, "COMMIT").await
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::query(sql).execute(connection).await.map(drop)
}
