//! Object metrics: one number that describes one Kubernetes object, such as requests per second of an Ingress.

use crate::Milli;

use super::super::observation::PodCount;
use super::super::spec::Tolerance;
use super::{Calculated, MetricFailure, average, value};

/// `target.type: AverageValue`.
pub fn object_average(
    usage: Option<Milli>,
    target: Milli,
    status_replicas: i32,
    tolerance: Tolerance,
) -> Result<Calculated, MetricFailure> {
    Ok(average(usage.ok_or(MetricFailure::NoValue)?, target, status_replicas, tolerance))
}

/// `target.type: Value`.
pub fn object_value(
    usage: Option<Milli>,
    target: Milli,
    spec_replicas: i32,
    pods: PodCount,
    tolerance: Tolerance,
) -> Result<Calculated, MetricFailure> {
    value(usage.ok_or(MetricFailure::NoValue)?, target, spec_replicas, pods, tolerance)
}
