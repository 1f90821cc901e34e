//! Fallback: the value the HPA gets while a trigger cannot be read.

use super::scaled_object::{Fallback, FallbackBehavior};

/// The health of one metric, kept in the object's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Failures since the last success.
    pub failures: i32,
    /// Happy or Failing.
    pub status: HealthStatus,
}

/// Happy or Failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum HealthStatus {
    Happy,
    Failing,
}

/// What the HPA gets for one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fallen {
    /// The trigger's own value.
    Value(f64),
    /// The fallback's value.
    Fallback(f64),
    /// An error, which forbids scaling down.
    Error,
}

/// One reading of a trigger with an `AverageValue` target: what the HPA gets, and the metric's health afterwards.
/// Without a fallback nothing is counted.
pub fn apply_fallback(
    fallback: Option<&Fallback>,
    health: Option<Health>,
    reading: Option<f64>,
    target: f64,
    current_replicas: i32,
) -> (Fallen, Option<Health>) {
    let Some(fallback) = fallback else {
        return (reading.map_or(Fallen::Error, Fallen::Value), health);
    };
    let before = health.unwrap_or(Health { failures: 0, status: HealthStatus::Happy });
    if let Some(value) = reading {
        return (Fallen::Value(value), Some(Health { failures: 0, status: HealthStatus::Happy }));
    }
    // A negative threshold or count is refused by KEDA's validation, and counts nothing.
    if fallback.failure_threshold < 0 || fallback.replicas < 0 {
        return (Fallen::Error, Some(before));
    }
    let after = Health { failures: before.failures.saturating_add(1), status: HealthStatus::Failing };
    if after.failures <= fallback.failure_threshold {
        return (Fallen::Error, Some(after));
    }
    let replicas = match fallback.behavior {
        FallbackBehavior::Static | FallbackBehavior::ScalingModifiers => fallback.replicas,
        FallbackBehavior::CurrentReplicas => current_replicas,
        FallbackBehavior::CurrentReplicasIfHigher => fallback.replicas.max(current_replicas),
        FallbackBehavior::CurrentReplicasIfLower => fallback.replicas.min(current_replicas),
    };
    (Fallen::Fallback(target * f64::from(replicas)), Some(after))
}
