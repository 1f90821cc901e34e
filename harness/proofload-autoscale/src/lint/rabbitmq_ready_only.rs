//! `rabbitmq-counts-ready-only`: over AMQP a queue's length leaves out what workers have taken but not finished.

use crate::keda::TriggerWritten;
use crate::manifest::Resource;

use super::{Finding, Level};

pub(super) fn find(resources: &[Resource], findings: &mut Vec<Finding>) {
    for resource in resources {
        let Some(object) = resource.scaled_object() else { continue };
        for trigger in object.spec.triggers.iter().filter(|trigger| asks_over_amqp(trigger)) {
            let queue = trigger.get("queueName").unwrap_or("?");
            let message = format!(
                "queue `{queue}` is read over AMQP, which counts ready messages only; a drained queue reads 0 while every \
                 replica is still at work, and busy replicas are then removed"
            );
            let advice = "Use the management API: protocol: http, mode: QueueLength, value: \"…\", with an http host."
                .to_owned();
            findings.push(Finding::new("rabbitmq-counts-ready-only", Level::Warning, resource, message, advice));
        }
    }
}

/// Decided without the host where that comes from a Secret: then only `protocol` tells, and KEDA's `auto` stays unknown.
fn asks_over_amqp(trigger: &TriggerWritten) -> bool {
    let protocol = trigger.get("protocol").unwrap_or("auto");
    let host_is_amqp = trigger.get("host").is_some_and(|host| host.starts_with("amqp"));
    trigger.kind == "rabbitmq" && (protocol == "amqp" || (protocol == "auto" && host_is_amqp))
}
