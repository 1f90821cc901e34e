//! Takes turns between the writers of several processes. `SQLite`'s own busy handler polls with growing pauses, which starves the
//! unlucky; a file lock hands over at once, and the kernel releases it when its holder dies.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::task::JoinHandle;

/// A holder that has not finished by then is stopped or stuck; callers are told so instead of waiting on.
const TURN_WAIT_MAX: Duration = Duration::from_secs(5);

/// The lock beside the store's file.
pub(super) struct TurnLock {
    file: Arc<File>,
    /// A wait that outlived its caller. The lock belongs to the open file, so a second wait must not start beside it.
    pending: Option<JoinHandle<io::Result<()>>>,
}

impl TurnLock {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        Ok(Self { file: Arc::new(file), pending: None })
    }

    pub(super) async fn take(&mut self) -> io::Result<()> {
        if self.pending.is_none() {
            match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let waiting = self.pending.get_or_insert_with(|| {
            let file = Arc::clone(&self.file);
            tokio::task::spawn_blocking(move || Ok(flock(&file, FlockOperation::LockExclusive)?))
        });
        match tokio::time::timeout(TURN_WAIT_MAX, waiting).await {
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the write lock")),
            Ok(ended) => {
                self.pending = None;
                ended.map_err(io::Error::other)?
            }
        }
    }

    pub(super) fn give(&self) {
        if let Err(error) = flock(&self.file, FlockOperation::Unlock) {
            tracing::error!(%error, "could not release the write lock");
        }
    }
}
