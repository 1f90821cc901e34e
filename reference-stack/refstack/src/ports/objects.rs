//! The object store: whole objects by key, written as a stream.

use async_trait::async_trait;
use bytes::Bytes;

use super::PortResult;

/// A store of objects.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Starts an object. Nothing can be read before [`Upload::finish`]; dropping the upload leaves nothing behind.
    async fn begin(&self, name: &str) -> PortResult<Box<dyn Upload>>;

    /// Reads an object whole.
    async fn get(&self, key: &str) -> PortResult<Bytes>;

    /// Writes a small object whole; returns its key when it is on disk.
    async fn put(&self, name: &str, bytes: Bytes) -> PortResult<String>;

    /// Removes an object; one that is not there is no error.
    async fn delete(&self, key: &str) -> PortResult<()>;
}

/// An object being written.
#[async_trait]
pub trait Upload: Send {
    /// Adds bytes.
    async fn write(&mut self, bytes: Bytes) -> PortResult<()>;

    /// Makes the object readable under the returned key; returns when it is on disk.
    async fn finish(self: Box<Self>) -> PortResult<String>;
}
