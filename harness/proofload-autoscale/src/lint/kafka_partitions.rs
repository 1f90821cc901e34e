//! `kafka-max-above-partitions`: a partition feeds one consumer of a group, so more replicas than partitions sit idle.
//!
//! A manifest does not say how many partitions a topic has; the annotation `proofload.dev/partitions` on the
//! `ScaledObject` does (a number). Without it nothing is said.

use crate::keda::{ScaledObject, TriggerWritten, parse_partitions};
use crate::manifest::Resource;

use super::{Finding, Level};

/// The annotation that tells the number of partitions of the topic.
const PARTITIONS: &str = "proofload.dev/partitions";

pub(super) fn find(resources: &[Resource], findings: &mut Vec<Finding>) {
    for resource in resources {
        let Some(object) = resource.scaled_object() else { continue };
        let Some(annotation) = object.annotations.get(PARTITIONS) else { continue };
        for trigger in object.spec.triggers.iter().filter(|trigger| trigger.kind == "kafka") {
            findings.extend(match annotation.parse::<i32>() {
                Ok(partitions) => check(resource, object, trigger, partitions),
                Err(_) => Some(unreadable(resource, annotation)),
            });
        }
    }
}

fn check(resource: &Resource, object: &ScaledObject, trigger: &TriggerWritten, partitions: i32) -> Option<Finding> {
    let limited = trigger.get("partitionLimitation").and_then(|text| parse_partitions(text).ok());
    let limited = limited.and_then(|list| i32::try_from(list.len()).ok());
    let feedable = limited.map_or(partitions, |limited| limited.min(partitions));
    let max = object.spec.max();
    if max <= feedable {
        return None;
    }
    let idle = if trigger.get("allowIdleConsumers") == Some("true") {
        "the others would sit idle, for allowIdleConsumers lets them start"
    } else {
        "KEDA caps the lag there, so the others are never started"
    };
    let message = format!(
        "may grow to {max} replicas, but the {feedable} partitions of topic `{}` can feed only {feedable} of them; {idle}",
        trigger.get("topic").unwrap_or("?")
    );
    let advice = format!("Give the topic {max} partitions, or set maxReplicaCount to {feedable}.");
    Some(Finding::new("kafka-max-above-partitions", Level::Warning, resource, message, advice))
}

fn unreadable(resource: &Resource, annotation: &str) -> Finding {
    let message = format!("annotation {PARTITIONS} is `{annotation}`, which is not a number");
    let advice = "Write the number of partitions of the topic, in quotes.".to_owned();
    Finding::new("kafka-max-above-partitions", Level::Error, resource, message, advice)
}
