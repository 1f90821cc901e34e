//! Kubernetes YAML and kustomize overlays to typed resources, without touching a file: texts and a reader come in.
//!
//! Of kustomize, `resources`, `namespace`, `images`, `replicas` and `patches` (strategic merge and JSON 6902) are built
//! in. Every other field is refused by name, and so are label selectors, regular expressions in patch targets and
//! `$patch` directives: a rendering is the one that `kubectl kustomize` gives, or none.

mod document;
mod error;
mod images;
mod json_patch;
mod kustomization;
mod merge;
mod overlay;
mod patch;
mod resource;
mod workload;

pub use document::Document;
pub use error::ManifestError;
pub use kustomization::{Image, Kustomization, Patch, PatchTarget, Replicas};
pub use overlay::{Reader, render};
pub use resource::{Resource, Typed, parse};
pub use workload::{Container, EnvVar, Workload};
