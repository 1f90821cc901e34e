//! `missing-requests`: a utilization is a share of the request; one container without it blinds the autoscaler.

use crate::hpa::{HpaWritten, MetricWritten};
use crate::keda::{ScaledObject, TriggerWritten};
use crate::manifest::{Resource, Workload};

use super::target::{target_of, workload_of};
use super::{Finding, Level};

/// A utilization target: resource, and the one container it looks at.
struct Wanted<'a> {
    resource: &'a str,
    container: Option<&'a str>,
}

pub(super) fn find(resources: &[Resource], findings: &mut Vec<Finding>) {
    for autoscaler in resources {
        let Some(workload) = target_of(autoscaler).and_then(|target| workload_of(resources, target)) else { continue };
        let from_hpa = autoscaler.hpa().into_iter().flat_map(utilizations);
        let from_keda = autoscaler.scaled_object().into_iter().flat_map(keda_utilizations);
        for wanted in from_hpa.chain(from_keda) {
            findings.extend(check(autoscaler, workload, &wanted));
        }
    }
}

/// Without metrics the API server fills in 80 % cpu.
fn utilizations(hpa: &HpaWritten) -> impl Iterator<Item = Wanted<'_>> {
    let default = hpa.metrics.is_empty().then_some(Wanted { resource: "cpu", container: None });
    let written = hpa.metrics.iter().filter_map(|metric: &MetricWritten| {
        let metric = metric.resource.as_ref().or(metric.container_resource.as_ref())?;
        let wanted = Wanted { resource: &metric.name, container: metric.container.as_deref() };
        (metric.target.kind == "Utilization").then_some(wanted)
    });
    default.into_iter().chain(written)
}

fn keda_utilizations(object: &ScaledObject) -> impl Iterator<Item = Wanted<'_>> {
    object.spec.triggers.iter().filter_map(|trigger: &TriggerWritten| {
        let is_resource = matches!(trigger.kind.as_str(), "cpu" | "memory");
        let is_utilization = trigger.metric_type.as_deref() == Some("Utilization");
        let wanted = Wanted { resource: &trigger.kind, container: trigger.get("containerName") };
        (is_resource && is_utilization).then_some(wanted)
    })
}

fn check(autoscaler: &Resource, workload: &Workload, wanted: &Wanted<'_>) -> Option<Finding> {
    let lacking: Vec<&str> = workload
        .counted_containers()
        .filter(|c| wanted.container.is_none_or(|name| name == c.name))
        .filter(|c| c.request(wanted.resource).is_none())
        .map(|c| c.name.as_str())
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let (resource, containers) = (wanted.resource, lacking.join("`, `"));
    let message = format!(
        "targets {resource} utilization, but container `{containers}` of {}/{} has no {resource} request; the metric fails \
         at every sync with FailedGetResourceMetric, so it never scales up and forbids scaling down",
        workload.kind, workload.name
    );
    let advice = format!("Set resources.requests.{resource} on every container of the pod, or target an averageValue.");
    Some(Finding::new("missing-requests", Level::Error, autoscaler, message, advice))
}
