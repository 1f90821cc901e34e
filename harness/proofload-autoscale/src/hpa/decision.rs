//! What one sync decides and says.

use std::fmt;

use super::combine::Proposal;

/// The outcome of one sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `spec.replicas` after the sync.
    pub desired: i32,
    /// Whether the scale was updated.
    pub rescaled: bool,
    /// The conditions in the order of the object's status.
    pub conditions: Vec<Condition>,
    /// The event recorded, if any.
    pub event: Option<Event>,
    /// What each metric asked for, in order; failures keep their reason.
    pub proposals: Vec<Result<Proposal, Reason>>,
    /// The maximum of the proposals, before stabilisation and limits.
    pub recommended: Option<i32>,
}

/// One condition of the autoscaler's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Type.
    pub kind: ConditionType,
    /// True or False; the controller writes no Unknown.
    pub status: bool,
    /// Reason.
    pub reason: Reason,
}

/// The types of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "upstream's words")]
pub enum ConditionType {
    AbleToScale,
    ScalingActive,
    ScalingLimited,
    ScaledToZero,
}

/// The reasons of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "upstream's words")]
pub enum Reason {
    FailedGetScale,
    SucceededGetScale,
    SucceededRescale,
    ReadyForNewScale,
    ScaleUpStabilized,
    ScaleDownStabilized,
    ScalingDisabled,
    InvalidSelector,
    AmbiguousSelector,
    ValidMetricFound,
    FailedGetExternalMetric,
    FailedGetObjectMetric,
    InvalidMetricSourceType,
    ScaleUpLimit,
    ScaleDownLimit,
    TooManyReplicas,
    TooFewReplicas,
    DesiredWithinRange,
    ScaledToZero,
    NotScaledToZero,
}

/// The events of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "upstream's words")]
pub enum Event {
    SuccessfulRescale,
    FailedGetScale,
    FailedComputeMetricsReplicas,
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Replaces the condition of that type in place, or adds it at the end, as the API machinery does.
pub(super) fn set_condition(conditions: &mut Vec<Condition>, kind: ConditionType, status: bool, reason: Reason) {
    let condition = Condition { kind, status, reason };
    match conditions.iter_mut().find(|c| c.kind == kind) {
        Some(place) => *place = condition,
        None => conditions.push(condition),
    }
}
