//! What coordinator and workers say to each other: frames of a length and that much JSON.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use proofload_core::environment::{HttpVersion, Pacing};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::load::{Control, GeneratorEvent};

/// What both sides must be of: a version of proofload, and of what is said here; the latter changes when a message does.
pub(super) const SPOKEN: &str = concat!(env!("CARGO_PKG_VERSION"), " (messages 2)");
/// Largest frame; a second of many steps takes a few megabytes at most.
const FRAME_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// What a worker is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The scenario's file, for messages.
    pub scenario_file: PathBuf,
    /// Its text.
    pub scenario_text: String,
    /// Where its payloads, traces and data lie.
    pub folder: PathBuf,
    /// What every rate is multiplied by.
    pub scale: f64,
    /// Everything random comes from it.
    pub seed: u64,
    /// The run's id.
    pub run_id: String,
    /// The number of this worker's first shard.
    pub shard_first: u32,
    /// How many shards are its own: one thread each.
    pub shards: u32,
    /// How many shards there are over all workers.
    pub shards_total: u32,
    /// How each system is reached.
    pub systems: Vec<AssignedSystem>,
    /// How its threads wait for an arrival.
    pub pacing: Pacing,
    /// Certificate authorities to trust beside those of the machine, as PEM texts.
    pub authorities: Vec<String>,
}

/// A system as a worker reaches it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedSystem {
    /// Its name.
    pub name: String,
    /// Base URL; the worker resolves it where it is.
    pub url: String,
    /// The version of HTTP that is spoken.
    pub http: HttpVersion,
    /// Base URL of its gRPC calls.
    pub grpc_url: String,
    /// `Authorization` values by token source.
    pub tokens: BTreeMap<String, String>,
}

impl std::fmt::Debug for AssignedSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Tokens are secrets.
        f.debug_struct("AssignedSystem").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

/// To a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// What it is to do.
    Assignment(Box<Assignment>),
    /// The answer to a ping, and when it was given on the coordinator's clock.
    Pong { here_ns: u64 },
    /// The axis of the run begins then, on the coordinator's clock.
    Start { zero_ns: u64 },
    /// As a shard is told.
    Control(Control),
}

/// To the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToCoordinator {
    /// Who joins, with what it was given to prove that it was asked for.
    Hello { token: String, version: String, pid: u32 },
    /// To learn the coordinator's clock.
    Ping,
    /// Everything is in place; the coordinator's clock is known this well.
    Ready { uncertainty_ns: u64 },
    /// It cannot be done, in a sentence.
    Refused { why: String },
    /// What its shards tell.
    Event(GeneratorEvent),
}

/// Writes one frame.
pub(super) async fn write<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), message: &T) -> io::Result<()> {
    let json = serde_json::to_vec(message).map_err(io::Error::other)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length <= FRAME_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("a frame is too long"))?;
    let mut frame = Vec::with_capacity(json.len() + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&json);
    to.write_all(&frame).await
}

/// Reads one frame; `None` where the other side has gone between two.
pub(super) async fn read<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let length = match from.read_u32().await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        length => length?,
    };
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut json = Vec::new();
    // Grows as it comes, so that a length alone costs no memory.
    from.take(u64::from(length)).read_to_end(&mut json).await?;
    if json.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&json).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_out_as_they_went_in() {
        let (mut here, mut there) = tokio::io::duplex(64);
        let sent = tokio::spawn(async move {
            for number in 0..3u32 {
                write(&mut here, &vec![number; 100]).await.unwrap();
            }
        });
        for number in 0..3u32 {
            assert_eq!(read::<Vec<u32>>(&mut there).await.unwrap().unwrap(), vec![number; 100]);
        }
        assert!(read::<Vec<u32>>(&mut there).await.unwrap().is_none());
        sent.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused() {
        let check = async |bytes: &[u8], expected: &str| {
            let error = read::<Vec<u32>>(&mut &*bytes).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(&[255, 255, 255, 255], "too long").await;
        check(&[0, 0, 0, 9, b'['], "end of file").await;
        check(&[0, 0, 0, 2, b'{', b'}'], "invalid type").await;
    }
}
