//! PNG and JPEG. Each decoder is named: asking for one by its format would bring along all that other crates ask of `image`.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits};

use super::{PIXELS_MAX, Refusal, check_size};

pub(super) fn png(bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    decode("PNG", PngDecoder::with_limits(Cursor::new(bytes), limits()))
}

pub(super) fn jpeg(bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    decode("JPEG", JpegDecoder::new(Cursor::new(bytes)))
}

fn decode(name: &str, decoder: ImageResult<impl ImageDecoder>) -> Result<DynamicImage, Refusal> {
    let broken = |error: image::ImageError| format!("the {name} cannot be decoded: {error}");
    let mut decoder = decoder.map_err(broken)?;
    decoder.set_limits(limits()).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    DynamicImage::from_decoder(decoder).map_err(broken)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXELS_MAX * 8);
    limits
}
