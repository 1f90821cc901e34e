//! What an autoscaler scales: object references resolved within a namespace.

use crate::hpa::ObjectRef;
use crate::manifest::{Resource, Workload};

/// A scale target: namespace, kind and name.
pub(super) type Target<'a> = (&'a str, &'a str, &'a str);

/// The scale target of an HPA or a `ScaledObject`.
pub(super) fn target_of(resource: &Resource) -> Option<Target<'_>> {
    let hpa = resource.hpa().map(|hpa| &hpa.scale_target_ref);
    let reference: &ObjectRef = hpa.or_else(|| resource.scaled_object().map(|o| &o.spec.scale_target_ref))?;
    Some((namespace(resource), &reference.kind, &reference.name))
}

/// The workload that a target names.
pub(super) fn workload_of<'a>(resources: &'a [Resource], target: Target<'_>) -> Option<&'a Workload> {
    let is_it = |r: &&Resource| (namespace(r), r.document.kind(), r.document.name()) == target;
    resources.iter().find(is_it).and_then(Resource::workload)
}

fn namespace(resource: &Resource) -> &str {
    resource.document.namespace().unwrap_or("default")
}
