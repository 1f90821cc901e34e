//! From the metrics' recommendation to the number that is set: stabilise, limit, and say why.

use crate::ClusterTime;

use super::decision::{ConditionType, Reason, set_condition};
use super::rate::{limit_by_rules, limit_legacy};
use super::spec::{Behavior, HpaSpec};
use super::stabilise::{stabilise_by_rules, stabilise_legacy};
use super::state::HpaState;

/// A number of replicas and the limit that shaped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Replicas.
    pub replicas: i32,
    /// The limit, or `DesiredWithinRange`.
    pub reason: Reason,
}

pub(super) fn normalise(spec: &HpaSpec, state: &mut HpaState, current: i32, desired: i32, now: ClusterTime) -> i32 {
    let (stabilised, held, limited) = match &spec.behavior {
        None => legacy(spec, state, current, desired, now),
        Some(behavior) => by_rules(spec, behavior, state, (current, desired), now),
    };
    let able = if stabilised == desired { Reason::ReadyForNewScale } else { held };
    set_condition(&mut state.conditions, ConditionType::AbleToScale, true, able);
    let is_limited = limited.replicas != stabilised;
    set_condition(&mut state.conditions, ConditionType::ScalingLimited, is_limited, limited.reason);
    limited.replicas
}

fn legacy(
    spec: &HpaSpec,
    state: &mut HpaState,
    current: i32,
    desired: i32,
    now: ClusterTime,
) -> (i32, Reason, Limited) {
    let window_ms = spec.controller.downscale_stabilization_ms;
    let log = state.recommendations.get_or_insert_default();
    let stabilised = stabilise_legacy(log, desired, window_ms, now);
    let limited = limit_legacy(current, stabilised, (spec.min, spec.max), spec.controller.scale_up_limit_factor);
    (stabilised, Reason::ScaleDownStabilized, limited)
}

fn by_rules(
    spec: &HpaSpec,
    behavior: &Behavior,
    state: &mut HpaState,
    (current, desired): (i32, i32),
    now: ClusterTime,
) -> (i32, Reason, Limited) {
    let up_ms = behavior.scale_up.stabilization_ms.unwrap_or(0);
    let down_ms = behavior.scale_down.stabilization_ms.unwrap_or(spec.controller.downscale_stabilization_ms);
    let log = state.recommendations.get_or_insert_default();
    let stabilised = stabilise_by_rules(log, (current, desired), (up_ms, down_ms), now);
    let held = if desired >= current { Reason::ScaleUpStabilized } else { Reason::ScaleDownStabilized };
    let limited = limit_by_rules((current, stabilised), (spec.min, spec.max), behavior, state, now);
    (stabilised, held, limited)
}
