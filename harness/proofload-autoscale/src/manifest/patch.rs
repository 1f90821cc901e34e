//! One entry of `patches`: finds the objects it means and applies it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::document::{Document, yaml};
use super::error::ManifestError;
use super::json_patch::{self, Operation};
use super::kustomization::{Patch, PatchTarget};
use super::merge::merge;
use super::overlay::{Reader, load, normal};

/// Applies a patch of the kustomization `file` in `directory`.
pub(super) fn apply_patch(
    documents: &mut [Document],
    patch: &Patch,
    (file, directory): (&str, &Path),
    read: &Reader<'_>,
) -> Result<(), ManifestError> {
    let (source, text) = match (&patch.patch, &patch.path) {
        (Some(text), None) => (file.to_owned(), text.clone()),
        (None, Some(relative)) => {
            let absolute = normal(&directory.join(relative));
            (absolute.display().to_string(), load(&absolute, read)?)
        }
        _ => return Err(field(file, 1, "a patch has either `patch` or `path`")),
    };
    for part in yaml(&source, &text)? {
        let wrong = |message: &str| field(&source, part.referenced.line(), message);
        if part.value.is_array() {
            let target = patch.target.as_ref().ok_or_else(|| wrong("a JSON 6902 patch needs `target`"))?;
            let operations = Vec::<Operation>::deserialize(&part.value).map_err(|e| wrong(&e.to_string()))?;
            let apply = |d: &mut Document| json_patch::apply(&mut d.value, &operations);
            each_match(documents, target, apply).map_err(|e| wrong(&e))?;
        } else {
            merge_one(documents, patch.target.as_ref(), &part.value).map_err(|e| wrong(&e))?;
        }
    }
    Ok(())
}

fn field(file: &str, line: u64, message: &str) -> ManifestError {
    ManifestError::Field { file: file.to_owned(), line, message: message.to_owned() }
}

/// With a target the patch goes to all it selects; without one, to the one object it names.
fn merge_one(documents: &mut [Document], target: Option<&PatchTarget>, patch: &Value) -> Result<(), String> {
    if let Some(target) = target {
        let nameless = without_identity(patch);
        return each_match(documents, target, |d| merge_into(d, &nameless));
    }
    let text = |pointer: &str| patch.pointer(pointer).and_then(Value::as_str);
    let (kind, name) = (text("/kind").unwrap_or_default(), text("/metadata/name").unwrap_or_default());
    let namespace = text("/metadata/namespace");
    let is_meant = |d: &&mut Document| {
        let here = [d.namespace(), d.origin_namespace.as_deref()].contains(&namespace);
        d.kind() == kind && d.name() == name && Some(d.api_version()) == text("/apiVersion") && here
    };
    match documents.iter_mut().find(is_meant) {
        Some(document) => merge_into(document, patch),
        None => Err(format!("the patch for {kind}/{name} finds no such object (namespace {namespace:?})")),
    }
}

/// Kind and name of a patch with a target only say what it looks like.
fn without_identity(patch: &Value) -> Value {
    let mut patch = patch.clone();
    if let Some(map) = patch.as_object_mut() {
        map.shift_remove("apiVersion");
        map.shift_remove("kind");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("name");
            metadata.shift_remove("namespace");
        }
    }
    patch
}

fn merge_into(document: &mut Document, patch: &Value) -> Result<(), String> {
    let group = document.api_version().split_once('/').map_or("", |(group, _)| group);
    let core = group.is_empty() || !group.contains('.') || group.ends_with(".k8s.io");
    merge(&mut document.value, patch, core)
}

/// A target that selects nothing is no error, as in kustomize.
fn each_match(
    documents: &mut [Document],
    target: &PatchTarget,
    mut apply: impl FnMut(&mut Document) -> Result<(), String>,
) -> Result<(), String> {
    let literal = |text: &String| !text.contains(|c: char| "*+?()[]{}|^$\\".contains(c));
    if !target.name.iter().chain(&target.namespace).all(literal) {
        return Err("regular expressions in a patch target are not built in; write the name as it is".to_owned());
    }
    documents.iter_mut().filter(|d| selects(target, d)).try_for_each(&mut apply)
}

fn selects(target: &PatchTarget, document: &Document) -> bool {
    let (group, version) = document.api_version().split_once('/').unwrap_or(("", document.api_version()));
    let same = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
    same(&target.kind, document.kind())
        && same(&target.name, document.name())
        && same(&target.group, group)
        && same(&target.version, version)
        && same(&target.namespace, document.namespace().unwrap_or_default())
}
