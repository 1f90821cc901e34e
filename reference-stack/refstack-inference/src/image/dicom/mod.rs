//! DICOM: the first frame, windowed to 8 bits, white on black (`MONOCHROME1` is inverted).

mod walk;

use std::panic::catch_unwind;

use dicom_object::{DefaultDicomObject, Tag};
use dicom_pixeldata::{ConvertOptions, PixelDecoder};
use image::DynamicImage;

use super::{Refusal, check_size};

const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const BITS_ALLOCATED: Tag = Tag(0x0028, 0x0100);
const BITS_STORED: Tag = Tag(0x0028, 0x0101);
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// The transfer syntaxes that are decoded, each checked by the walk first. Others are refused by name.
const SYNTAXES: [&str; 7] = [
    IMPLICIT,
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.5",
];
const IMPLICIT: &str = "1.2.840.10008.1.2";

/// dicom-rs 0.10 panics on some broken files (its RLE adapter indexes past a short segment), hence the catch.
pub(super) fn decode(bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    catch_unwind(|| decode_or_panic(bytes))
        .unwrap_or_else(|_| Err("the DICOM file cannot be decoded: its content broke the decoder".to_owned()))
}

fn decode_or_panic(bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    let broken = |error: &dyn std::fmt::Display| format!("the DICOM file cannot be decoded: {error}");
    check_structure(bytes)?;
    let object = dicom_object::from_reader(bytes).map_err(|error| broken(&error))?;
    check_declared(&object)?;
    let frame = object.decode_pixel_data_frame(0).map_err(|error| broken(&error))?;
    let options = ConvertOptions::new().force_8bit();
    frame.to_dynamic_image_with_options(0, &options).map_err(|error| broken(&error))
}

/// Checks the transfer syntax and every declared length.
fn check_structure(bytes: &[u8]) -> Result<(), Refusal> {
    let (syntax, data_set) = walk::head(bytes)?;
    if !SYNTAXES.contains(&syntax.as_str()) {
        return Err(format!(
            "DICOM transfer syntax {syntax} is not supported; store the image uncompressed (little endian), as RLE or as JPEG"
        ));
    }
    walk::check(bytes, data_set, syntax != IMPLICIT)
}

/// Checks the sizes that the object, and a JPEG inside it, declare.
fn check_declared(object: &DefaultDicomObject) -> Result<(), Refusal> {
    let number = |tag: Tag, name: &str| {
        let element = object.element(tag).map_err(|_| format!("the DICOM file holds no image: {name} is missing"))?;
        element.to_int::<u32>().map_err(|_| format!("the DICOM file declares no usable {name}"))
    };
    check_size(number(COLUMNS, "Columns")?, number(ROWS, "Rows")?)?;
    let (allocated, stored) = (number(BITS_ALLOCATED, "BitsAllocated")?, number(BITS_STORED, "BitsStored")?);
    // dicom-rs makes a table of 2^BitsStored entries.
    if !matches!(allocated, 1 | 8 | 16) || stored == 0 || stored > allocated {
        return Err(format!("DICOM samples of {stored} bits in {allocated} are not supported; use 8 or 16 bits"));
    }
    let pixels =
        object.element(PIXEL_DATA).map_err(|_| "the DICOM file holds no image: PixelData is missing".to_owned())?;
    let fragments = pixels.value().fragments().unwrap_or_default();
    match fragments.iter().find_map(|fragment| jpeg_size(fragment)) {
        Some((width, height)) => check_size(width, height),
        None => Ok(()),
    }
}

/// Width and height in a JPEG's frame header (SOF0 to SOF15, less DHT, JPG and DAC).
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    if bytes.get(..2)? != [0xFF, 0xD8] {
        return None;
    }
    loop {
        let [0xFF, marker] = *bytes.get(at..at + 2)? else { return None };
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            let [h1, h0, w1, w0] = *bytes.get(at + 5..at + 9)? else {
                return None;
            };
            let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
            return Some((side(w1, w0), side(h1, h0)));
        }
        let length = bytes.get(at + 2..at + 4)?;
        at += 2 + (usize::from(length[0]) << 8 | usize::from(length[1]));
    }
}
