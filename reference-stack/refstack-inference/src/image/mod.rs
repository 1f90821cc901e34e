//! Encoded pictures: which format, how large, decoded, resized, scaled. The size a file declares is checked before a pixel is decoded.

mod dicom;
mod raster;
mod resize;

use ::image::DynamicImage;

use crate::repository::ModelSpec;

/// The largest picture decoded, in pixels: a 6000 × 4000 radiograph, 192 MB at 16 bits and four channels.
const PIXELS_MAX: u64 = 24_000_000;

/// Why a picture was refused, as one sentence.
type Refusal = String;

/// The model's input for one PNG, JPEG or DICOM file.
pub(crate) fn tensor(bytes: &[u8], spec: &ModelSpec) -> Result<Vec<f32>, Refusal> {
    let Some(wanted) = &spec.image else {
        return Err(format!("model {} takes tensors, not encoded pictures", spec.name));
    };
    let picture = decode(bytes)?;
    resize::to_tensor(&picture, wanted)
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        raster::png(bytes)
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        raster::jpeg(bytes)
    } else if bytes.get(128..132) == Some(b"DICM") {
        dicom::decode(bytes)
    } else {
        Err("the bytes are neither PNG, JPEG nor DICOM".to_owned())
    }
}

/// Refuses a declared size that is empty or too large.
fn check_size(width: u32, height: u32) -> Result<(), Refusal> {
    match u64::from(width) * u64::from(height) {
        0 => Err(format!("the picture is {width} x {height}, which is empty")),
        n if n > PIXELS_MAX => {
            Err(format!("the picture declares {width} x {height} pixels; at most {PIXELS_MAX} are decoded"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
