//! Which blocks make up a generated payload. A recipe is a few numbers; blocks are named one by one while it is sent.

use super::picker::content_key;
use crate::plan::{draw, mix};
use crate::scenario::{PayloadSet, PayloadSource};
use crate::trace::{BLOCK_TOKENS, TraceEntry};

/// Bytes of a block that does not come from a trace.
const OWN_BLOCK_BYTES: u32 = 32 * 1024;

/// What tells blocks apart: equal ids are equal bytes, and different ids different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockId {
    /// A hash id of a trace.
    Recorded(u64),
    /// A block of a payload's own: which payload, which block.
    Own(u64, u64),
}

/// A stretch of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its content.
    pub id: BlockId,
    /// Its bytes.
    pub length: u32,
}

/// How one payload is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe<'t> {
    bytes: u64,
    block_bytes: u32,
    recorded: &'t [u64],
    /// What blocks beyond the recorded ones belong to.
    own: u64,
}

/// How the payload of a set is made that [`super::Picker::pick`] chose, for a pass that replays `entry`; `None` for
/// files, and for a recorded payload without an entry.
pub fn recipe<'t>(set: &PayloadSet, picked: usize, entry: Option<&'t TraceEntry>, seed: u64) -> Option<Recipe<'t>> {
    match set.source {
        PayloadSource::Files(_) => None,
        PayloadSource::Generated { bytes_min, bytes_max, .. } => {
            let of_set = set.name.bytes().fold(0, |key, byte| mix(key ^ u64::from(byte), 0));
            Some(generated(of_set.wrapping_add(picked as u64), (bytes_min, bytes_max), seed))
        }
        PayloadSource::Recorded { bytes_per_token, .. } => entry.map(|entry| recorded(entry, bytes_per_token)),
    }
}

/// Its size lies between the two, drawn from the seed.
fn generated(number: u64, (bytes_min, bytes_max): (u64, u64), seed: u64) -> Recipe<'static> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes are at most 10^15"
    )]
    let above = ((bytes_max - bytes_min) as f64 * draw(seed ^ 0x7369_7a65, number)).round() as u64;
    Recipe { bytes: bytes_min + above, block_bytes: OWN_BLOCK_BYTES, recorded: &[], own: number }
}

/// A block of 512 tokens for each hash id, cut to the entry's input. What
/// is left where the ids end, and all of an entry without ids, is the entry's own, by its path. An entry without an
/// input length is as long as its body was.
fn recorded(entry: &TraceEntry, bytes_per_token: u32) -> Recipe<'_> {
    let bytes = match entry.input_length {
        Some(tokens) => tokens.saturating_mul(u64::from(bytes_per_token)),
        None => entry.bytes.unwrap_or(0),
    };
    let block_bytes = if entry.hash_ids.is_empty() {
        OWN_BLOCK_BYTES
    } else {
        u32::try_from(BLOCK_TOKENS).expect("512") * bytes_per_token
    };
    Recipe { bytes, block_bytes, recorded: &entry.hash_ids, own: mix(content_key(entry), 0) }
}

impl<'t> Recipe<'t> {
    /// Length of the whole payload.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its blocks, in order.
    pub fn blocks(self) -> impl Iterator<Item = Block> + use<'t> {
        let block_bytes = u64::from(self.block_bytes);
        (0..self.bytes.div_ceil(block_bytes)).map(move |number| {
            let id = usize::try_from(number).ok().and_then(|number| self.recorded.get(number));
            let left = self.bytes - number * block_bytes;
            Block {
                id: id.map_or(BlockId::Own(self.own, number), |id| BlockId::Recorded(*id)),
                length: u32::try_from(left.min(block_bytes)).expect("not longer than a block"),
            }
        })
    }
}
