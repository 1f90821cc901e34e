//! PNG and JPEG.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{PIXELS_MAX, Refusal, check_size};

pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, Refusal> {
    let name = if format == ImageFormat::Png { "PNG" } else { "JPEG" };
    let broken = |error: image::ImageError| format!("the {name} cannot be decoded: {error}");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXELS_MAX * 8);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    DynamicImage::from_decoder(decoder).map_err(broken)
}
