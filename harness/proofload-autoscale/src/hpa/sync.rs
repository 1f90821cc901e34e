//! One sync of the controller, in upstream's order.

use crate::ClusterTime;

use super::combine::combine;
use super::decision::{ConditionType, Decision, Event, Reason, set_condition};
use super::normalise::normalise;
use super::observation::{Observation, Scale, Selector};
use super::spec::{HpaSpec, ScaleToZero};
use super::state::{HpaState, Recommendation};

/// One sync: what the controller sets and says, and what it remembers.
pub fn sync(spec: &HpaSpec, mut state: HpaState, seen: &Observation, now: ClusterTime) -> (Decision, HpaState) {
    let Some(scale) = seen.scale else {
        set_condition(&mut state.conditions, ConditionType::AbleToScale, false, Reason::FailedGetScale);
        let decision = standstill(0, &state, Some(Event::FailedGetScale));
        return (decision, state);
    };
    set_condition(&mut state.conditions, ConditionType::AbleToScale, true, Reason::SucceededGetScale);
    let current = scale.spec_replicas;
    state.log(Recommendation { replicas: current, at: now });

    let mut decision = standstill(current, &state, None);
    if is_disabled(spec, &state, current) {
        set_condition(&mut state.conditions, ConditionType::ScalingActive, false, Reason::ScalingDisabled);
    } else if current > spec.max {
        decision.desired = spec.max;
    } else if current < spec.min && current != 0 {
        decision.desired = spec.min;
    } else {
        follow_metrics(spec, &mut state, (scale, seen), &mut decision, now);
    }
    finish(spec, &mut state, current, &mut decision, now);
    decision.conditions.clone_from(&state.conditions);
    (decision, state)
}

fn standstill(current: i32, state: &HpaState, event: Option<Event>) -> Decision {
    Decision {
        desired: current,
        rescaled: false,
        conditions: state.conditions.clone(),
        event,
        proposals: Vec::new(),
        recommended: None,
    }
}

/// At zero an autoscaler rests, unless it may scale from zero.
fn is_disabled(spec: &HpaSpec, state: &HpaState, current: i32) -> bool {
    if current != 0 {
        return false;
    }
    match spec.controller.scale_to_zero {
        ScaleToZero::MinZero => spec.min != 0,
        ScaleToZero::Conditional { gate } => {
            let went_to_zero = state.conditions.iter().any(|c| c.kind == ConditionType::ScaledToZero && c.status);
            !(gate && went_to_zero && (spec.min != 0 || spec.scales_on_object_or_external()))
        }
    }
}

fn follow_metrics(
    spec: &HpaSpec,
    state: &mut HpaState,
    (scale, seen): (Scale, &Observation),
    decision: &mut Decision,
    now: ClusterTime,
) {
    let failure = match scale.selector {
        Selector::Valid => {
            let combined = combine(spec, scale, seen);
            decision.proposals = combined.proposals;
            combined.outcome
        }
        Selector::Invalid => Err(Reason::InvalidSelector),
        Selector::Ambiguous => Err(Reason::AmbiguousSelector),
    };
    match failure {
        Ok(recommended) => {
            set_condition(&mut state.conditions, ConditionType::ScalingActive, true, Reason::ValidMetricFound);
            decision.recommended = Some(recommended);
            decision.desired = normalise(spec, state, scale.spec_replicas, recommended, now);
        }
        Err(reason) => {
            set_condition(&mut state.conditions, ConditionType::ScalingActive, false, reason);
            decision.event = Some(Event::FailedComputeMetricsReplicas);
        }
    }
}

fn finish(spec: &HpaSpec, state: &mut HpaState, current: i32, decision: &mut Decision, now: ClusterTime) {
    decision.rescaled = decision.desired != current;
    if decision.rescaled {
        set_condition(&mut state.conditions, ConditionType::AbleToScale, true, Reason::SucceededRescale);
        decision.event = Some(Event::SuccessfulRescale);
        state.scaled(spec.behavior.as_ref(), current, decision.desired, now);
    }
    mark_zero(spec, state, current, decision);
}

/// From 1.36 on the controller notes that it was itself who went to zero; with the gate off it drops the note.
fn mark_zero(spec: &HpaSpec, state: &mut HpaState, current: i32, decision: &Decision) {
    let ScaleToZero::Conditional { gate } = spec.controller.scale_to_zero else {
        return;
    };
    if !gate {
        state.conditions.retain(|c| c.kind != ConditionType::ScaledToZero);
    } else if decision.rescaled {
        let to_zero = current > 0 && decision.desired == 0 && spec.min == 0 && spec.scales_on_object_or_external();
        if to_zero {
            set_condition(&mut state.conditions, ConditionType::ScaledToZero, true, Reason::ScaledToZero);
        } else {
            set_condition(&mut state.conditions, ConditionType::ScaledToZero, false, Reason::NotScaledToZero);
        }
    }
}
