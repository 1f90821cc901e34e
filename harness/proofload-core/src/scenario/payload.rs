//! What flows send besides text: files, or bytes made from numbers, as checked.

/// A set of payloads, and the way one of them is picked for each use.
#[derive(Debug, Clone, PartialEq)]
pub struct PayloadSet {
    /// Name in templates.
    pub name: String,
    /// Where the bytes come from.
    pub source: PayloadSource,
    /// How one is picked; without meaning for [`PayloadSource::Recorded`].
    pub pick: Pick,
}

/// Where the bytes of a payload set come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadSource {
    /// Pattern of files, relative to the scenario's folder.
    Files(String),
    /// So many payloads, made from their numbers.
    Generated {
        /// What they look like.
        content: Content,
        /// Bytes of the smallest.
        bytes_min: u64,
        /// Bytes of the largest; sizes lie evenly between.
        bytes_max: u64,
        /// How many different ones.
        count: u32,
    },
    /// One for each entry of the trace that is replayed: a block for each of its hash ids, as long as its input.
    Recorded {
        /// What they look like.
        content: Content,
        /// Bytes that stand for a token.
        bytes_per_token: u32,
    },
}

/// What made bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Any bytes; they do not compress.
    Bytes,
    /// ASCII letters and digits: they can stand inside JSON as they are.
    Text,
}

/// How a payload is picked for each use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    /// One after the other, by the number of the pass.
    Cycle,
    /// Each as likely.
    Uniform,
    /// The k-th with weight 1/k^exponent.
    Zipf {
        /// Larger prefers the first files more.
        exponent: f64,
    },
    /// By the content that the replayed entry had, so that what was repeated is repeated.
    Trace,
}

impl PayloadSet {
    /// Whether it can be used only where a trace is replayed.
    pub fn needs_trace(&self) -> bool {
        self.pick == Pick::Trace || matches!(self.source, PayloadSource::Recorded { .. })
    }
}
