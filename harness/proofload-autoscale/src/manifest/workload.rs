//! A Deployment or `StatefulSet`: what a local cluster must start, and what lint must know about it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Milli;
use crate::keda::Text;

/// A Deployment or `StatefulSet`.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// `Deployment` or `StatefulSet`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `spec.replicas`; `None` means 1, or that an autoscaler owns it.
    pub replicas: Option<i32>,
    /// `spec.selector.matchLabels`.
    pub selector: BTreeMap<String, String>,
    /// Labels of the pods.
    pub labels: BTreeMap<String, String>,
    /// `containers`.
    pub containers: Vec<Container>,
    /// `initContainers`.
    pub init_containers: Vec<Container>,
    /// `terminationGracePeriodSeconds`, 30 when absent.
    pub termination_grace_s: i64,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// `name`.
    pub name: String,
    /// `image`.
    #[serde(default)]
    pub image: String,
    /// `command`.
    #[serde(default)]
    pub command: Vec<String>,
    /// `args`.
    #[serde(default)]
    pub args: Vec<String>,
    /// `env`.
    #[serde(default)]
    pub env: Vec<EnvVar>,
    #[serde(default)]
    resources: Resources,
    /// `restartPolicy`; `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvVar {
    /// `name`.
    pub name: String,
    /// `value`.
    pub value: Option<String>,
    /// `valueFrom`, as written.
    pub value_from: Option<serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
struct Resources {
    #[serde(default)]
    requests: BTreeMap<String, Milli>,
    #[serde(default)]
    limits: BTreeMap<String, Milli>,
}

impl Container {
    /// `resources.requests` of `cpu`, `memory` …; a limit without a request counts as the request, as in Kubernetes.
    pub fn request(&self, resource: &str) -> Option<Milli> {
        self.resources.requests.get(resource).or_else(|| self.resources.limits.get(resource)).copied()
    }

    /// `resources.limits`.
    pub fn limit(&self, resource: &str) -> Option<Milli> {
        self.resources.limits.get(resource).copied()
    }

    /// Runs beside the containers for the pod's whole life, so its requests count for utilization.
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

#[derive(Deserialize)]
pub(super) struct WorkloadSpec {
    replicas: Option<i32>,
    #[serde(default)]
    selector: LabelSelector,
    template: PodTemplate,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct LabelSelector {
    #[serde(default)]
    match_labels: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
struct PodTemplate {
    #[serde(default)]
    metadata: PodMetadata,
    spec: PodSpec,
}

#[derive(Deserialize, Default)]
struct PodMetadata {
    #[serde(default)]
    labels: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(default)]
    init_containers: Vec<Container>,
    termination_grace_period_seconds: Option<i64>,
}

/// Kubernetes' default `terminationGracePeriodSeconds`.
const TERMINATION_GRACE_DEFAULT_S: i64 = 30;

impl Workload {
    pub(super) fn new(kind: &str, name: &str, namespace: Option<&str>, spec: WorkloadSpec) -> Self {
        let pod = spec.template.spec;
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            replicas: spec.replicas,
            selector: texts(spec.selector.match_labels),
            labels: texts(spec.template.metadata.labels),
            containers: pod.containers,
            init_containers: pod.init_containers,
            termination_grace_s: pod.termination_grace_period_seconds.unwrap_or(TERMINATION_GRACE_DEFAULT_S),
        }
    }

    /// The containers whose requests count: all, and init containers that keep running.
    pub fn counted_containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().chain(self.init_containers.iter().filter(|c| c.is_sidecar()))
    }
}

fn texts(map: BTreeMap<String, Text>) -> BTreeMap<String, String> {
    map.into_iter().map(|(key, text)| (key, text.0)).collect()
}
