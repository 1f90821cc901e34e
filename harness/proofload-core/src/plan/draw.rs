//! Numbers from a seed that need no running generator.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A number in (0, 1] that depends on the seed and the number of the draw alone.
pub fn draw(seed: u64, number: u64) -> f64 {
    // Spreads neighbouring numbers over the whole key (the golden-ratio constant of splitmix64).
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    unit_open(rng.next_u64())
}

/// Spreads a pair of numbers over all 64 bits; of one number too, with 0 beside it (the finaliser of splitmix64, Steele,
/// Lea & Flood 2014).
pub(crate) fn mix(key: u64, word: u64) -> u64 {
    let mut z = key.wrapping_add(word.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number in (0, 1] from 53 of the bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
pub(super) fn unit_open(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}
