//! What an autoscaler was told to do: the checked form of `spec`, with upstream's defaults filled in.

use serde::{Deserialize, Serialize};

use crate::Milli;

/// A checked autoscaler with the controller's flags it runs under.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaSpec {
    /// `minReplicas`, 1 when absent.
    pub min: i32,
    /// `maxReplicas`.
    pub max: i32,
    /// The metrics in manifest order; readings come in the same order.
    pub metrics: Vec<MetricSpec>,
    /// `behavior`; `None` selects the legacy normalisation.
    pub behavior: Option<Behavior>,
    /// Flags of the controller manager.
    pub controller: Controller,
}

/// Flags of the controller manager.
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: Milli,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, in milliseconds.
    pub downscale_stabilization_ms: i64,
    /// Without `behavior`: how many times the replicas one sync may reach (2; upstream's unit tests force 8).
    pub scale_up_limit_factor: i32,
    /// How zero replicas are read.
    pub scale_to_zero: ScaleToZero,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            tolerance: Milli(100),
            downscale_stabilization_ms: 300_000,
            scale_up_limit_factor: 2,
            scale_to_zero: ScaleToZero::MinZero,
        }
    }
}

/// When an autoscaler at zero replicas is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleToZero {
    /// Up to Kubernetes 1.35: at work iff `minReplicas` is 0.
    MinZero,
    /// From 1.36: at work iff the gate `HPAScaleToZero` is on and the autoscaler itself went to zero.
    Conditional {
        /// The feature gate.
        gate: bool,
    },
}

/// One metric of the autoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricSpec {
    /// An external metric, summed over its series.
    External {
        /// Metric name.
        name: String,
        /// Target.
        target: Target,
    },
    /// A metric of one Kubernetes object.
    Object {
        /// Metric name.
        name: String,
        /// Target.
        target: Target,
    },
    /// A type the controller does not know: it always fails.
    Unknown {
        /// The type as written.
        kind: String,
    },
}

/// The number a metric is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Total divided by replicas.
    AverageValue(Milli),
    /// The total itself, scaled by ready pods.
    Value(Milli),
}

/// `behavior`, both directions filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    /// `scaleUp`.
    pub scale_up: Rules,
    /// `scaleDown`.
    pub scale_down: Rules,
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `stabilizationWindowSeconds` in milliseconds; `None` in `scaleDown` means the controller's flag.
    pub stabilization_ms: Option<i64>,
    /// `selectPolicy`.
    pub select: Select,
    /// `policies`.
    pub policies: Vec<Policy>,
    /// `tolerance` of this direction, in place of the controller's.
    pub tolerance: Option<Milli>,
}

/// Which of several policies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Select {
    /// The one that permits the largest change.
    Max,
    /// The one that permits the smallest change.
    Min,
    /// No change in this direction.
    Disabled,
}

/// How much may change in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Pods or percent.
    pub kind: PolicyType,
    /// How many.
    pub value: i32,
    /// `periodSeconds` in milliseconds.
    pub period_ms: i64,
}

/// The unit of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyType {
    /// Pods.
    Pods,
    /// Percent of the replicas at the start of the period.
    Percent,
}

impl Default for Behavior {
    fn default() -> Self {
        Self { scale_up: Rules::default_up(), scale_down: Rules::default_down() }
    }
}

impl Rules {
    /// Upstream's defaults for `scaleUp`.
    pub fn default_up() -> Self {
        let policy = |kind, value| Policy { kind, value, period_ms: 15_000 };
        Self {
            stabilization_ms: Some(0),
            select: Select::Max,
            policies: vec![policy(PolicyType::Pods, 4), policy(PolicyType::Percent, 100)],
            tolerance: None,
        }
    }

    /// Upstream's defaults for `scaleDown`.
    pub fn default_down() -> Self {
        Self {
            stabilization_ms: None,
            select: Select::Max,
            policies: vec![Policy { kind: PolicyType::Percent, value: 100, period_ms: 15_000 }],
            tolerance: None,
        }
    }
}

/// The tolerances in force, per direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Below the target.
    pub down: Milli,
    /// Above the target.
    pub up: Milli,
}

impl Tolerance {
    /// Whether a usage ratio is close enough to 1 to change nothing. NaN and infinities never are.
    pub fn holds(self, ratio: f64) -> bool {
        1.0 - self.down.as_f64() / 1000.0 <= ratio && ratio <= 1.0 + self.up.as_f64() / 1000.0
    }
}

impl HpaSpec {
    /// The tolerances in force: the controller's, replaced per direction by `behavior`.
    pub fn tolerance(&self) -> Tolerance {
        let of = |rules: Option<&Rules>| rules.and_then(|r| r.tolerance).unwrap_or(self.controller.tolerance);
        Tolerance {
            down: of(self.behavior.as_ref().map(|b| &b.scale_down)),
            up: of(self.behavior.as_ref().map(|b| &b.scale_up)),
        }
    }

    pub(super) fn scales_on_object_or_external(&self) -> bool {
        self.metrics.iter().any(|m| matches!(m, MetricSpec::External { .. } | MetricSpec::Object { .. }))
    }
}

/// A manifest that cannot be turned into an [`HpaSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A metric type that is not emulated yet.
    #[error("{hpa}: metrics[{index}] is of type {kind}, which is not emulated yet; External and Object metrics are")]
    MetricType {
        /// The autoscaler.
        hpa: String,
        /// Position in `metrics`.
        index: usize,
        /// The type.
        kind: String,
    },
    /// A field that does not hold together.
    #[error("{hpa}: {message}")]
    Field {
        /// The autoscaler.
        hpa: String,
        /// What is wrong and what to write.
        message: String,
    },
}
