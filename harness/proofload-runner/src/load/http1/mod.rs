//! HTTP/1.1 as the load speaks it (RFC 9112): requests rendered once, answers read without a copy that nobody asked for.
//!
//! The load path is what proofload exists for, so the codec is ours: hyper costs a fifth more CPU per request
//! (`facts/load-engine.md` §2.1), and does not say when the first byte came. `httparse` reads the heads.

mod connection;
mod decode;
mod outgoing;
mod stream;

#[cfg(feature = "goose")]
pub(super) use connection::ANSWER_BYTES_MAX;
pub(super) use connection::{Connection, Exchange};
pub(super) use decode::{Answer, Keep};
pub(super) use outgoing::Outgoing;
pub(crate) use outgoing::Piece;
pub(super) use stream::Stream;
