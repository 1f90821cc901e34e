//! External metrics: a number from outside the cluster, summed over its series.

use crate::Milli;

use super::super::observation::PodCount;
use super::super::spec::Tolerance;
use super::{Calculated, MetricFailure, average, value};

/// `target.averageValue`, KEDA's default.
pub fn external_average(
    series: &[Milli],
    target: Milli,
    status_replicas: i32,
    tolerance: Tolerance,
) -> Result<Calculated, MetricFailure> {
    Ok(average(sum(series)?, target, status_replicas, tolerance))
}

/// `target.value`.
pub fn external_value(
    series: &[Milli],
    target: Milli,
    spec_replicas: i32,
    pods: PodCount,
    tolerance: Tolerance,
) -> Result<Calculated, MetricFailure> {
    value(sum(series)?, target, spec_replicas, pods, tolerance)
}

fn sum(series: &[Milli]) -> Result<Milli, MetricFailure> {
    if series.is_empty() {
        return Err(MetricFailure::NoValue);
    }
    Ok(Milli(series.iter().fold(0, |total, next| i64::saturating_add(total, next.0))))
}
