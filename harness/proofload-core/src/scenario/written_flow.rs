//! Steps of a flow exactly as their author wrote them: checks, loops, branches, jobs; and the data files they read.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::units::{Bytes, Span};
use super::written::{WrittenState, WrittenStep};
use crate::source::At;

/// Rows of values, one of which every pass uses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Data")]
pub(crate) struct WrittenData {
    /// A CSV file with a head line, or JSON lines; relative to the scenario.
    pub(crate) file: At<String>,
    /// How a row is picked for each pass; `cycle` unless given.
    pub(crate) pick: Option<WrittenDataPick>,
}

/// How a row is picked.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "DataPick")]
pub(crate) enum WrittenDataPick {
    /// One after the other, by the number of the pass.
    Cycle,
    /// Each as likely.
    Uniform,
}

/// Steps that are walked several times.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Loop")]
pub(crate) struct WrittenLoop {
    /// How many times, 1 to 1000.
    pub(crate) times: At<u32>,
    /// What is done each time, in order.
    pub(crate) steps: Vec<At<WrittenStep>>,
}

/// One of several ways a pass may go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Branch")]
pub(crate) struct WrittenBranch {
    /// Its share of the passes, against the weights of the others.
    pub(crate) weight: At<u32>,
    /// What is done, in order; may be nothing.
    pub(crate) steps: Vec<At<WrittenStep>>,
}

/// A boolean on one answer, counted; the pass goes on whatever it says. One place, and what must hold there:
/// `{ status: 200 }`, `{ json: /state, equals: done }`, `{ json: /items, exists: true }`,
/// `{ header: content-type, contains: json }`, `{ body: , matches: "a+" }`, `{ bytes: 1B..2MiB }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Check")]
pub(crate) struct WrittenCheck {
    /// The status is this, or one of these.
    pub(crate) status: Option<WrittenStatuses>,
    /// A JSON pointer into the body (RFC 6901).
    pub(crate) json: Option<At<String>>,
    /// A response header.
    pub(crate) header: Option<At<String>>,
    /// The body as text; nothing stands after the colon.
    #[serde(default)]
    pub(crate) body: WrittenBody,
    /// The length of the body lies in this range, both ends included.
    pub(crate) bytes: Option<At<ByteRange>>,
    /// The text at the place is exactly this.
    pub(crate) equals: Option<At<String>>,
    /// The text at the place holds this.
    pub(crate) contains: Option<At<String>>,
    /// The text at the place matches this regular expression somewhere.
    pub(crate) matches: Option<At<String>>,
    /// Whether there is anything at the place.
    pub(crate) exists: Option<At<bool>>,
}

/// Whether the word `body` was written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WrittenBody(pub(crate) bool);

impl<'de> Deserialize<'de> for WrittenBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<String>::deserialize(deserializer)?.as_deref() {
            None | Some("") => Ok(WrittenBody(true)),
            Some(_) => Err(de::Error::custom("nothing stands after `body:`; write { body: , contains: TEXT }")),
        }
    }
}

impl JsonSchema for WrittenBody {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WholeBody".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "null" })
    }
}

/// A number or a list of numbers.
#[derive(Debug)]
pub(crate) struct WrittenStatuses(pub(crate) Vec<At<u16>>);

impl<'de> Deserialize<'de> for WrittenStatuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers(Vec<u16>);
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Numbers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status or a list of statuses")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Numbers(vec![u16::try_from(number).unwrap_or(u16::MAX)]))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Numbers(vec![u16::try_from(number).unwrap_or(u16::MAX)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = list.next_element::<u16>()? {
                    numbers.push(number);
                }
                Ok(Numbers(numbers))
            }
        }
        impl<'de> Deserialize<'de> for Numbers {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Reader)
            }
        }
        let spanned = At::<Numbers>::deserialize(deserializer)?;
        let (line, column) = (spanned.line, spanned.column);
        Ok(WrittenStatuses(spanned.value.0.into_iter().map(|value| At { value, line, column }).collect()))
    }
}

impl JsonSchema for WrittenStatuses {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Statuses".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let status = serde_json::json!({ "type": "integer", "minimum": 100, "maximum": 599 });
        schemars::json_schema!({ "anyOf": [status, { "type": "array", "items": status, "minItems": 1 }] })
    }
}

/// A range of sizes, `1B..2MiB`, both ends included; either may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl std::str::FromStr for ByteRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a range of sizes; write 1B..2MiB, ..2MiB or 100B..");
        let size = |text: &str, default: u64| match text.trim() {
            "" => Ok(default),
            plain if plain.chars().all(|c| c.is_ascii_digit()) => plain.parse().map_err(|_| wrong()),
            size => size.parse::<Bytes>().map(|bytes| bytes.0),
        };
        let (min, max) = text.split_once("..").filter(|_| text.trim() != "..").ok_or_else(wrong)?;
        let (min, max) = (size(min, 0)?, size(max, u64::MAX)?);
        if min > max {
            return Err(format!("`{text}` runs backwards; write the smaller size first"));
        }
        Ok(Self { min, max })
    }
}

impl<'de> Deserialize<'de> for ByteRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for ByteRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteRange".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "title": "a range of sizes such as 1B..2MiB", "pattern": r"\.\." })
    }
}

/// A job: submitted before, followed until it ends, entered in the ledger. It is followed by polling, by a webhook or
/// over a WebSocket; beside the latter two, `poll` with a path alone is used for the last look at jobs still open.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Job")]
pub(crate) struct WrittenJob {
    /// What identifies the job in the ledger.
    pub(crate) id: At<String>,
    /// How its state is asked for.
    pub(crate) poll: Option<WrittenPoll>,
    /// Its end is delivered to `{{webhook}}`, an address that an earlier request of the flow sends.
    pub(crate) webhook: Option<At<WrittenWebhook>>,
    /// Its states are read from a WebSocket.
    pub(crate) websocket: Option<At<WrittenWebsocket>>,
    /// When it has succeeded.
    pub(crate) done: WrittenState,
    /// When it has failed; nothing counts as failed unless given.
    pub(crate) failed: Option<WrittenState>,
}

/// How a job's state is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Poll")]
pub(crate) struct WrittenPoll {
    /// Path or URL of the state.
    pub(crate) path: At<String>,
    /// The pause between polls; a longer Retry-After is obeyed up to the timeout.
    pub(crate) every: Option<At<Span>>,
    /// From submission to giving up; the job then stays open and the ledger decides.
    pub(crate) timeout: Option<At<Span>>,
}

/// How a delivery is matched to its job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Webhook")]
pub(crate) struct WrittenWebhook {
    /// Where the delivered JSON holds the job's id.
    pub(crate) id: WrittenWebhookId,
    /// From submission to giving up; the job then stays open, and a later delivery still counts in the ledger.
    pub(crate) timeout: At<Span>,
}

/// Where the delivered JSON holds the job's id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookId")]
pub(crate) struct WrittenWebhookId {
    /// JSON pointer (RFC 6901).
    pub(crate) json: At<String>,
}

/// Where a job's states are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Websocket")]
pub(crate) struct WrittenWebsocket {
    /// Path or URL, on the flow's own system.
    pub(crate) path: At<String>,
    /// From submission to giving up; the job then stays open and the ledger decides.
    pub(crate) timeout: At<Span>,
}
