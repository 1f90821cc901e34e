//! A request that is ready to be sent: its head in bytes, its content in pieces that are never copied.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::decode::Keep;

/// A piece of content.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Bytes in memory, shared.
    Bytes(Bytes),
    /// A stretch of a file, which the kernel sends without passing through this program's memory.
    File {
        /// Open for reading, shared.
        file: Arc<File>,
        /// Length of the stretch, which begins with the file.
        bytes: u64,
    },
}

impl Piece {
    /// How long it is.
    pub(in crate::load) fn bytes(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File { bytes, .. } => *bytes,
        }
    }
}

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub(in crate::load) struct Outgoing {
    /// Request line and header fields, with the empty line.
    pub(in crate::load) head: Bytes,
    /// The content.
    pub(in crate::load) pieces: Vec<Piece>,
    /// May be sent again where the server said nothing (RFC 9110 §9.2.2).
    pub(in crate::load) is_idempotent: bool,
    /// The method is HEAD, so the answer has no content.
    pub(in crate::load) to_head: bool,
    /// What is kept of the answer.
    pub(in crate::load) keep: Keep,
}

/// Most of a file that is read at once where the kernel cannot send it by itself.
const FILE_STEP_BYTES: u64 = 64 * 1024;

/// What of a request has not been sent yet.
pub(super) struct Unsent<'o> {
    /// The head, then the bytes of the piece at hand.
    pub(super) bytes: Bytes,
    pieces: std::slice::Iter<'o, Piece>,
    file: Option<(&'o File, u64, u64)>,
}

impl<'o> Unsent<'o> {
    pub(super) fn new(outgoing: &'o Outgoing) -> Self {
        Self { bytes: outgoing.head.clone(), pieces: outgoing.pieces.iter(), file: None }
    }

    /// Goes on to the next piece once the bytes at hand are sent; `false` when everything is.
    pub(super) fn turn(&mut self) -> bool {
        while self.bytes.is_empty() && self.file.is_none() {
            match self.pieces.next() {
                None => return false,
                Some(Piece::Bytes(bytes)) => self.bytes = bytes.clone(),
                Some(Piece::File { bytes: 0, .. }) => {}
                Some(Piece::File { file, bytes }) => self.file = Some((file, 0, *bytes)),
            }
        }
        true
    }

    /// The piece after the bytes at hand, where it is bytes too: both can leave in one call.
    pub(super) fn next_bytes(&self) -> &'o [u8] {
        match self.pieces.as_slice().first() {
            Some(Piece::Bytes(bytes)) if self.file.is_none() => bytes,
            _ => &[],
        }
    }

    /// `sent` bytes of those at hand, and then of the next piece, have left.
    pub(super) fn advance(&mut self, sent: usize) {
        let of_these = sent.min(self.bytes.len());
        bytes::Buf::advance(&mut self.bytes, of_these);
        if sent > of_these {
            self.turn();
            bytes::Buf::advance(&mut self.bytes, sent - of_these);
        }
    }

    /// The file at hand: itself, where to go on, and how much is left.
    pub(super) fn file(&self) -> Option<(&'o File, u64, u64)> {
        self.file.filter(|_| self.bytes.is_empty())
    }

    /// `sent` bytes of the file at hand have left.
    pub(super) fn advance_file(&mut self, sent: u64) {
        self.file = self.file.and_then(|(file, offset, left)| {
            let left = left.saturating_sub(sent);
            (left > 0).then_some((file, offset + sent, left))
        });
    }

    /// Reads the next stretch of the file at hand into the bytes at hand.
    pub(super) fn read_file(&mut self) -> std::io::Result<()> {
        let Some((file, offset, left)) = self.file() else { return Ok(()) };
        let mut stretch = vec![0; usize::try_from(left.min(FILE_STEP_BYTES)).unwrap_or(0)];
        file.read_exact_at(&mut stretch, offset)?;
        self.advance_file(stretch.len() as u64);
        self.bytes = Bytes::from(stretch);
        Ok(())
    }
}
