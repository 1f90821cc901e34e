//! From a decoded picture of any size to the numbers a model takes.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use super::Refusal;
use crate::repository::{Colour, ImageSpec, Resize};

pub(super) fn to_tensor(picture: &DynamicImage, wanted: &ImageSpec) -> Result<Vec<f32>, Refusal> {
    let (pixels, kind) = match wanted.colour {
        Colour::Rgb => (picture.to_rgb8().into_raw(), PixelType::U8x3),
        Colour::Grey => (picture.to_luma8().into_raw(), PixelType::U8),
    };
    let failed = |error: &dyn std::fmt::Display| format!("the picture cannot be resized: {error}");
    let from = ImageRef::new(picture.width(), picture.height(), &pixels, kind).map_err(|error| failed(&error))?;
    let mut to = Image::new(wanted.width, wanted.height, kind);
    let filter = match wanted.resize {
        Resize::Bilinear => FilterType::Bilinear,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new().resize(&from, &mut to, &options).map_err(|error| failed(&error))?;
    Ok(to.buffer().iter().map(|&sample| f32::from(sample) * wanted.scale).collect())
}
