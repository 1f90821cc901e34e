//! Every payload of the scenarios decodes; bombs, broken files and unsupported syntaxes are refused with a sentence.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::repository::Repository;

fn spec(name: &str) -> ModelSpec {
    let repository = Repository::embedded().unwrap();
    let files = repository.models().iter().find(|files| files.spec.name == name).unwrap();
    files.spec.clone()
}

fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/payloads")
}

fn payload(name: &str) -> Vec<u8> {
    std::fs::read(payloads().join(name)).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    match tensor(bytes, &spec("fish_classifier")) {
        Ok(_) => "decoded".to_owned(),
        Err(why) => why,
    }
}

fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    #[expect(clippy::cast_precision_loss, reason = "150 528 is exact in f32")]
    let len = a.len() as f32;
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / len
}

#[test]
fn every_payload_decodes_to_a_picture_with_contrast() {
    for folder in ["xray", "fish"] {
        let mut count = 0;
        for entry in std::fs::read_dir(payloads().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let numbers = tensor(&std::fs::read(&path).unwrap(), &spec("resnet50_chest_xray"));
            let numbers = numbers.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            assert_eq!(numbers.len(), 224 * 224 * 3);
            assert!(numbers.iter().all(|n| (0.0..=1.0).contains(n)), "{}", path.display());
            let [low, high] = [f32::min, f32::max].map(|pick| numbers.iter().copied().reduce(pick).unwrap());
            assert!(high - low > 0.3, "{}: {low}..{high}", path.display());
            count += 1;
        }
        assert!(count >= 6, "{folder} has {count} files");
    }
}

#[test]
fn monochrome1_is_inverted_and_rle_says_the_same_as_plain() {
    let spec = spec("resnet50_chest_xray");
    let read = |name: &str| tensor(&payload(name), &spec).unwrap();
    assert!(mean_difference(&read("xray/cell.png"), &read("xray/cell-inverted.dcm")) < 0.01);
    assert_eq!(read("xray/mr-small.dcm"), read("xray/mr-small-rle.dcm"));
}

#[test]
fn a_grey_model_takes_colour_pictures() {
    assert_eq!(tensor(&payload("fish/cat.jpg"), &spec("digits_cnn")).unwrap().len(), 64);
}

#[test]
fn what_is_no_picture_is_refused() {
    assert_eq!(refusal(b""), "the bytes are neither PNG, JPEG nor DICOM");
    assert_eq!(refusal(b"%PDF-1.7 and so on"), "the bytes are neither PNG, JPEG nor DICOM");
    assert!(refusal(&payload("fish/camera.png")[..2000]).starts_with("the PNG cannot be decoded: "));
    assert!(refusal(b"\xff\xd8\xff\xe0 no jpeg").starts_with("the JPEG cannot be decoded: "));
    let mut head_only = vec![0; 128];
    head_only.extend(b"DICM");
    assert!(refusal(&head_only).starts_with("the DICOM header cannot be read: "));
    let slice = payload("xray/mr-small.dcm");
    assert!(refusal(&slice[..slice.len() / 2]).starts_with("the DICOM file"), "{}", refusal(&slice[..slice.len() / 2]));
}

/// A PNG of a few bytes that declares `side` × `side` pixels; its checksum is right.
fn png_declaring(side: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(side.to_be_bytes());
    chunk.extend(side.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let mut crc = u32::MAX;
    for byte in &chunk {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(chunk);
    png.extend((!crc).to_be_bytes());
    png.extend(b"\0\0\0\x04IDAT\0\0\0\0\0\0\0\0");
    png
}

#[test]
fn a_decompression_bomb_is_refused_by_its_declared_size() {
    let expected = "the picture declares 60000 x 60000 pixels; at most 24000000 are decoded";
    assert_eq!(refusal(&png_declaring(60_000)), expected);
    let mut jpeg = b"\xff\xd8\xff\xc0\0\x11\x08".to_vec();
    jpeg.extend([0xEA, 0x60, 0xEA, 0x60, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    jpeg.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0\0\0\xff\xd9");
    assert!(
        refusal(&jpeg).contains("60000 x 60000") || refusal(&jpeg).starts_with("the JPEG cannot be decoded"),
        "{}",
        refusal(&jpeg)
    );
    let mut slice = payload("xray/mr-small.dcm");
    let rows = slice.windows(6).position(|w| w == b"\x28\0\x10\0US").unwrap();
    slice[rows + 8..rows + 10].copy_from_slice(&[0xFF, 0xFF]);
    let columns = slice.windows(6).position(|w| w == b"\x28\0\x11\0US").unwrap();
    slice[columns + 8..columns + 10].copy_from_slice(&[0xFF, 0xFF]);
    assert_eq!(refusal(&slice), "the picture declares 65535 x 65535 pixels; at most 24000000 are decoded");
}

#[test]
fn an_unsupported_transfer_syntax_is_named() {
    let mut slice = payload("xray/mr-small-rle.dcm");
    let at = slice.windows(19).position(|w| w == b"1.2.840.10008.1.2.5").unwrap();
    slice[at..at + 19].copy_from_slice(b"1.2.840.10008.1.2.9");
    let expected = "DICOM transfer syntax 1.2.840.10008.1.2.9 is not supported; store the image uncompressed (little endian), as RLE or as JPEG";
    assert_eq!(refusal(&slice), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// dicom-rs panics on some of these; the panic must end as a refusal.
    #[test]
    fn broken_bytes_never_panic(changes in prop::collection::vec((0..4000_usize, any::<u8>()), 1..6)) {
        for name in ["xray/mr-small.dcm", "xray/mr-small-rle.dcm", "xray/retina-detail.png", "xray/cell-inverted.dcm"] {
            let mut bytes = payload(name);
            for &(at, byte) in &changes {
                bytes[at] = byte;
            }
            refusal(&bytes);
        }
    }
}
