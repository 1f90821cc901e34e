//! From one metric to a number of replicas; one file per kind of metric. Resource, `ContainerResource` and Pods metrics
//! get their own files beside these.

pub(super) mod external;
pub(super) mod object;

use crate::Milli;

use super::observation::PodCount;
use super::spec::Tolerance;

/// What a metric asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calculated {
    /// Replicas.
    pub replicas: i32,
    /// The usage the status reports: the total, or its part per replica.
    pub usage: Milli,
}

/// Why a metric could not be calculated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetricFailure {
    /// The metrics API failed.
    #[error("the metrics API gave no answer; check that the adapter serves this metric")]
    Unavailable,
    /// The metrics API knows no such metric.
    #[error("the metrics API returned no value; check the metric's name and selector")]
    NoValue,
    /// There are no pods to multiply with.
    #[error("no pods were found; check the selector of the scale target")]
    NoPods,
}

/// Usage per replica, rounded up; 0 without replicas.
pub fn per_pod_usage(usage: Milli, status_replicas: i32) -> Milli {
    if status_replicas == 0 {
        return Milli(0);
    }
    Milli(ceil_i64(usage.as_f64() / f64::from(status_replicas)))
}

/// `AverageValue`: the tolerance is relative to the total over *status* replicas; readiness plays no part.
fn average(usage: Milli, target: Milli, status_replicas: i32, tolerance: Tolerance) -> Calculated {
    let ratio = usage.as_f64() / (target.as_f64() * f64::from(status_replicas));
    let within = tolerance.holds(ratio);
    let replicas = if within { status_replicas } else { ceil_i32(usage.as_f64() / target.as_f64()) };
    Calculated { replicas, usage: per_pod_usage(usage, status_replicas) }
}

/// `Value`: the ratio multiplies *ready* pods, so slow starters dampen it. At zero the tolerance is ignored.
fn value(
    usage: Milli,
    target: Milli,
    spec_replicas: i32,
    pods: PodCount,
    tolerance: Tolerance,
) -> Result<Calculated, MetricFailure> {
    let ratio = usage.as_f64() / target.as_f64();
    let replicas = match spec_replicas {
        0 => ceil_i32(ratio),
        current if tolerance.holds(ratio) => current,
        _ if pods.total == 0 => return Err(MetricFailure::NoPods),
        _ => ceil_i32(ratio * f64::from(pods.ready)),
    };
    Ok(Calculated { replicas, usage })
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates at i32::MAX, as the controller does")]
fn ceil_i32(x: f64) -> i32 {
    x.ceil() as i32
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates at i64::MAX, as the controller does")]
fn ceil_i64(x: f64) -> i64 {
    x.ceil() as i64
}
