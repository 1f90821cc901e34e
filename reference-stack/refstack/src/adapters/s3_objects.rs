//! Objects in an S3 bucket. An upload is gathered in a nameless file and sent when it is whole: a thousand slow clients hold
//! files, not memory, and a process that is killed leaves neither file nor half an object.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload, RetryConfig};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use crate::ports::objects::{Objects, Upload};
use crate::ports::{PortError, PortResult};

const OBJECTS: &str = "the object store";
/// The first part of every key, where the file store names the process that wrote.
const SHARED: &str = "s3";
/// What is larger is sent in parts of this size (S3 takes none below 5 MiB but the last); also the memory that sending takes.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Uploads that are sent at once; the others wait in their files.
const SENDING_MAX: usize = 16;
/// A store that does not answer is told to the client within seconds, who may come again.
const RETRY_TIME_MAX: Duration = Duration::from_secs(6);
const RETRIES_MAX: usize = 3;

/// The object store in a bucket.
pub struct S3Objects {
    store: Arc<AmazonS3>,
    prefix: String,
    spool: PathBuf,
    /// Taken by each upload that is being sent.
    sending: Arc<Semaphore>,
}

impl S3Objects {
    /// The bucket in `url` (`s3://BUCKET/PREFIX`). Endpoint, region and credentials come from the environment by the names that the
    /// tools of S3 go by (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …). Uploads wait in `spool`.
    pub fn open(url: &str, spool: &Path) -> PortResult<Self> {
        let builder = AmazonS3Builder::from_env();
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint).unwrap_or_default();
        // Whoever names an address without TLS means it.
        let builder = builder.with_allow_http(endpoint.starts_with("http://"));
        Self::build(builder, url, spool)
    }

    /// As [`S3Objects::open`], with an endpoint and credentials of one's own.
    pub fn open_at(endpoint: &str, (key, secret): (&str, &str), url: &str, spool: &Path) -> PortResult<Self> {
        let builder = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_region("us-east-1")
            .with_access_key_id(key)
            .with_secret_access_key(secret)
            .with_allow_http(true);
        Self::build(builder, url, spool)
    }

    fn build(builder: AmazonS3Builder, url: &str, spool: &Path) -> PortResult<Self> {
        let (bucket, prefix) = bucket_and_prefix(url).ok_or_else(|| unavailable("write it as s3://BUCKET/PREFIX"))?;
        std::fs::create_dir_all(spool).map_err(unavailable)?;
        let store = builder.with_bucket_name(bucket).with_retry(retries()).build().map_err(unavailable)?;
        let sending = Arc::new(Semaphore::new(SENDING_MAX));
        Ok(Self { store: Arc::new(store), prefix: prefix.to_owned(), spool: spool.to_owned(), sending })
    }

    /// Where the object under `key` lies in the bucket.
    fn place(&self, key: &str) -> Key {
        let name = key.strip_prefix(SHARED).unwrap_or(key);
        Key::from(format!("{}/{name}", self.prefix))
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn begin(&self, name: &str) -> PortResult<Box<dyn Upload>> {
        let spool = self.spool.clone();
        let file = tokio::task::spawn_blocking(move || tempfile::tempfile_in(spool));
        let file = file.await.map_err(unavailable)?.map_err(unavailable)?;
        let key = format!("{SHARED}/{name}");
        let place = self.place(&key);
        let (store, sending) = (Arc::clone(&self.store), Arc::clone(&self.sending));
        Ok(Box::new(Spooled { store, sending, key, place, file: File::from_std(file), bytes: 0 }))
    }

    async fn get(&self, key: &str) -> PortResult<Bytes> {
        let read = async { self.store.get(&self.place(key)).await?.bytes().await };
        read.await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => PortError::Missing { what: OBJECTS, name: key.to_owned() },
            other => unavailable(other),
        })
    }

    async fn put(&self, name: &str, bytes: Bytes) -> PortResult<String> {
        let key = format!("{SHARED}/{name}");
        self.store.put(&self.place(&key), PutPayload::from(bytes)).await.map_err(unavailable)?;
        Ok(key)
    }

    async fn delete(&self, key: &str) -> PortResult<()> {
        match self.store.delete(&self.place(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// An upload on its way in.
struct Spooled {
    store: Arc<AmazonS3>,
    sending: Arc<Semaphore>,
    key: String,
    place: Key,
    file: File,
    bytes: usize,
}

#[async_trait]
impl Upload for Spooled {
    async fn write(&mut self, bytes: Bytes) -> PortResult<()> {
        self.bytes += bytes.len();
        self.file.write_all(&bytes).await.map_err(unavailable)
    }

    async fn finish(mut self: Box<Self>) -> PortResult<String> {
        let sending = Arc::clone(&self.sending);
        let _turn = sending.acquire().await.map_err(unavailable)?;
        self.file.flush().await.map_err(unavailable)?;
        self.file.seek(SeekFrom::Start(0)).await.map_err(unavailable)?;
        if self.bytes <= PART_BYTES {
            let whole = self.part().await?;
            self.store.put(&self.place, PutPayload::from(whole)).await.map_err(unavailable)?;
        } else {
            let mut upload = self.store.put_multipart(&self.place).await.map_err(unavailable)?;
            if let Err(error) = self.send(&mut *upload).await {
                // What cannot be taken back either is for the bucket's lifecycle rule.
                let _ = upload.abort().await;
                return Err(error);
            }
        }
        Ok(self.key)
    }
}

impl Spooled {
    async fn send(&mut self, upload: &mut dyn MultipartUpload) -> PortResult<()> {
        loop {
            let part = self.part().await?;
            if part.is_empty() {
                break;
            }
            upload.put_part(PutPayload::from(part)).await.map_err(unavailable)?;
        }
        upload.complete().await.map(drop).map_err(unavailable)
    }

    async fn part(&mut self) -> PortResult<Bytes> {
        let mut part = BytesMut::with_capacity(PART_BYTES.min(self.bytes));
        let mut file = (&mut self.file).take(PART_BYTES as u64);
        while file.read_buf(&mut part).await.map_err(unavailable)? > 0 {}
        Ok(part.freeze())
    }
}

fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIME_MAX, ..RetryConfig::default() }
}

fn bucket_and_prefix(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, prefix.trim_end_matches('/')))
}

fn unavailable(error: impl std::fmt::Display) -> PortError {
    PortError::unavailable(OBJECTS, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_bucket() {
        assert_eq!(bucket_and_prefix("s3://b"), Some(("b", "")));
        assert_eq!(bucket_and_prefix("s3://b/"), Some(("b", "")));
        assert_eq!(bucket_and_prefix("s3://b/a/c/"), Some(("b", "a/c")));
        for wrong in ["", "b", "s3://", "s3:///a", "https://b/a"] {
            assert_eq!(bucket_and_prefix(wrong), None, "{wrong}");
        }
    }
}
