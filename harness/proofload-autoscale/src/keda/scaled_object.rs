//! A `ScaledObject` (`keda.sh/v1alpha1`) as a manifest writes it, with KEDA's defaults behind accessors.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::hpa::{BehaviorWritten, ObjectRef};
use crate::{quantity, seconds};

/// A `ScaledObject` with the parts of its metadata that steer it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledObject {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `spec`.
    pub spec: ScaledObjectSpec,
}

/// `spec` of a `ScaledObject`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaledObjectSpec {
    /// `scaleTargetRef`.
    pub scale_target_ref: ObjectRef,
    /// `pollingInterval` in seconds.
    pub polling_interval: Option<i32>,
    /// `cooldownPeriod` in seconds.
    pub cooldown_period: Option<i32>,
    /// `initialCooldownPeriod` in seconds.
    pub initial_cooldown_period: Option<i32>,
    /// `idleReplicaCount`.
    pub idle_replica_count: Option<i32>,
    /// `minReplicaCount`.
    pub min_replica_count: Option<i32>,
    /// `maxReplicaCount`.
    pub max_replica_count: Option<i32>,
    /// `fallback`.
    pub fallback: Option<Fallback>,
    /// `advanced`.
    pub advanced: Option<Advanced>,
    /// `triggers`.
    #[serde(default)]
    pub triggers: Vec<TriggerWritten>,
}

/// `fallback`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// `failureThreshold`.
    pub failure_threshold: i32,
    /// `replicas`.
    pub replicas: i32,
    /// `behavior`.
    #[serde(default)]
    pub behavior: FallbackBehavior,
}

/// What a fallback does with the replicas it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum FallbackBehavior {
    #[default]
    Static,
    CurrentReplicas,
    CurrentReplicasIfHigher,
    CurrentReplicasIfLower,
    ScalingModifiers,
}

/// `advanced`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advanced {
    /// `horizontalPodAutoscalerConfig`.
    pub horizontal_pod_autoscaler_config: Option<HpaConfig>,
    /// `scalingModifiers`, kept as written: it is not emulated.
    pub scaling_modifiers: Option<serde_json::Value>,
}

/// `advanced.horizontalPodAutoscalerConfig`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HpaConfig {
    /// `name`.
    pub name: Option<String>,
    /// `behavior`, passed through to the HPA.
    pub behavior: Option<BehaviorWritten>,
}

/// One entry of `triggers`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriggerWritten {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `name`.
    pub name: Option<String>,
    /// `metricType`.
    pub metric_type: Option<String>,
    /// `useCachedMetrics`: the HPA gets the value of the scale loop's last poll.
    #[serde(default)]
    pub use_cached_metrics: bool,
    /// `metadata`.
    #[serde(default)]
    pub metadata: BTreeMap<String, Text>,
}

/// A metadata value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        quantity::scalar_text(deserializer).map(Text)
    }
}

/// KEDA's default `maxReplicaCount`.
const MAX_REPLICAS_DEFAULT: i32 = 100;
/// KEDA's default `pollingInterval`.
const POLLING_INTERVAL_DEFAULT_S: i32 = 30;
/// KEDA's default `cooldownPeriod`.
const COOLDOWN_PERIOD_DEFAULT_S: i32 = 300;

impl ScaledObjectSpec {
    /// `minReplicaCount`, 0 when absent.
    pub fn min(&self) -> i32 {
        self.min_replica_count.unwrap_or(0)
    }

    /// `maxReplicaCount`, 100 when absent.
    pub fn max(&self) -> i32 {
        self.max_replica_count.unwrap_or(MAX_REPLICAS_DEFAULT)
    }

    /// How often the scale loop looks, in milliseconds.
    pub fn polling_interval_ms(&self) -> i64 {
        seconds(self.polling_interval.unwrap_or(POLLING_INTERVAL_DEFAULT_S))
    }

    /// How long after the last activity the target may go to zero or idle, in milliseconds.
    pub fn cooldown_period_ms(&self) -> i64 {
        seconds(self.cooldown_period.unwrap_or(COOLDOWN_PERIOD_DEFAULT_S))
    }

    /// The same for an object that was never active, counted from its creation.
    pub fn initial_cooldown_period_ms(&self) -> i64 {
        seconds(self.initial_cooldown_period.unwrap_or(0))
    }
}

impl TriggerWritten {
    /// The metadata as plain texts.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.metadata.iter().map(|(key, text)| (key.clone(), text.0.clone())).collect()
    }

    /// One metadata value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(|text| text.0.as_str())
    }
}

impl ScaledObject {
    /// Whether an annotation under `autoscaling.keda.sh/` is on. A value that is no boolean counts as on.
    pub fn flag(&self, name: &str) -> bool {
        self.annotation(name).is_some_and(|text| !matches!(text, "false" | "False" | "FALSE" | "f" | "F" | "0"))
    }

    /// An annotation under `autoscaling.keda.sh/`.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(&format!("autoscaling.keda.sh/{name}")).map(String::as_str)
    }

    /// Whether the object is paused, by `paused` or `paused-replicas`.
    pub fn is_paused(&self) -> bool {
        self.flag("paused") || self.annotation("paused-replicas").is_some()
    }
}
