//! From a decoded picture of any size to the numbers a model takes.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use super::Refusal;
use crate::repository::{Colour, ImageSpec, Resize};

pub(super) fn to_tensor(picture: &DynamicImage, wanted: &ImageSpec) -> Result<Vec<f32>, Refusal> {
    let samples = match wanted.colour {
        Colour::Rgb => resized::<U8x3>(picture, &picture.to_rgb8().into_raw(), wanted),
        Colour::Grey => resized::<U8>(picture, &picture.to_luma8().into_raw(), wanted),
    }?;
    Ok(samples.iter().map(|&sample| f32::from(sample) * wanted.scale).collect())
}

/// The kind of pixel is a type: where it is a value, code for all seventeen kinds comes along, three megabytes of it.
fn resized<P: PixelTrait + InnerPixel<Component = u8>>(
    picture: &DynamicImage,
    pixels: &[u8],
    wanted: &ImageSpec,
) -> Result<Vec<u8>, Refusal> {
    let failed = |error: &dyn std::fmt::Display| format!("the picture cannot be resized: {error}");
    let from = TypedImageRef::<P>::from_buffer(picture.width(), picture.height(), pixels);
    let from = from.map_err(|error| failed(&error))?;
    let mut to = TypedImage::<P>::new(wanted.width, wanted.height);
    let filter = match wanted.resize {
        Resize::Bilinear => FilterType::Bilinear,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new().resize_typed(&from, &mut to, &options).map_err(|error| failed(&error))?;
    Ok(P::components(to.pixels()).to_vec())
}
