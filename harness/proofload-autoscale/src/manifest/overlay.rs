//! Applies a kustomize overlay: bases first, then patches, namespace, replicas and images, in kustomize's order.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::document::Document;
use super::error::ManifestError;
use super::images;
use super::kustomization::{Kustomization, Replicas};
use super::patch::apply_patch;
use super::resource::Resource;

/// How a file is read; the error is a sentence.
pub type Reader<'a> = dyn Fn(&Path) -> Result<String, String> + 'a;

/// How deep overlays may nest; a cycle ends here.
const DEPTH_MAX: usize = 16;

/// Kinds without a namespace.
const CLUSTER_SCOPED: [&str; 9] = [
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "IngressClass",
    "APIService",
];

/// Renders the kustomization in `directory`.
pub fn render(directory: &Path, read: &Reader<'_>) -> Result<Vec<Resource>, ManifestError> {
    build(&normal(directory), read, 0)?.into_iter().map(Resource::new).collect()
}

fn build(directory: &Path, read: &Reader<'_>, depth: usize) -> Result<Vec<Document>, ManifestError> {
    let file = directory.join("kustomization.yaml");
    let name = file.display().to_string();
    let wrong = |message: String| ManifestError::Field { file: name.clone(), line: 1, message };
    if depth > DEPTH_MAX {
        return Err(wrong(format!("overlays nest deeper than {DEPTH_MAX}; look for one that includes itself")));
    }
    let kustomization = Kustomization::parse(&name, &load(&file, read)?)?;
    let mut documents = Vec::new();
    for entry in &kustomization.resources {
        documents.extend(resource(&normal(&directory.join(entry)), read, depth)?);
    }
    for patch in &kustomization.patches {
        apply_patch(&mut documents, patch, (&name, directory), read)?;
    }
    if let Some(namespace) = &kustomization.namespace {
        for document in &mut documents {
            set_namespace(document, namespace);
        }
    }
    for replicas in &kustomization.replicas {
        set_replicas(&mut documents, replicas).map_err(&wrong)?;
    }
    for document in &mut documents {
        images::replace(&mut document.value, &kustomization.images);
    }
    Ok(documents)
}

fn resource(path: &Path, read: &Reader<'_>, depth: usize) -> Result<Vec<Document>, ManifestError> {
    let is_file = path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
    if is_file {
        Document::parse_all(&path.display().to_string(), &load(path, read)?)
    } else {
        build(path, read, depth + 1)
    }
}

pub(super) fn load(path: &Path, read: &Reader<'_>) -> Result<String, ManifestError> {
    read(path).map_err(|reason| ManifestError::Read { file: path.display().to_string(), reason })
}

/// Removes `.` and `..` by the text alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.into_iter().collect()
}

/// A Namespace object is renamed, everything namespaced is moved.
fn set_namespace(document: &mut Document, namespace: &str) {
    let field = match document.kind() {
        "Namespace" => "name",
        kind if CLUSTER_SCOPED.contains(&kind) => return,
        _ => "namespace",
    };
    if let Some(metadata) = document.value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert(field.to_owned(), json!(namespace));
    }
}

fn set_replicas(documents: &mut [Document], replicas: &Replicas) -> Result<(), String> {
    let scalable = |d: &&mut Document| matches!(d.kind(), "Deployment" | "StatefulSet" | "ReplicaSet");
    let mut found = documents.iter_mut().filter(|d| d.name() == replicas.name).filter(scalable).peekable();
    if found.peek().is_none() {
        return Err(format!("replicas: no Deployment, StatefulSet or ReplicaSet is named `{}`", replicas.name));
    }
    for document in found {
        if let Some(spec) = document.value.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("replicas".to_owned(), json!(replicas.count));
        }
    }
    Ok(())
}
