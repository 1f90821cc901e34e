//! Objects as files. Each process writes in a folder of its own and holds a lock on it, so that the next to start can tell
//! which half-written files have lost their writer.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

use crate::ports::objects::{Objects, Upload};
use crate::ports::{PortError, PortResult};

const OBJECTS: &str = "the object store";
/// One file per writing process, locked while it lives.
const LOCKS: &str = "writers";
/// What is gathered before it goes to the file: the memory an upload takes, whatever its size.
const CHUNK_BYTES: usize = 128 * 1024;

/// The object store in `DIR/objects`.
pub struct FileObjects {
    store: LocalFileSystem,
    dir: PathBuf,
    /// This process's part of every new key.
    process: String,
    /// Held as long as the process lives; the kernel lets go when it is killed.
    _alive: File,
}

impl FileObjects {
    /// Opens or creates the folder.
    pub fn open(dir: &Path) -> PortResult<Self> {
        let locks = dir.join(LOCKS);
        std::fs::create_dir_all(&locks).map_err(unavailable)?;
        let process = Uuid::new_v4().simple().to_string();
        let alive = OpenOptions::new().create_new(true).write(true).open(locks.join(&process)).map_err(unavailable)?;
        // Blocking: another process that starts now may be looking at the file.
        flock(&alive, FlockOperation::LockExclusive).map_err(unavailable)?;
        let store = LocalFileSystem::new_with_prefix(dir).map_err(unavailable)?.with_fsync(true);
        Ok(Self { store, dir: dir.to_owned(), process, _alive: alive })
    }

    /// Removes what processes that are no more left half-written. Returns the keys of their whole objects, once: some may have
    /// been finished just before a kill, with nothing recorded about them.
    pub fn clear_leftovers(&self) -> PortResult<Vec<String>> {
        let mut whole = Vec::new();
        for lock in std::fs::read_dir(self.dir.join(LOCKS)).map_err(unavailable)?.flatten() {
            // One that cannot be opened was just removed by another process that starts now.
            let Ok(file) = OpenOptions::new().write(true).open(lock.path()) else { continue };
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            clear(&self.dir.join(lock.file_name()), &mut whole).map_err(unavailable)?;
            std::fs::remove_file(lock.path()).map_err(unavailable)?;
        }
        let key = |path: &PathBuf| path.strip_prefix(&self.dir).ok().map(|path| path.display().to_string());
        Ok(whole.iter().filter_map(key).collect())
    }

    fn key(&self, name: &str) -> Key {
        Key::from(format!("{}/{name}", self.process))
    }
}

#[async_trait]
impl Objects for FileObjects {
    async fn begin(&self, name: &str) -> PortResult<Box<dyn Upload>> {
        let key = self.key(name);
        let upload = self.store.put_multipart(&key).await.map_err(unavailable)?;
        Ok(Box::new(FileUpload { key, upload, buffer: BytesMut::new() }))
    }

    async fn get(&self, key: &str) -> PortResult<Bytes> {
        let read = async { self.store.get(&Key::from(key)).await?.bytes().await };
        read.await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => PortError::Missing { what: OBJECTS, name: key.to_owned() },
            other => unavailable(other),
        })
    }

    async fn put(&self, name: &str, bytes: Bytes) -> PortResult<String> {
        let key = self.key(name);
        self.store.put(&key, PutPayload::from(bytes)).await.map_err(unavailable)?;
        Ok(key.to_string())
    }

    async fn delete(&self, key: &str) -> PortResult<()> {
        match self.store.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// A file under its staged name; dropping it removes the file.
struct FileUpload {
    key: Key,
    upload: Box<dyn MultipartUpload>,
    buffer: BytesMut,
}

#[async_trait]
impl Upload for FileUpload {
    async fn write(&mut self, bytes: Bytes) -> PortResult<()> {
        self.buffer.extend_from_slice(&bytes);
        if self.buffer.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn finish(mut self: Box<Self>) -> PortResult<String> {
        self.flush().await?;
        self.upload.complete().await.map_err(unavailable)?;
        Ok(self.key.to_string())
    }
}

impl FileUpload {
    async fn flush(&mut self) -> PortResult<()> {
        let bytes = self.buffer.split().freeze();
        if bytes.is_empty() {
            return Ok(());
        }
        self.upload.put_part(PutPayload::from(bytes)).await.map_err(unavailable)
    }
}

/// Removes the staged files (`name#1`) below `dir` and lists the whole ones.
fn clear(dir: &Path, whole: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            clear(&entry.path(), whole)?;
        } else if is_staged(&entry.file_name().to_string_lossy()) {
            tracing::info!(file = %entry.path().display(), "removing a half-written object");
            std::fs::remove_file(entry.path())?;
        } else {
            whole.push(entry.path());
        }
    }
    Ok(())
}

fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn unavailable(error: impl std::fmt::Display) -> PortError {
    PortError::unavailable(OBJECTS, error)
}
