//! The project's own manifests, read the way a caller of this crate reads them.

use std::path::{Path, PathBuf};

use proofload_autoscale::manifest::{ManifestError, Resource, render};

/// `k8s/` of the repository.
pub(super) fn k8s() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../k8s").canonicalize().unwrap()
}

/// Renders a kustomization below `k8s/`; files are named as seen from there.
pub(super) fn rendered(overlay: &str) -> Result<Vec<Resource>, ManifestError> {
    let root = k8s();
    render(Path::new(overlay), &move |path: &Path| std::fs::read_to_string(root.join(path)).map_err(|e| e.to_string()))
}

/// Renders a kustomization from texts.
pub(super) fn rendered_from(files: &[(&str, &str)], directory: &str) -> Result<Vec<Resource>, ManifestError> {
    render(Path::new(directory), &|path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    })
}
