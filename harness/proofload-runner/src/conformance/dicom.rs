//! A small DICOM file made here: one grey image of 16 x 16, explicit little endian, never sent before.

use uuid::Uuid;

const SIDE: u16 = 16;
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// A whole file of PS3.10: preamble, magic, meta information, data set.
pub(super) fn dicom() -> Vec<u8> {
    let id = Uuid::new_v4();
    let instance = format!("2.25.{}", id.as_u128());
    let meta = [
        // The version stands in a value of the long form.
        [&[2, 0, 1, 0][..], b"OB\0\0", &2_u32.to_le_bytes(), &[0, 1]].concat(),
        text((0x0002, 0x0002), *b"UI", SECONDARY_CAPTURE),
        text((0x0002, 0x0003), *b"UI", &instance),
        text((0x0002, 0x0010), *b"UI", EXPLICIT_LITTLE_ENDIAN),
        text((0x0002, 0x0012), *b"UI", "2.25.1"),
    ]
    .concat();
    let length = u32::try_from(meta.len()).expect("a few hundred bytes").to_le_bytes();
    let group_length = short((0x0002, 0x0000), *b"UL", &length);
    [&[0; 128][..], b"DICM", &group_length, &meta, &data_set(&instance, id)].concat()
}

fn data_set(instance: &str, id: Uuid) -> Vec<u8> {
    let number = |element, value: u16| short((0x0028, element), *b"US", &value.to_le_bytes());
    let side = usize::from(SIDE);
    let pixels: Vec<u8> = id.as_bytes().iter().copied().cycle().take(side * side).collect();
    let length = u32::try_from(pixels.len()).expect("256 bytes").to_le_bytes();
    [
        text((0x0008, 0x0016), *b"UI", SECONDARY_CAPTURE),
        text((0x0008, 0x0018), *b"UI", instance),
        number(0x0002, 1),
        text((0x0028, 0x0004), *b"CS", "MONOCHROME2"),
        number(0x0010, SIDE),
        number(0x0011, SIDE),
        number(0x0100, 8),
        number(0x0101, 8),
        number(0x0102, 7),
        number(0x0103, 0),
        [&[0xe0, 0x7f, 0x10, 0][..], b"OB\0\0", &length, &pixels].concat(),
    ]
    .concat()
}

/// An element of text, padded to an even length: with zero for ids, with a space for words.
fn text(tag: (u16, u16), kind: [u8; 2], value: &str) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(if kind == *b"UI" { 0 } else { b' ' });
    }
    short(tag, kind, &bytes)
}

/// An element whose length is written in two bytes.
fn short((group, element): (u16, u16), kind: [u8; 2], value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("short values only").to_le_bytes();
    [&group.to_le_bytes()[..], &element.to_le_bytes(), &kind, &length, value].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_begins_as_ps3_10_says_and_its_parts_are_even() {
        let file = dicom();
        assert_eq!(&file[128..132], b"DICM");
        assert_eq!(&file[132..140], [2, 0, 0, 0, b'U', b'L', 4, 0]);
        assert_eq!(file.len() % 2, 0);
        assert_ne!(file, dicom());
    }
}
