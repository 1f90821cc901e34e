//! One request and its answer, in whichever version of HTTP: what both hold, apart from how they travel.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::broken::Broken;

/// Most content of an answer; a larger one counts as broken.
pub(super) const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Largest head of an answer; a larger one is malformed.
pub(super) const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most header fields of an answer.
pub(super) const FIELDS_MAX: usize = 100;
/// Most of a file that is read at once where the kernel cannot send it by itself.
const FILE_STEP_BYTES: u64 = 64 * 1024;

/// A piece of content.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Bytes in memory, shared.
    Bytes(Bytes),
    /// A stretch of a file, which the kernel sends without passing through this program's memory where it can.
    File {
        /// Open for reading, shared.
        file: Arc<File>,
        /// Length of the stretch, which begins with the file.
        bytes: u64,
    },
}

impl Piece {
    /// How long it is.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File { bytes, .. } => *bytes,
        }
    }
}

/// Reads the next bytes of a file of which `left` are still to be sent from `offset` on.
pub(super) fn read_stretch(file: &File, offset: u64, left: u64) -> std::io::Result<Bytes> {
    let mut stretch = vec![0; usize::try_from(left.min(FILE_STEP_BYTES)).unwrap_or(0)];
    file.read_exact_at(&mut stretch, offset)?;
    Ok(Bytes::from(stretch))
}

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    /// Request line and header fields as HTTP/1.1 has them, with the empty line.
    pub(super) head: Bytes,
    /// The content.
    pub(super) pieces: Vec<Piece>,
    /// May be sent again where the server said nothing (RFC 9110 §9.2.2).
    pub(super) is_idempotent: bool,
    /// The method is HEAD, so the answer has no content.
    pub(super) to_head: bool,
    /// What is kept of the answer.
    pub(super) keep: Keep,
}

/// What a flow wants to see of an answer; the rest is counted and let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Keep {
    /// The header fields.
    pub(super) head: bool,
    /// The content.
    pub(super) body: bool,
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Status code.
    pub(super) status: u16,
    /// Content, if it was to be kept.
    pub(super) body: Bytes,
    /// Length of the content.
    pub(super) body_bytes: u64,
    /// Status line and header fields as HTTP/1.1 has them, if they were to be kept.
    head: Bytes,
}

impl Answer {
    /// Keeps the header fields: a whole head as HTTP/1.1 has it.
    pub(super) fn keep_head(&mut self, head: &[u8]) {
        self.head = Bytes::copy_from_slice(head);
    }

    /// An answer that another client has read; its fields are kept.
    #[cfg(feature = "goose")]
    pub(super) fn of((status, fields): (u16, &HeaderMap), body: Bytes) -> Self {
        let head = Bytes::from(head_of(status, fields, &HeaderMap::new()));
        Self { status, body_bytes: body.len() as u64, body, head }
    }

    /// The value of a header field, by its lower-case name; only if the head was to be kept.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        response.parse(&self.head).ok()?;
        let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok()
    }
}

/// A head as HTTP/1.1 has it, of the fields of an answer: those at its end, which know more, before those at its start.
pub(super) fn head_of(status: u16, fields: &HeaderMap, trailers: &HeaderMap) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in trailers.iter().chain(fields) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// What came of one exchange.
pub(super) struct Exchange {
    /// The whole answer.
    pub(super) answer: Answer,
    /// When its first byte was read.
    pub(super) first_byte_ns: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed {
    /// The error class.
    pub(super) broken: Broken,
    /// Sending it again does nothing twice: the server said nothing and the request is idempotent.
    pub(super) repeatable: bool,
}
