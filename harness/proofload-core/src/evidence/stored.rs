//! Reads stored histograms: from the text straight to the counts of its buckets, which lie at the same places in every
//! one of them. Making a live histogram of each second only to add it to another takes several times as long.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};

/// First bytes of the deflated encoding and of what is inside: `V2CompressedEncodingCookieBase` and
/// `V2EncodingCookieBase` of HdrHistogram's `AbstractHistogram.java`, with the word size 1.
const DEFLATED: u32 = 0x1c84_9314;
const PLAIN: u32 = 0x1c84_9313;
/// Bytes before the counts: cookie, length of the counts, offset, digits, lowest and highest value, ratio.
const HEAD_BYTES: usize = 40;
/// Values below twice this have a bucket each, at three digits; from there on, so many share each power of two.
const HALF: u64 = 1024;
/// Buckets of every value there is, at three digits.
const BUCKETS_MAX: usize = 55 * 1024;
/// Longest encoding of them: a count takes nine bytes at most.
const PLAIN_BYTES_MAX: usize = HEAD_BYTES + 9 * BUCKETS_MAX;
/// Room for most encodings from the start.
const PLAIN_BYTES: usize = 16 * 1024;

/// What it takes to read histograms one after the other.
pub(crate) struct Reader {
    packed: Vec<u8>,
    plain: Vec<u8>,
    inflate: Decompress,
    counts: Vec<(usize, u64)>,
}

/// What a stored histogram holds.
pub(super) struct Stored<'r> {
    /// The highest value that it has room for.
    pub(super) highest: u64,
    /// Index and count of every bucket that is not empty, ascending.
    pub(super) counts: &'r [(usize, u64)],
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            packed: Vec::new(),
            plain: Vec::with_capacity(PLAIN_BYTES),
            inflate: Decompress::new(true),
            counts: Vec::new(),
        }
    }

    /// Reads one; `None` where the text is damaged or has another resolution.
    pub(super) fn read(&mut self, text: &str) -> Option<Stored<'_>> {
        self.packed.clear();
        STANDARD.decode_vec(text, &mut self.packed).ok()?;
        let (head, rest) = self.packed.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let deflated = rest.get(..u32::from_be_bytes(*length) as usize)?;
        if u32::from_be_bytes(*head) != DEFLATED {
            return None;
        }
        inflate(&mut self.inflate, deflated, &mut self.plain)?;
        let (highest, encoded) = head_and_counts(&self.plain)?;
        decode(encoded, buckets(highest), &mut self.counts)?;
        Some(Stored { highest, counts: &self.counts })
    }
}

/// The lowest value of a bucket.
pub(super) fn value_at(index: usize) -> u64 {
    let index = index as u64;
    match (index / HALF).checked_sub(1) {
        Some(doublings) => (index % HALF + HALF) << doublings,
        None => index,
    }
}

/// How many buckets a histogram has whose highest value is this.
fn buckets(highest: u64) -> usize {
    let doublings = (2 * HALF - 1).leading_zeros() - (highest | (2 * HALF - 1)).leading_zeros();
    (doublings as usize + 2) * 1024
}

fn inflate(inflate: &mut Decompress, deflated: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    inflate.reset(true);
    plain.clear();
    loop {
        let taken = usize::try_from(inflate.total_in()).ok()?;
        let status = inflate.decompress_vec(deflated.get(taken..)?, plain, FlushDecompress::Finish).ok()?;
        if status == Status::StreamEnd {
            return Some(());
        }
        // Either the room was too small, or the text ends too early.
        if plain.len() < plain.capacity() || plain.len() >= PLAIN_BYTES_MAX {
            return None;
        }
        plain.reserve(plain.len().max(PLAIN_BYTES));
    }
}

/// The highest value, and the encoded counts; `None` unless it is of microseconds at three digits.
fn head_and_counts(plain: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = plain.split_first_chunk::<HEAD_BYTES>()?;
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
    let (cookie, length, offset, digits) = (word(0), word(4), word(8), word(12));
    let (lowest, highest, ratio) = (long(16), long(24), f64::from_bits(long(32)));
    let is_ours = (cookie, offset, digits, lowest, ratio.to_bits()) == (PLAIN, 0, 3, 1, 1.0_f64.to_bits());
    (is_ours && highest >= 2).then_some((highest, rest.get(..length as usize)?))
}

/// Counts in the order of buckets, each a number: positive for a count, negative for so many empty buckets.
fn decode(encoded: &[u8], buckets: usize, counts: &mut Vec<(usize, u64)>) -> Option<()> {
    counts.clear();
    let (mut rest, mut index) = (encoded, 0_usize);
    while !rest.is_empty() {
        let zig_zag;
        (zig_zag, rest) = number(rest)?;
        let half = zig_zag >> 1;
        if zig_zag & 1 == 1 {
            index = index.checked_add(usize::try_from(half).ok()?.checked_add(1)?)?;
            continue;
        }
        if half > 0 {
            if index >= buckets {
                return None;
            }
            counts.push((index, half));
        }
        index += 1;
    }
    Some(())
}

/// The next LEB128 number, in at most nine bytes; the ninth is whole.
#[inline]
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        let (bits, is_last) = if place == 8 { (*byte, true) } else { (byte & 0x7f, byte & 0x80 == 0) };
        value |= u64::from(bits) << (7 * place);
        if is_last {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram as Live;
    use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

    use super::super::Histogram;
    use super::*;
    use crate::plan::draw;

    fn text(live: &Live<u64>) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(live, &mut bytes).unwrap();
        STANDARD.encode(bytes)
    }

    /// Made-up times, some of them many times over, up to about `longest_us`.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made up")]
    fn times(stream: u64, count: u64, longest_us: u64) -> Live<u64> {
        let mut live = Histogram::live();
        for number in 0..count {
            let us = (draw(stream, number).powi(4) * longest_us as f64) as u64;
            live.record_n(us, 1 + (draw(stream + 1, number).powi(20) * 1e12) as u64).unwrap();
        }
        live
    }

    fn all() -> Vec<Live<u64>> {
        let mut all = vec![times(1, 1, 1), times(2, 1, 86_400_000_000), times(3, 100_000, 2_047)];
        all.extend((0..40).map(|power| times(10 + power, 3 << (power % 14), 1 << power)));
        // Beyond every range that a run has.
        let mut extreme = Histogram::live();
        for value in [0, 1, 2_047, 2_048, u64::MAX] {
            extreme.record(value).unwrap();
        }
        all.push(extreme);
        all
    }

    /// What HdrHistogram's own reader makes of the text.
    fn as_others_read(text: &str) -> Live<u64> {
        let bytes = STANDARD.decode(text).unwrap();
        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
    }

    #[test]
    fn every_bucket_is_where_others_read_it() {
        let mut reader = Reader::new();
        for live in all() {
            let text = text(&live);
            let theirs = as_others_read(&text);
            let stored = reader.read(&text).unwrap();
            assert_eq!(stored.highest, theirs.high());
            let recorded = theirs.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value()));
            let read = stored.counts.iter().map(|(index, count)| (theirs.highest_equivalent(value_at(*index)), *count));
            assert!(read.eq(recorded), "up to {}", theirs.max());
        }
    }

    #[test]
    fn a_sum_is_what_adding_one_by_one_makes() {
        let frozen: Vec<Histogram> = all().iter().map(Histogram::freeze).collect();
        let mut slowly = Histogram::live();
        for histogram in &frozen {
            slowly.add(as_others_read(histogram.text())).unwrap();
        }
        let sum = Histogram::merge(&frozen);
        assert_eq!((&sum, sum.high()), (&slowly, slowly.high()));
        assert_eq!((sum.min(), sum.max(), sum.len()), (slowly.min(), slowly.max(), slowly.len()));
        // A sum that is read back is the same text again.
        let again = Histogram::freeze(&sum);
        assert_eq!(Histogram::freeze(&again.thaw()), again);
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        let mut reader = Reader::new();
        let good = text(&times(7, 5_000, 3_000_000));
        let mut refused = |text: &str| reader.read(text).is_none();
        assert!(!refused(&good));
        assert!(refused("") && refused("no base64!") && refused("AAAA"));
        assert!((0..good.len()).step_by(7).all(|length| refused(&good[..length])));
        let bytes = STANDARD.decode(&good).unwrap();
        for at in (0..bytes.len()).step_by(11) {
            let mut bent = bytes.clone();
            bent[at] ^= 0x40;
            assert!(refused(&STANDARD.encode(bent)), "byte {at} of {}", bytes.len());
        }
        // Another resolution has other buckets.
        assert!(refused(&text(&Live::new(2).unwrap())));
        assert!(refused(&text(&Live::new_with_bounds(1_000, 1_000_000, 3).unwrap())));
    }

    #[test]
    fn counts_beyond_the_declared_range_are_damage() {
        let check = |encoded: &[u8], expected: Option<&[(usize, u64)]>| {
            let mut counts = Vec::new();
            let read = decode(encoded, buckets(2_047), &mut counts);
            assert_eq!(read.map(|()| counts.as_slice()), expected, "{encoded:?}");
        };
        // Two of the first bucket, three empty ones, one of the fifth.
        check(&[4, 5, 2], Some(&[(0, 2), (4, 1)]));
        // 2,047 empty buckets, then one sample: in the last of 2,048. One empty bucket more is one too many.
        check(&[0xfd, 0x1f, 2], Some(&[(2_047, 1)]));
        check(&[0xff, 0x1f, 2], None);
        check(&[0x80], None);
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], None);
    }
}
