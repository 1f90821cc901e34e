//! Plants a defect: an environment that differs from `local.yaml` in one place.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::runs::workspace;

/// An environment with a defect, in a folder of its own.
pub(crate) struct Plant {
    pub(crate) folder: TempDir,
    pub(crate) environment: PathBuf,
}

const MANIFESTS: &str = "../../k8s/medical-platform/overlays/local";

impl Plant {
    /// The environment as it stands.
    pub(crate) fn nothing() -> Self {
        let k8s = workspace().join("k8s/medical-platform/overlays/local");
        Self::write(|text| text.replace(MANIFESTS, &k8s.display().to_string()))
    }

    /// The environment with one piece of text replaced, which must be there.
    pub(crate) fn in_environment(from: &str, to: &str) -> Self {
        let k8s = workspace().join("k8s/medical-platform/overlays/local");
        Self::write(|text| {
            assert!(text.contains(from), "local.yaml has no `{from}`");
            text.replace(from, to).replace(MANIFESTS, &k8s.display().to_string())
        })
    }

    /// The autoscaler may start so many replicas and no more.
    pub(crate) fn most_replicas(most: u32) -> Self {
        let plant = Self::write(|text| text.replace(MANIFESTS, "overlay"));
        let overlay = plant.folder.path().join("overlay");
        let base = workspace().join("k8s/medical-platform/overlays/local");
        std::fs::create_dir(&overlay).unwrap();
        let patch = format!("[{{\"op\": \"replace\", \"path\": \"/spec/maxReplicaCount\", \"value\": {most}}}]");
        let kustomization = format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{}]\npatches:\n  - target: {{ kind: ScaledObject }}\n    patch: '{patch}'\n",
            base.display()
        );
        std::fs::write(overlay.join("kustomization.yaml"), kustomization).unwrap();
        plant
    }

    fn write(change: impl Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = folder.path().join("planted.yaml");
        let text = std::fs::read_to_string(workspace().join("scenarios/environments/local.yaml")).unwrap();
        std::fs::write(&environment, change(&text)).unwrap();
        Self { folder, environment }
    }
}
