//! `two-autoscalers`: two of them on one target undo each other's work, or both stop with `AmbiguousSelector`.

use std::collections::BTreeMap;

use crate::manifest::Resource;

use super::target::{Target, target_of};
use super::{Finding, Level};

/// With this annotation KEDA takes an existing HPA over instead of making a second one.
const TRANSFER: &str = "scaledobject.keda.sh/transfer-hpa-ownership";

pub(super) fn find(resources: &[Resource], findings: &mut Vec<Finding>) {
    let mut by_target: BTreeMap<Target<'_>, Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        if let Some(target) = target_of(resource) {
            by_target.entry(target).or_default().push(resource);
        }
    }
    for ((_, kind, name), autoscalers) in by_target {
        let [first, others @ ..] = autoscalers.as_slice() else { continue };
        for other in others.iter().filter(|other| !hands_over(first, other)) {
            let message = format!("scales {kind}/{name}, which {} scales already", first.document.label());
            let advice =
                "Keep one of them; a ScaledObject can hold a cpu or memory trigger beside its others.".to_owned();
            findings.push(Finding::new("two-autoscalers", Level::Error, other, message, advice));
        }
    }
}

fn hands_over(one: &Resource, other: &Resource) -> bool {
    [one, other]
        .iter()
        .any(|r| r.scaled_object().is_some_and(|o| o.annotations.get(TRANSFER).is_some_and(|v| v == "true")))
}
