//! Names made of the time of day.

use time::OffsetDateTime;
use time::macros::format_description;

/// `run-20261121T101500Z-3fa2`.
pub(crate) fn run_id(unix_ms: u64) -> String {
    id("run", unix_ms)
}

/// `run-20261121T101500Z-3fa2` of any word: sorts by time; the last part keeps two of one second apart.
pub(crate) fn id(word: &str, unix_ms: u64) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let text = moment(unix_ms).format(&format).expect("every part of the format is there");
    let salt = (unix_ms ^ u64::from(std::process::id()).wrapping_mul(0x9E37_79B9)) & 0xffff;
    format!("{word}-{text}-{salt:04x}")
}

fn moment(unix_ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(0);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
