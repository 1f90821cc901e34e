//! KEDA's scale loop (`RequestScale`): the step between zero or idle and the minimum; the HPA does the rest.

use crate::ClusterTime;

use super::scaled_object::ScaledObject;

/// What the scale loop remembers of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KedaState {
    /// `metadata.creationTimestamp`.
    pub created: ClusterTime,
    /// `status.lastActiveTime`.
    pub last_active: Option<ClusterTime>,
}

/// What the poll of the triggers gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Triggers {
    /// Some trigger is active: its value is *above* its activation threshold.
    pub active: bool,
    /// Some trigger could not be read.
    pub error: bool,
}

/// A condition's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum Status {
    True,
    False,
    Unknown,
}

/// Reasons of the condition Active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum ActiveReason {
    ScalerActive,
    ScalerNotActive,
    ScalerCooldown,
}

/// Reasons of the condition Ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum ReadyReason {
    ScaledObjectReady,
    TriggerError,
    PartialTriggerError,
}

/// Events of the scale loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum KedaEvent {
    KEDAScaleTargetActivated,
    KEDAScaleTargetDeactivated,
}

/// The outcome of one pass of the scale loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KedaDecision {
    /// Replicas to set; `None` leaves them alone.
    pub scale_to: Option<i32>,
    /// Condition Active; `None` while paused.
    pub active: Option<(Status, ActiveReason)>,
    /// Condition Ready.
    pub ready: (Status, ReadyReason),
    /// Event, if any.
    pub event: Option<KedaEvent>,
}

/// One pass of the scale loop.
pub fn request_scale(
    object: &ScaledObject,
    mut state: KedaState,
    triggers: Triggers,
    current: i32,
    now: ClusterTime,
) -> (KedaDecision, KedaState) {
    let triggers = Triggers { active: triggers.active || object.flag("force-activation"), ..triggers };
    let mut decision = KedaDecision {
        scale_to: None,
        active: None,
        ready: (Status::True, ReadyReason::ScaledObjectReady),
        event: None,
    };
    if object.is_paused() {
        decision.scale_to = paused_replicas(object).filter(|replicas| *replicas != current);
    } else if triggers.active {
        decision.active = Some((Status::True, ActiveReason::ScalerActive));
        when_active(object, &mut state, triggers, current, (&mut decision, now));
    } else {
        decision.active = Some((Status::False, ActiveReason::ScalerNotActive));
        when_inactive(object, state, triggers, current, (&mut decision, now));
    }
    (decision, state)
}

fn paused_replicas(object: &ScaledObject) -> Option<i32> {
    object.annotation("paused-replicas")?.parse().ok()
}

fn when_active(
    object: &ScaledObject,
    state: &mut KedaState,
    triggers: Triggers,
    current: i32,
    (decision, now): (&mut KedaDecision, ClusterTime),
) {
    let min = object.spec.min();
    let idling = object.spec.idle_replica_count.is_some() && current < min;
    if current == 0 || idling {
        if !object.flag("paused-scale-out") {
            decision.scale_to = Some(min.max(1));
            decision.event = Some(KedaEvent::KEDAScaleTargetActivated);
            state.last_active = Some(now);
        }
    } else if triggers.error {
        decision.ready = (Status::Unknown, ReadyReason::PartialTriggerError);
    } else {
        state.last_active = Some(now);
    }
}

fn when_inactive(
    object: &ScaledObject,
    state: KedaState,
    triggers: Triggers,
    current: i32,
    (decision, now): (&mut KedaDecision, ClusterTime),
) {
    let spec = &object.spec;
    let falls_back = spec.fallback.as_ref().is_some_and(|f| f.replicas != 0);
    let above_idle = spec.idle_replica_count.is_some_and(|idle| current > idle);
    if triggers.error && falls_back {
        // The HPA follows the fallback value of the metric; the loop only waits.
    } else if triggers.error && spec.fallback.is_none() {
        decision.ready = (Status::False, ReadyReason::TriggerError);
    } else if above_idle || (current > 0 && spec.min() == 0) {
        if object.flag("paused-scale-in") {
            return;
        }
        if cooled(object, state, now) {
            decision.scale_to = Some(spec.idle_replica_count.unwrap_or(0));
            decision.event = Some(KedaEvent::KEDAScaleTargetDeactivated);
        } else {
            decision.active = Some((Status::False, ActiveReason::ScalerCooldown));
        }
    } else if current < spec.min() && spec.idle_replica_count.is_none() && !object.flag("paused-scale-out") {
        decision.scale_to = Some(spec.min());
    }
}

/// An object that was never active cools from its creation, by its own period.
fn cooled(object: &ScaledObject, state: KedaState, now: ClusterTime) -> bool {
    match state.last_active {
        Some(last) => last.age_ms(now) > object.spec.cooldown_period_ms(),
        None => state.created.age_ms(now) > object.spec.initial_cooldown_period_ms(),
    }
}
