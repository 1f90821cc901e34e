//! A `kustomization.yaml` as written. Unknown fields are refused by name.

use serde::Deserialize;
use serde_json::Value;

use super::document::Document;
use super::error::ManifestError;

/// A `kustomization.yaml`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kustomization {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    #[serde(rename = "metadata")]
    _metadata: Option<Value>,
    /// Files and directories, in order.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The namespace of every namespaced object.
    pub namespace: Option<String>,
    /// Image replacements.
    #[serde(default)]
    pub images: Vec<Image>,
    /// Replica counts.
    #[serde(default)]
    pub replicas: Vec<Replicas>,
    /// Patches, applied before all else.
    #[serde(default)]
    pub patches: Vec<Patch>,
}

/// An entry of `images`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Image {
    /// The image as the manifests name it, without tag.
    pub name: String,
    /// `newName`.
    pub new_name: Option<String>,
    /// `newTag`.
    pub new_tag: Option<String>,
    /// `digest`.
    pub digest: Option<String>,
}

/// An entry of `replicas`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// The workload.
    pub name: String,
    /// How many.
    pub count: i32,
}

/// An entry of `patches`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// The patch itself.
    pub patch: Option<String>,
    /// Or the file that holds it.
    pub path: Option<String>,
    /// What it applies to; a strategic merge patch may name that itself.
    pub target: Option<PatchTarget>,
}

/// `target` of a patch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchTarget {
    /// API group.
    pub group: Option<String>,
    /// API version.
    pub version: Option<String>,
    /// Kind.
    pub kind: Option<String>,
    /// Name, literally.
    pub name: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
}

impl Kustomization {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let wrong = |line: u64, message: String| ManifestError::Field { file: file.to_owned(), line, message };
        match Document::parse_all(file, text)?.as_slice() {
            [document] => {
                Self::deserialize(&document.value).map_err(|error| wrong(document.line, not_built_in(&error)))
            }
            documents => Err(wrong(1, format!("a kustomization is one document, this file has {}", documents.len()))),
        }
    }
}

fn not_built_in(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") {
        format!("{text}; the overlays built into proofload know no other, so render with `kubectl kustomize` instead")
    } else {
        text
    }
}
