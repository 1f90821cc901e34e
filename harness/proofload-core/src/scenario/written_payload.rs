//! Payload sets exactly as their author wrote them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::units::BytesRange;
use crate::source::At;

/// A set of payloads, files or generated, and the way one of them is picked for each use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Payload")]
pub(crate) struct WrittenPayload {
    /// Pattern of files, relative to the scenario; `*` stands for any part of a file name.
    pub(crate) files: Option<At<String>>,
    /// In place of `files`: bytes made from numbers, the same on every machine.
    pub(crate) generate: Option<At<WrittenContent>>,
    /// `generate`: the size, or a range of sizes such as `200KiB..2MiB`.
    pub(crate) bytes: Option<At<BytesRange>>,
    /// `generate`: how many different ones; 64 unless given.
    pub(crate) count: Option<At<u32>>,
    /// `generate`, in place of `bytes`: a payload for each entry of the replayed trace, as long as its input, with
    /// equal blocks where it had equal `hash_ids`.
    pub(crate) from: Option<At<WrittenFrom>>,
    /// `from: trace`: bytes that stand for a token; 4 unless given.
    pub(crate) bytes_per_token: Option<At<u32>>,
    /// How one is picked; `cycle` unless given.
    pub(crate) pick: Option<At<WrittenPick>>,
    /// The exponent of `zipf`; 1.1 unless given.
    pub(crate) exponent: Option<At<f64>>,
}

/// What made bytes look like.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Content")]
pub(crate) enum WrittenContent {
    /// Any bytes; they do not compress.
    Bytes,
    /// ASCII letters and digits: they can stand inside JSON as they are.
    Text,
}

/// What says the content of each payload.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "PayloadFrom")]
pub(crate) enum WrittenFrom {
    /// The entry of the trace that is replayed.
    Trace,
}

/// How a payload is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Pick")]
pub(crate) enum WrittenPick {
    /// One after the other.
    Cycle,
    /// Each as likely.
    Uniform,
    /// The k-th file with weight 1/k^exponent.
    Zipf,
    /// By the content of the replayed entry: equal `hash_ids`, or without them an equal path, take an equal payload.
    Trace,
}
