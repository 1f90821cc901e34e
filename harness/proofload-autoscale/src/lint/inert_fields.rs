//! `keda-inert-fields`: with a minimum above zero and no idle count KEDA's own loop has nothing to decide.

use crate::keda::ScaledObjectSpec;
use crate::manifest::Resource;

use super::{Finding, Level};

pub(super) fn find(resources: &[Resource], findings: &mut Vec<Finding>) {
    for resource in resources {
        let Some(object) = resource.scaled_object() else { continue };
        let inert = inert(&object.spec);
        if inert.is_empty() {
            continue;
        }
        let (verb, names) = (if inert.len() == 1 { "has" } else { "have" }, inert.join(" and "));
        let message = format!(
            "{names} {verb} no effect: minReplicaCount is {} and idleReplicaCount is absent, so the HPA alone scales",
            object.spec.min()
        );
        let advice =
            "Shape scaling down with advanced.horizontalPodAutoscalerConfig.behavior.scaleDown, or remove the \
                      fields."
                .to_owned();
        findings.push(Finding::new("keda-inert-fields", Level::Warning, resource, message, advice));
    }
}

fn inert(spec: &ScaledObjectSpec) -> Vec<&'static str> {
    if spec.min() == 0 || spec.idle_replica_count.is_some() {
        return Vec::new();
    }
    // Cached metrics are refreshed by the loop, so its period matters to the HPA.
    let cached = spec.triggers.iter().any(|trigger| trigger.use_cached_metrics);
    let fields = [
        ("pollingInterval", spec.polling_interval.is_some() && !cached),
        ("cooldownPeriod", spec.cooldown_period.is_some()),
        ("initialCooldownPeriod", spec.initial_cooldown_period.is_some()),
    ];
    fields.into_iter().filter(|(_, is_inert)| *is_inert).map(|(name, _)| name).collect()
}
