//! Small images made here, so that the harness needs no files: PNG with stored blocks, and a JPEG that has a comment.
//! Each differs in its bytes from all others, so that no cache of the target knows it.

use uuid::Uuid;

const SIDE: u32 = 32;

/// What an image mostly shows; a classifier that looks at pixels tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Red,
    Blue,
    Stripes,
    Dark,
}

/// Four grey squares, 16 x 16, baseline, one component.
const JPEG: &[u8] = include_bytes!("squares.jpg");

/// A PNG that was never sent before.
pub(super) fn png(look: Look) -> Vec<u8> {
    png_of(look, Uuid::new_v4().as_u128())
}

/// A JPEG that was never sent before: its comment is new.
pub(super) fn jpeg() -> Vec<u8> {
    let comment = Uuid::new_v4().simple().to_string();
    let (start, rest) = JPEG.split_at(2);
    let length = u16::try_from(comment.len() + 2).expect("32 digits fit").to_be_bytes();
    [start, &[0xff, 0xfe], &length, comment.as_bytes(), rest].concat()
}

/// Begins as a PNG does and is none.
pub(super) fn broken_png() -> Vec<u8> {
    [&SIGNATURE[..], b"and then no chunk of any kind ", Uuid::new_v4().as_bytes()].concat()
}

/// No image by any magic number.
pub(super) fn garbage() -> Vec<u8> {
    format!("<html><body>{}</body></html>", "no image at all ".repeat(16)).into_bytes()
}

/// A PNG followed by zeros up to exactly `bytes`.
pub(super) fn padded_png(bytes: usize) -> Vec<u8> {
    let mut image = png(Look::Red);
    image.resize(bytes.max(image.len()), 0);
    image
}

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

fn png_of(look: Look, seed: u128) -> Vec<u8> {
    let mut noise = seed | 1;
    let mut rows = Vec::new();
    for y in 0..SIDE {
        rows.push(0);
        for _ in 0..SIDE {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let grain = noise.to_le_bytes()[5] >> 3;
            rows.extend(colour(look, y).map(|channel| channel.saturating_add(grain)));
        }
    }
    let header = [&SIDE.to_be_bytes()[..], &SIDE.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [&SIGNATURE[..], &chunk(*b"IHDR", &header), &chunk(*b"IDAT", &stored(&rows)), &chunk(*b"IEND", &[])].concat()
}

fn colour(look: Look, y: u32) -> [u8; 3] {
    match look {
        Look::Red => [220, 20, 20],
        Look::Blue => [10, 30, 220],
        Look::Stripes if y % 4 < 2 => [224; 3],
        Look::Stripes => [0, 96, 0],
        Look::Dark => [0; 3],
    }
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a few kilobytes").to_be_bytes();
    let named = [&kind[..], data].concat();
    [&length[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// A zlib stream of one block that is not compressed.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("32 rows of 97 bytes fit one block");
    let head = [0x78, 0x01, 0x01];
    [&head[..], &length.to_le_bytes(), &(!length).to_le_bytes(), data, &adler32(data).to_be_bytes()].concat()
}

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !data.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1u32, 0u32), |(low, high), &byte| {
        let low = (low + u32::from(byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_their_published_examples() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn images_are_new_each_time_and_keep_their_size() {
        assert_ne!(png(Look::Red), png(Look::Red));
        assert_ne!(jpeg(), jpeg());
        assert_eq!(png_of(Look::Blue, 7), png_of(Look::Blue, 7));
        assert_eq!(padded_png(9000).len(), 9000);
    }
}
