//! The models built into the binary, so that nothing has to be installed. See `models/make/` for how they came about.

use std::borrow::Cow;

use super::{ModelFiles, RepositoryError};

macro_rules! model {
    ($name:literal) => {
        (
            concat!("embedded/", $name, "/1"),
            include_str!(concat!("../../models/", $name, "/1/model.json")),
            include_str!(concat!("../../models/", $name, "/1/labels.txt")),
            include_bytes!(concat!("../../models/", $name, "/1/model.onnx")).as_slice(),
        )
    };
}

pub(super) fn models() -> Result<Vec<ModelFiles>, RepositoryError> {
    [model!("digits_cnn"), model!("fish_classifier"), model!("resnet50_chest_xray")]
        .into_iter()
        .map(|(folder, spec, labels, onnx)| ModelFiles::new(folder, spec, labels, Cow::Borrowed(onnx)))
        .collect()
}
