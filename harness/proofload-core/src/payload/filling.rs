//! The bytes of generated payloads: slices of one buffer, so that sending them copies nothing.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::recipe::{Block, BlockId};
use crate::plan::mix;
use crate::scenario::Content;

const BUFFER_BYTES: usize = 1024 * 1024;

/// Most bytes of one block after its name: 512 tokens of 64 bytes.
const BLOCK_BYTES_MAX: usize = 32 * 1024;

/// Bytes of a block's name.
const NAME_BYTES: usize = 33;

/// The letters of text: 64, so that six bits choose one; all stand in JSON, URLs and file names as they are.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What generated payloads are cut from. A block is its name, in hexadecimal, and a slice of the buffer that its id
/// chooses. The same on every machine and for every seed.
#[derive(Debug, Clone)]
pub struct Filling {
    buffer: Vec<u8>,
}

impl Filling {
    /// Makes the buffer: 1 MiB.
    pub fn new(content: Content) -> Self {
        let mut buffer = vec![0; BUFFER_BYTES];
        ChaCha8Rng::seed_from_u64(0x7061_796c_6f61_6421).fill_bytes(&mut buffer);
        if content == Content::Text {
            for byte in &mut buffer {
                *byte = LETTERS[usize::from(*byte % 64)];
            }
        }
        Self { buffer }
    }

    /// The whole buffer, to be shared; [`Filling::parts`] gives places in it.
    pub fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The bytes of a block: its name, cut where the block is shorter, and a place in the buffer. A shorter block of
    /// the same id is the beginning of the longer one.
    pub fn parts(&self, block: Block) -> (Name, Range<usize>) {
        let length = (block.length as usize).min(NAME_BYTES + BLOCK_BYTES_MAX);
        let named = length.min(NAME_BYTES);
        let places = (self.buffer.len() - BLOCK_BYTES_MAX) as u64;
        let from = usize::try_from(key(block.id) % places).expect("below the length of the buffer");
        (Name { text: name(block.id), length: named }, from..from + length - named)
    }

    /// Appends the bytes of a block.
    pub fn write(&self, block: Block, out: &mut Vec<u8>) {
        let (name, place) = self.parts(block);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&self.buffer[place]);
    }
}

/// The name that a block begins with.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    text: [u8; NAME_BYTES],
    length: usize,
}

impl Name {
    /// Its bytes, ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

fn key(id: BlockId) -> u64 {
    match id {
        BlockId::Recorded(id) => mix(id, 0),
        BlockId::Own(payload, number) => mix(mix(!payload, 0) ^ number, 0),
    }
}

/// `h` and the id, or `p` and the two of its own.
fn name(id: BlockId) -> [u8; NAME_BYTES] {
    let (kind, first, second) = match id {
        BlockId::Recorded(id) => (b'h', id, 0),
        BlockId::Own(payload, number) => (b'p', payload, number),
    };
    let mut text = [kind; NAME_BYTES];
    for (place, digit) in text[1..].iter_mut().enumerate() {
        let number = if place < 16 { first } else { second };
        let nibble = (number >> (60 - 4 * (place % 16))) & 15;
        *digit = b"0123456789abcdef"[usize::try_from(nibble).expect("four bits")];
    }
    text
}
