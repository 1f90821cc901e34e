//! TF Serving's JSON, read as a stream into tensors and written with its number formatting.
//!
//! A 224 × 224 × 3 instance is 1.5 MB of digits, so no tree of values is built. `NaN` and `Infinity` are numbers here, as they are upstream, which
//! is why `serde_json` cannot do this.

mod cursor;
mod request;
mod tensor;
mod write;

pub(crate) use request::{Layout, parse};
pub(crate) use write::predictions;

/// Why a body was refused: TF Serving's sentence where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct JsonError(pub(crate) String);
