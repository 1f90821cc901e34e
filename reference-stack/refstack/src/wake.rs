//! Wakes waiting workers of other processes: each has a datagram socket in `DIR/wake/`, and whoever commits a message sends
//! every one of them a byte. Nobody polls the store's file.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// The folder of wake sockets, and a socket to send from.
pub struct Wake {
    dir: PathBuf,
    /// The folder held open: `/proc/self/fd/N/name` stays below the 108 bytes of a socket address however long the path is.
    handle: File,
    sender: UnixDatagram,
}

impl Wake {
    /// Opens (or creates) the folder.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let sender = UnixDatagram::unbound()?;
        sender.set_nonblocking(true)?;
        Ok(Self { dir: dir.to_owned(), handle: File::open(dir)?, sender })
    }

    /// Sends every waiting worker a byte. A full buffer is as good as a byte; a socket nobody owns any more is removed.
    pub fn all(&self) {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) => return tracing::warn!(%error, "the wake folder cannot be read"),
        };
        for entry in entries.flatten() {
            let sent = self.sender.send_to(&[1], self.address(&entry.file_name()));
            if sent.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
                // Its process was killed; another may have removed it before us.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn address(&self, name: &std::ffi::OsStr) -> PathBuf {
        Path::new("/proc/self/fd").join(self.handle.as_raw_fd().to_string()).join(name)
    }
}

/// The socket of one waiting worker.
pub struct Waiter {
    socket: tokio::net::UnixDatagram,
    path: PathBuf,
}

impl Waiter {
    /// Makes this process reachable by [`Wake::all`].
    pub fn open(wake: &Wake) -> io::Result<Self> {
        let name = format!("{}.sock", Uuid::new_v4().simple());
        let socket = UnixDatagram::bind(wake.address(name.as_ref()))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: tokio::net::UnixDatagram::from_std(socket)?, path: wake.dir.join(name) })
    }

    /// Returns when at least one byte has come since the last return, however long ago.
    pub async fn woken(&self) {
        let mut byte = [0];
        if let Err(error) = self.socket.recv(&mut byte).await {
            tracing::warn!(%error, "the wake socket cannot be read");
            std::future::pending::<()>().await;
        }
        while self.socket.try_recv(&mut byte).is_ok() {}
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // The folder may be gone already, as in tests.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiter_is_woken_even_from_a_long_path_and_dead_sockets_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("d".repeat(120));
        let wake = Wake::open(&dir).unwrap();
        let waiter = Waiter::open(&wake).unwrap();
        let dead = UnixDatagram::bind(wake.address("dead.sock".as_ref())).unwrap();
        drop(dead);
        wake.all();
        wake.all();
        waiter.woken().await;
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
        drop(waiter);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    }
}
