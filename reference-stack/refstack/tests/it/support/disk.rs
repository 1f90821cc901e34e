//! An object store whose disk is full after so many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use refstack::adapters::embedded::objects::FileObjects;
use refstack::ports::objects::{Objects, Upload};
use refstack::ports::{PortError, PortResult};

pub(crate) struct SmallDisk {
    disk: FileObjects,
    left: Arc<AtomicUsize>,
}

impl SmallDisk {
    pub(crate) fn new(disk: FileObjects, bytes: usize) -> Self {
        Self { disk, left: Arc::new(AtomicUsize::new(bytes)) }
    }
}

#[async_trait]
impl Objects for SmallDisk {
    async fn begin(&self, name: &str) -> PortResult<Box<dyn Upload>> {
        Ok(Box::new(SmallUpload { upload: self.disk.begin(name).await?, left: Arc::clone(&self.left) }))
    }

    async fn get(&self, key: &str) -> PortResult<Bytes> {
        self.disk.get(key).await
    }

    async fn put(&self, name: &str, bytes: Bytes) -> PortResult<String> {
        take(&self.left, bytes.len())?;
        self.disk.put(name, bytes).await
    }

    async fn delete(&self, key: &str) -> PortResult<()> {
        self.disk.delete(key).await
    }
}

struct SmallUpload {
    upload: Box<dyn Upload>,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl Upload for SmallUpload {
    async fn write(&mut self, bytes: Bytes) -> PortResult<()> {
        take(&self.left, bytes.len())?;
        self.upload.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> PortResult<String> {
        self.upload.finish().await
    }
}

fn take(left: &AtomicUsize, bytes: usize) -> PortResult<()> {
    let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(bytes));
    let full = || PortError::unavailable("the object store", std::io::Error::from(std::io::ErrorKind::StorageFull));
    taken.map(drop).map_err(|_| full())
}
