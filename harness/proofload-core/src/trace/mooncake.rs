//! Mooncake's JSON lines (kvcache-ai/Mooncake, FAST25-release/traces): requests to a language model.

use super::line::Line;
use super::{Recorded, TraceEntry};

pub(super) fn entry(line: &Line) -> Result<Recorded, String> {
    let at_ns = line.decimal_ns("timestamp", 1_000_000)?;
    let at_ns = at_ns.ok_or("`timestamp` is not there; milliseconds from the start are expected")?;
    let input_length = line.count("input_length")?;
    let input_length = input_length.ok_or("`input_length` is not there; a number of tokens is expected")?;
    let entry = TraceEntry {
        input_length: Some(input_length),
        output_length: line.count("output_length")?,
        hash_ids: line.counts("hash_ids")?,
        ..TraceEntry::default()
    };
    Ok((at_ns, entry))
}
