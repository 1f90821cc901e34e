//! Several metrics to one number: the largest proposal counts, and a failed metric forbids scaling down.

use super::decision::Reason;
use super::metric::external::{external_average, external_value};
use super::metric::object::{object_average, object_value};
use super::metric::{Calculated, MetricFailure};
use super::observation::{Observation, Reading, Scale};
use super::spec::{HpaSpec, MetricSpec, Target, Tolerance};

/// What one metric asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The metric.
    pub metric: String,
    /// Replicas and usage.
    pub calculated: Calculated,
}

/// Every metric's proposal, and the one that counts or the reason for standing still.
pub(super) struct Combined {
    pub(super) proposals: Vec<Result<Proposal, Reason>>,
    pub(super) outcome: Result<i32, Reason>,
}

pub(super) fn combine(spec: &HpaSpec, scale: Scale, seen: &Observation) -> Combined {
    let tolerance = spec.tolerance();
    let proposals: Vec<_> = spec
        .metrics
        .iter()
        .enumerate()
        .map(|(i, metric)| propose(metric, seen.readings.get(i), scale, seen, tolerance))
        .collect();
    let outcome = choose(&proposals, scale.spec_replicas);
    Combined { proposals, outcome }
}

/// A sync whose metrics fail only in part still scales up: the broken ones might ask for more, never for less.
fn choose(proposals: &[Result<Proposal, Reason>], current: i32) -> Result<i32, Reason> {
    let largest = proposals.iter().flatten().map(|p| p.calculated.replicas).max();
    let failure = proposals.iter().find_map(|p| p.as_ref().err().copied());
    match (largest, failure) {
        (Some(largest), Some(failure)) if largest < current => Err(failure),
        (Some(largest), _) => Ok(largest),
        (None, failure) => Err(failure.unwrap_or(Reason::InvalidMetricSourceType)),
    }
}

fn propose(
    metric: &MetricSpec,
    reading: Option<&Reading>,
    scale: Scale,
    seen: &Observation,
    tolerance: Tolerance,
) -> Result<Proposal, Reason> {
    let series = match reading {
        Some(Reading::Series(series)) => Ok(series.as_slice()),
        Some(Reading::Failed) | None => Err(MetricFailure::Unavailable),
    };
    let (spec_n, status_n, pods) = (scale.spec_replicas, scale.status_replicas, seen.pods);
    let (name, reason, calculated) = match metric {
        MetricSpec::External { name, target } => {
            let calculated = series.and_then(|series| match *target {
                Target::AverageValue(target) => external_average(series, target, status_n, tolerance),
                Target::Value(target) => external_value(series, target, spec_n, pods, tolerance),
            });
            (name, Reason::FailedGetExternalMetric, calculated)
        }
        MetricSpec::Object { name, target } => {
            let calculated = series.map(|series| series.first().copied()).and_then(|usage| match *target {
                Target::AverageValue(target) => object_average(usage, target, status_n, tolerance),
                Target::Value(target) => object_value(usage, target, spec_n, pods, tolerance),
            });
            (name, Reason::FailedGetObjectMetric, calculated)
        }
        MetricSpec::Unknown { .. } => return Err(Reason::InvalidMetricSourceType),
    };
    calculated.map(|calculated| Proposal { metric: name.clone(), calculated }).map_err(|_| reason)
}
