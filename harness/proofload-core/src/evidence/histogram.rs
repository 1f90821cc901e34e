//! A histogram as it is stored: HdrHistogram V2, deflated, base64, as in `.hlog` files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Longest time that is told apart from longer ones, µs: a day. What took longer is recorded as this.
pub const MICROS_MAX: u64 = 86_400_000_000;

/// A frozen histogram of microseconds at three significant digits; the empty text is the empty histogram.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(String);

impl Histogram {
    /// An empty live histogram with the resolution used everywhere: microseconds, three digits, growing as needed.
    pub fn live() -> hdrhistogram::Histogram<u64> {
        hdrhistogram::Histogram::new(3).expect("three digits are within the library's 0 to 5")
    }

    /// The same, with room for values up to `longest_us` from the start: recording those takes no memory.
    pub fn live_up_to(longest_us: u64) -> hdrhistogram::Histogram<u64> {
        let mut live = hdrhistogram::Histogram::new_with_bounds(1, longest_us.max(2), 3)
            .expect("1 and something above it are bounds, and three digits are within 0 to 5");
        live.auto(true);
        live
    }

    /// Freezes a live histogram.
    pub fn freeze(live: &hdrhistogram::Histogram<u64>) -> Self {
        if live.is_empty() {
            return Self::default();
        }
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(live, &mut bytes).expect("writing to memory cannot fail");
        Self(STANDARD.encode(bytes))
    }

    /// Whether the stored text can be read.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.0.is_empty() || self.read().is_some() {
            return Ok(());
        }
        Err("a histogram of the record is damaged".to_owned())
    }

    /// The live histogram; empty if the stored text was damaged.
    pub fn thaw(&self) -> hdrhistogram::Histogram<u64> {
        if self.0.is_empty() {
            return Self::live();
        }
        self.read().unwrap_or_else(Self::live)
    }

    fn read(&self) -> Option<hdrhistogram::Histogram<u64>> {
        let bytes = STANDARD.decode(&self.0).ok()?;
        let mut live: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        // What was stored had grown as needed, and so must what is added to it.
        live.auto(true);
        Some(live)
    }

    /// Adds all of several frozen histograms.
    pub fn merge<'h>(all: impl IntoIterator<Item = &'h Histogram>) -> hdrhistogram::Histogram<u64> {
        let mut sum = Self::live();
        for histogram in all {
            Self::add(&mut sum, histogram.thaw());
        }
        sum
    }

    /// Adds a thawed histogram to a sum. The one of the wider range takes in the other: where both have the same, counts
    /// are added as they lie, which is several times quicker.
    pub(crate) fn add(sum: &mut hdrhistogram::Histogram<u64>, mut other: hdrhistogram::Histogram<u64>) {
        if sum.high() < other.high() {
            std::mem::swap(sum, &mut other);
        }
        sum.add(other).expect("a resizing histogram takes every value");
    }
}

/// The distribution function of what was recorded: values, ascending, and the share at or below each.
pub(super) fn distribution(of: &hdrhistogram::Histogram<u64>) -> Vec<(u64, f64)> {
    let mut below = 0;
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    let mut point = |value: u64, count: u64| {
        below += count;
        (value, below as f64 / of.len() as f64)
    };
    of.iter_recorded().map(|step| point(step.value_iterated_to(), step.count_since_last_iteration())).collect()
}

/// The ms of a recorded value.
#[expect(clippy::cast_precision_loss, reason = "latencies in µs are far below 2^53")]
pub fn micros_to_ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thawed_histogram_takes_longer_times_than_it_was_frozen_with() {
        let (mut short, mut long) = (Histogram::live(), Histogram::live());
        short.record(5).unwrap();
        long.record(80_000_000).unwrap();
        let mut thawed = Histogram::freeze(&short).thaw();
        thawed.add(&long).unwrap();
        assert_eq!((thawed.len(), thawed.max() > 79_000_000), (2, true));
    }
}
