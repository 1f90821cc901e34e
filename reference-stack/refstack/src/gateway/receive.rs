//! Takes one file in as it arrives: looks at its first bytes, hashes it, and passes it on to the object store piece by piece.

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

use super::Gateway;
use super::form::Part;
use super::problem::{Code, Problem};
use crate::defect::Defect;
use crate::hex::hex;
use crate::ports::objects::Upload;
use crate::sniff::{SNIFF_BYTES, image_kind};

/// Where the bytes of a file go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'n> {
    /// To the object store, under a name.
    Store(&'n str),
    /// Nowhere: only its digest is wanted.
    Digest,
}

/// A file that has arrived whole, but is not yet to be found in the store.
pub(crate) struct Received {
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
    upload: Option<Box<dyn Upload>>,
}

impl Received {
    /// Makes the file durable; returns its object key, empty when only the digest was wanted.
    pub(crate) async fn keep(self) -> Result<String, Problem> {
        match self.upload {
            Some(upload) => Ok(upload.finish().await?),
            None => Ok(String::new()),
        }
    }
}

/// Receives the file in `part`.
pub(crate) async fn receive(gateway: &Gateway, mut part: Part<'_>, target: Target<'_>) -> Result<Received, Problem> {
    let (head, mut ended) = head_of(&mut part).await?;
    check_head(gateway, &head)?;
    let mut upload = match target {
        Target::Store(name) => Some(gateway.ports.objects.begin(name).await?),
        Target::Digest => None,
    };
    let mut hash = Sha256::new();
    let mut next = head;
    loop {
        hash.update(&next);
        if let Some(upload) = &mut upload {
            upload.write(next).await?;
        }
        if ended {
            break;
        }
        next = part.chunk().await?.unwrap_or_else(|| {
            ended = true;
            Bytes::new()
        });
    }
    Ok(Received { sha256: hex(&hash.finalize()), upload })
}

/// Refuses what is empty or no image by its first bytes.
pub(crate) fn check_head(gateway: &Gateway, head: &[u8]) -> Result<(), Problem> {
    if head.is_empty() && !gateway.has(Defect::EmptyAccepted) {
        return Err(Problem::bad_request("the file is empty"));
    }
    let unchecked = gateway.has(Defect::TypeUnchecked) || (head.is_empty() && gateway.has(Defect::EmptyAccepted));
    if image_kind(head).is_none() && !unchecked {
        return Err(Problem::new(Code::UnsupportedMediaType, "the file is neither PNG, JPEG nor DICOM"));
    }
    Ok(())
}

/// The first bytes, enough to tell what it is, and whether that was all.
async fn head_of(part: &mut Part<'_>) -> Result<(Bytes, bool), Problem> {
    let mut head = BytesMut::new();
    while head.len() < SNIFF_BYTES {
        match part.chunk().await? {
            Some(chunk) => head.extend_from_slice(&chunk),
            None => return Ok((head.freeze(), true)),
        }
    }
    Ok((head.freeze(), false))
}
