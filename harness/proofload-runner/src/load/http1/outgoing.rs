//! What of a request is still to be sent.

use std::fs::File;

use bytes::Bytes;

use crate::load::exchange::{Outgoing, Piece, read_stretch};

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
        self.bytes = read_stretch(file, offset, left)?;
        self.advance_file(self.bytes.len() as u64);
        Ok(())
    }
}
