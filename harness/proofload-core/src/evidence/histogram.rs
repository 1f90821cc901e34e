//! A histogram as it is stored: HdrHistogram V2, deflated, base64, as in `.hlog` files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use super::stored::{Reader, value_at};

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
    pub(super) fn check(&self, reader: &mut Reader) -> Result<(), String> {
        if self.0.is_empty() || reader.read(&self.0).is_some() {
            return Ok(());
        }
        Err("a histogram of the record is damaged".to_owned())
    }

    /// The live histogram; empty if the stored text was damaged.
    pub fn thaw(&self) -> hdrhistogram::Histogram<u64> {
        Self::merge([self])
    }

    /// Adds all of several frozen histograms.
    pub fn merge<'h>(all: impl IntoIterator<Item = &'h Histogram>) -> hdrhistogram::Histogram<u64> {
        let mut sum = Sum::new();
        for histogram in all {
            sum.add(histogram);
        }
        sum.take()
    }

    /// The longest time, µs; `None` of an empty histogram.
    pub(crate) fn longest(&self, reader: &mut Reader) -> Option<u64> {
        let (index, _) = *reader.read(&self.0)?.counts.last()?;
        Some(value_at(index + 1) - 1)
    }

    /// The stored text, which is what a line of an interval log holds.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// A sum of frozen histograms that is still growing.
pub(crate) struct Sum {
    reader: Reader,
    counts: Vec<u64>,
    highest: u64,
}

impl Sum {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { reader: Reader::new(), counts: Vec::new(), highest: 2 }
    }

    /// Adds one bucket by bucket; nothing if the stored text was damaged.
    pub(crate) fn add(&mut self, histogram: &Histogram) {
        if histogram.0.is_empty() {
            return;
        }
        let Some(stored) = self.reader.read(&histogram.0) else { return };
        self.highest = self.highest.max(stored.highest);
        if let Some((last, _)) = stored.counts.last()
            && *last >= self.counts.len()
        {
            self.counts.resize(last + 1, 0);
        }
        for (index, count) in stored.counts {
            self.counts[*index] = self.counts[*index].saturating_add(*count);
        }
    }

    /// The sum as a live histogram with the range of the widest; the next sum begins at nothing.
    pub(crate) fn take(&mut self) -> hdrhistogram::Histogram<u64> {
        let mut live = Histogram::live_up_to(std::mem::replace(&mut self.highest, 2));
        for (index, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            live.record_n(value_at(index), *count).expect("a resizing histogram takes every value");
        }
        self.counts.clear();
        live
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
