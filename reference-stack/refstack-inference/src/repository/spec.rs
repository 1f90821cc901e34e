//! `model.json`: the names and shapes of a model, and how a picture becomes its input.

use serde::Deserialize;

/// The largest input of one instance, in numbers: 64 MiB of floats.
const INPUT_LEN_MAX: usize = 16 << 20;

/// What `model.json` says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The model's name, the same as its folder's.
    pub name: String,
    /// The one input tensor.
    pub input: InputSpec,
    /// The one output tensor.
    pub output: OutputSpec,
    /// How encoded pictures are prepared; absent when the model takes tensors only.
    pub image: Option<ImageSpec>,
}

/// The input tensor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Its name in the ONNX graph.
    pub name: String,
    /// The shape of one instance, without the batch dimension.
    pub shape: Vec<usize>,
}

/// The output tensor: one score per class.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Its name in the ONNX graph.
    pub name: String,
    /// How many scores.
    pub classes: usize,
}

/// How a picture becomes an input: decoded, resized, each sample multiplied by `scale`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Width after resizing.
    pub width: u32,
    /// Height after resizing.
    pub height: u32,
    /// The channels and their order.
    pub colour: Colour,
    /// What an 8-bit sample is multiplied by.
    pub scale: f32,
    /// The filter for resizing.
    pub resize: Resize,
}

/// The channels of an input picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Brightness alone.
    Grey,
}

/// The filters for resizing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resize {
    /// Bilinear, widened when shrinking so that no pixel is skipped (as Pillow does).
    Bilinear,
}

impl ModelSpec {
    /// The numbers in one instance.
    pub fn input_len(&self) -> usize {
        self.input.shape.iter().product()
    }

    /// Whether the parts agree; otherwise what does not.
    pub(super) fn check(&self) -> Result<(), String> {
        let len = self.input.shape.iter().try_fold(1_usize, |len, &side| len.checked_mul(side));
        if !len.is_some_and(|len| (1..=INPUT_LEN_MAX).contains(&len)) {
            return Err(format!("the input shape {:?} is empty or too large", self.input.shape));
        }
        let Some(image) = &self.image else { return Ok(()) };
        let expected = [image.height as usize, image.width as usize, image.colour.channels()];
        if self.input.shape != expected {
            return Err(format!("pictures give the shape {expected:?}, the input wants {:?}", self.input.shape));
        }
        Ok(())
    }
}

impl Colour {
    /// Samples per pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Grey => 1,
        }
    }
}
