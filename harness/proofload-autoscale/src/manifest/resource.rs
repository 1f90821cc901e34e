//! Documents with a type: the kinds that lint, simulation and the local cluster look into. All others stay opaque.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::hpa::HpaWritten;
use crate::keda::{ScaledObject, ScaledObjectSpec, Text};

use super::document::Document;
use super::error::ManifestError;
use super::workload::{Workload, WorkloadSpec};

/// A Kubernetes object: the document, and what was understood of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The document, whole.
    pub document: Document,
    /// What was understood.
    pub typed: Typed,
}

/// The kinds that are looked into.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// `apps/v1` Deployment or `StatefulSet`.
    Workload(Box<Workload>),
    /// `autoscaling/v2` `HorizontalPodAutoscaler`.
    Hpa(Box<HpaWritten>),
    /// `keda.sh/v1alpha1` `ScaledObject`.
    ScaledObject(Box<ScaledObject>),
    /// Anything else.
    Opaque,
}

/// Reads every object of a multi-document text.
pub fn parse(file: &str, text: &str) -> Result<Vec<Resource>, ManifestError> {
    Document::parse_all(file, text)?.into_iter().map(Resource::new).collect()
}

impl Resource {
    /// Gives a document its type.
    pub fn new(document: Document) -> Result<Self, ManifestError> {
        if document.kind().is_empty() || document.name().is_empty() {
            return Err(
                document.wrong("this document has no kind or no metadata.name; every Kubernetes object needs both")
            );
        }
        let typed = match (document.api_version(), document.kind()) {
            ("apps/v1", "Deployment" | "StatefulSet") => {
                let spec: WorkloadSpec = spec(&document)?;
                let workload = Workload::new(document.kind(), document.name(), document.namespace(), spec);
                Typed::Workload(Box::new(workload))
            }
            ("autoscaling/v2", "HorizontalPodAutoscaler") => Typed::Hpa(Box::new(spec(&document)?)),
            ("keda.sh/v1alpha1", "ScaledObject") => Typed::ScaledObject(Box::new(scaled_object(&document)?)),
            _ => Typed::Opaque,
        };
        Ok(Self { document, typed })
    }

    /// The workload, if it is one.
    pub fn workload(&self) -> Option<&Workload> {
        if let Typed::Workload(workload) = &self.typed { Some(workload) } else { None }
    }

    /// The HPA, if it is one.
    pub fn hpa(&self) -> Option<&HpaWritten> {
        if let Typed::Hpa(hpa) = &self.typed { Some(hpa) } else { None }
    }

    /// The `ScaledObject`, if it is one.
    pub fn scaled_object(&self) -> Option<&ScaledObject> {
        if let Typed::ScaledObject(object) = &self.typed { Some(object) } else { None }
    }
}

fn scaled_object(document: &Document) -> Result<ScaledObject, ManifestError> {
    let spec: ScaledObjectSpec = spec(document)?;
    let annotations = document.value.pointer("/metadata/annotations").cloned().unwrap_or(Value::Null);
    let annotations: Option<BTreeMap<String, Text>> = read(document, "metadata.annotations", &annotations)?;
    Ok(ScaledObject {
        name: document.name().to_owned(),
        namespace: document.namespace().map(str::to_owned),
        annotations: annotations.unwrap_or_default().into_iter().map(|(key, text)| (key, text.0)).collect(),
        spec,
    })
}

fn spec<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T, ManifestError> {
    read(document, "spec", &document.value["spec"])
}

fn read<'a, T: Deserialize<'a>>(document: &Document, part: &str, value: &'a Value) -> Result<T, ManifestError> {
    T::deserialize(value).map_err(|error| document.wrong(format!("{}: {part}: {error}", document.label())))
}
