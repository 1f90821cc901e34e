//! Recorded traffic: a trace file's text becomes entries with a time, and what is known of each request.
//!
//! Four formats are read: Mooncake's JSON lines, JSON access logs of nginx and Envoy, and HAR 1.2. Parsing is pure;
//! the edge reads the file.

mod access_log;
mod har;
mod line;
mod mooncake;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::plan::ARRIVALS_MAX;

/// How a trace was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "TraceFormat")]
pub enum Format {
    /// Requests to a language model, one JSON object a line: `timestamp` (ms), `input_length` and `output_length`
    /// (tokens), `hash_ids` (blocks of 512 tokens; equal ids are repeated content).
    Mooncake,
    /// nginx's access log with `escape=json`, one object a line: `msec` or `time_iso8601`, `request_method`,
    /// `request_uri`; `request_time` turns the end of a request, which nginx logs, into its start.
    Nginx,
    /// Envoy's JSON access log, one object a line: `start_time`, `method`, `path`, `bytes_received`.
    Envoy,
    /// An HTTP archive (HAR 1.2), as browsers save it.
    Har,
}

/// What a template may take from an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The HTTP method.
    Method,
    /// Path and query.
    Path,
    /// Tokens of the prompt.
    InputLength,
    /// Tokens of the answer.
    OutputLength,
    /// Bytes of the request's body.
    Bytes,
}

/// One recorded request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceEntry {
    /// When it began, in nanoseconds after the first one.
    pub at_ns: u64,
    /// HTTP method, upper case.
    pub method: Option<String>,
    /// Path and query, beginning with `/`.
    pub path: Option<String>,
    /// Bytes of the request's body; from nginx, of the whole request unless `content_length` is logged.
    pub bytes: Option<u64>,
    /// Tokens of the prompt.
    pub input_length: Option<u64>,
    /// Tokens of the answer.
    pub output_length: Option<u64>,
    /// Blocks of [`BLOCK_TOKENS`] tokens each; equal ids are equal content.
    pub hash_ids: Vec<u64>,
}

/// Tokens in one block of a Mooncake trace.
pub const BLOCK_TOKENS: u64 = 512;

/// Longest recording, and largest size or length of an entry: beyond it a number is a mistake of the file.
const SPAN_MAX_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;

/// A recording, in order of time; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    entries: Vec<TraceEntry>,
}

/// The traces that a scenario replays, by index of the workload.
#[derive(Debug, Clone, Default)]
pub struct Traces(BTreeMap<usize, Arc<Trace>>);

/// A trace that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct TraceError {
    /// The file as the user named it.
    pub file: String,
    /// Line, counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong with it, and what to try.
    pub message: String,
}

impl TraceError {
    /// `file:line`, or the file where no line is meant.
    fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) }
    }
}

impl Trace {
    /// Reads the text of a trace file. Entries out of order are sorted, and the first one is time 0.
    ///
    /// # Errors
    /// The first line that cannot be read, and what is wrong with it.
    pub fn parse(format: Format, file: &str, text: &str) -> Result<Self, TraceError> {
        let recorded = match format {
            Format::Mooncake => line::each(text, mooncake::entry),
            Format::Nginx => line::each(text, access_log::nginx),
            Format::Envoy => line::each(text, access_log::envoy),
            Format::Har => har::entries(text),
        };
        let wrong = |(line, message)| TraceError { file: file.to_owned(), line, message };
        Ok(Trace { entries: from_first(recorded.map_err(wrong)?).map_err(wrong)? })
    }

    /// Every entry, in order of time.
    pub fn entries(&self) -> &[TraceEntry] {
        &self.entries
    }

    /// The entry that the pass with this number replays. Numbers beyond the last entry are passes of a replay made
    /// thicker with `--scale`, and begin again at the first.
    pub fn entry(&self, iteration: u64) -> &TraceEntry {
        let last = self.entries.len() - 1;
        &self.entries[usize::try_from(iteration % self.entries.len() as u64).unwrap_or(last)]
    }
}

impl Traces {
    /// Gives the workload with this index its trace.
    pub fn insert(&mut self, workload: usize, trace: Arc<Trace>) {
        self.0.insert(workload, trace);
    }

    /// The trace of a workload.
    pub fn get(&self, workload: usize) -> Option<&Arc<Trace>> {
        self.0.get(&workload)
    }
}

impl Format {
    /// Whether entries of this format can have the field.
    pub fn records(self, field: Field) -> bool {
        match field {
            Field::InputLength | Field::OutputLength => self == Format::Mooncake,
            Field::Method | Field::Path | Field::Bytes => self != Format::Mooncake,
        }
    }

    /// Its word in a scenario.
    pub fn word(self) -> &'static str {
        match self {
            Format::Mooncake => "mooncake",
            Format::Nginx => "nginx",
            Format::Envoy => "envoy",
            Format::Har => "har",
        }
    }
}

impl Field {
    /// Every field, in the order of [`Field::word`].
    pub const ALL: [Field; 5] = [Field::Method, Field::Path, Field::InputLength, Field::OutputLength, Field::Bytes];

    /// Its word in a template.
    pub fn word(self) -> &'static str {
        match self {
            Field::Method => "method",
            Field::Path => "path",
            Field::InputLength => "input_length",
            Field::OutputLength => "output_length",
            Field::Bytes => "bytes",
        }
    }
}

impl TraceEntry {
    /// The text of a field; `None` where this entry was recorded without it.
    pub fn text(&self, field: Field) -> Option<String> {
        match field {
            Field::Method => self.method.clone(),
            Field::Path => self.path.clone(),
            Field::InputLength => self.input_length.map(|tokens| tokens.to_string()),
            Field::OutputLength => self.output_length.map(|tokens| tokens.to_string()),
            Field::Bytes => self.bytes.map(|bytes| bytes.to_string()),
        }
    }
}

/// An entry and when it began, in nanoseconds since some moment of the recording's own.
type Recorded = (i128, TraceEntry);

/// What is wrong, and in which line.
type Wrong = (usize, String);

/// Puts entries in order and counts their time from the first one.
fn from_first(mut recorded: Vec<Recorded>) -> Result<Vec<TraceEntry>, Wrong> {
    if recorded.len() as u64 > ARRIVALS_MAX {
        let count = recorded.len();
        return Err((0, format!("{count} requests are too many; a plan holds {ARRIVALS_MAX}, so cut the file")));
    }
    recorded.sort_by_key(|(at_ns, _)| *at_ns);
    let Some(&(first_ns, _)) = recorded.first() else {
        return Err((0, "there is no request in it".to_owned()));
    };
    let relative = |(at_ns, entry): Recorded| match u64::try_from(at_ns - first_ns) {
        Ok(at_ns) if at_ns <= SPAN_MAX_NS => Ok(TraceEntry { at_ns, ..entry }),
        _ => Err((0, "its requests lie more than a year apart; check the times of the first and last line".to_owned())),
    };
    recorded.into_iter().map(relative).collect()
}

/// The beginning of a text from outside, without control characters.
fn shown(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '.' } else { c }).collect()
}
