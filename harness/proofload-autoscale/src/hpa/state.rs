//! What the controller remembers between syncs, in memory: the log of recommendations, the store of its own changes,
//! and the conditions last written.

use crate::ClusterTime;

use super::decision::Condition;
use super::spec::{Behavior, Rules};

/// The memory of one autoscaler. `HpaState::default()` is a controller that has just started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HpaState {
    /// Raw recommendations; `None` until the first sync. A restarted controller begins with `None` again, which delays
    /// the next scale-down by a whole window.
    pub recommendations: Option<Vec<Recommendation>>,
    /// Its own scale-ups, kept with `behavior` only.
    pub scale_ups: Vec<ScaleEvent>,
    /// Its own scale-downs, kept with `behavior` only.
    pub scale_downs: Vec<ScaleEvent>,
    /// Conditions as last written.
    pub conditions: Vec<Condition>,
    /// When it last changed the scale.
    pub last_scale: Option<ClusterTime>,
}

/// A logged recommendation, before stabilisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommendation {
    /// Replicas.
    pub replicas: i32,
    /// When.
    pub at: ClusterTime,
}

/// One change of the scale by this autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleEvent {
    /// How many replicas, always positive.
    pub change: i32,
    /// When.
    pub at: ClusterTime,
    /// Older than every policy's period: may be overwritten.
    pub outdated: bool,
}

/// Replicas changed within the last `period_ms`.
pub fn change_within(events: &[ScaleEvent], period_ms: i64, now: ClusterTime) -> i32 {
    let recent = events.iter().filter(|e| e.at.age_ms(now) < period_ms);
    recent.map(|e| e.change).fold(0, i32::saturating_add)
}

/// Stores a change under the rules of its direction, reusing the last outdated place.
pub fn store_event(events: &mut Vec<ScaleEvent>, rules: &Rules, change: i32, now: ClusterTime) {
    let longest_ms = rules.policies.iter().map(|p| p.period_ms).max().unwrap_or(0);
    for event in events.iter_mut() {
        event.outdated |= event.at.age_ms(now) > longest_ms;
    }
    let event = ScaleEvent { change, at: now, outdated: false };
    match events.iter_mut().rfind(|e| e.outdated) {
        Some(place) => *place = event,
        None => events.push(event),
    }
}

impl HpaState {
    /// The log, which begins with the replicas of the first sync.
    pub(super) fn log(&mut self, first: Recommendation) -> &mut Vec<Recommendation> {
        self.recommendations.get_or_insert_with(|| vec![first])
    }

    /// Remembers a change of the scale. Without `behavior` nothing is kept.
    pub(super) fn scaled(&mut self, behavior: Option<&Behavior>, from: i32, to: i32, now: ClusterTime) {
        self.last_scale = Some(now);
        let Some(behavior) = behavior else { return };
        if to > from {
            store_event(&mut self.scale_ups, &behavior.scale_up, to - from, now);
        } else {
            store_event(&mut self.scale_downs, &behavior.scale_down, from - to, now);
        }
    }
}
