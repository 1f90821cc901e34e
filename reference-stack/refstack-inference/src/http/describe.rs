//! Status, metadata and labels of a model, with upstream's fields and defaults printed.

use serde_json::{Value, json};

use crate::predictor::ModelInfo;

/// The one signature of every model here.
pub(super) const SIGNATURE: &str = "serving_default";

pub(super) fn status(info: &ModelInfo) -> Value {
    json!({ "model_version_status": [{
        "version": info.version.to_string(),
        "state": "AVAILABLE",
        "status": { "error_code": "OK", "error_message": "" },
    }] })
}

pub(super) fn metadata(info: &ModelInfo) -> Value {
    let spec = &info.spec;
    let input = tensor(&spec.input.name, &spec.input.shape);
    let output = tensor(&spec.output.name, &[spec.output.classes]);
    let signature = json!({
        "inputs": { spec.input.name.as_str(): input },
        "outputs": { spec.output.name.as_str(): output },
        "method_name": "tensorflow/serving/predict",
    });
    json!({
        "model_spec": { "name": info.name, "signature_name": "", "version": info.version.to_string() },
        "metadata": { "signature_def": { "signature_def": { SIGNATURE: signature } } },
    })
}

pub(super) fn labels(info: &ModelInfo) -> Value {
    json!({ "model": info.name, "version": info.version.to_string(), "labels": *info.labels })
}

fn tensor(name: &str, instance: &[usize]) -> Value {
    let sides = std::iter::once("-1".to_owned()).chain(instance.iter().map(usize::to_string));
    let dim: Vec<_> = sides.map(|size| json!({ "size": size, "name": "" })).collect();
    json!({ "dtype": "DT_FLOAT", "tensor_shape": { "dim": dim, "unknown_rank": false }, "name": format!("{name}:0") })
}
