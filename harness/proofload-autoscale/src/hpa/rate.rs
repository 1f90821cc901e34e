//! How far one sync may go: the doubling of old, or the policies of `behavior`, and then minimum and maximum.

use crate::ClusterTime;

use super::decision::Reason;
use super::normalise::Limited;
use super::spec::{Behavior, Policy, PolicyType, Rules, Select};
use super::state::{HpaState, ScaleEvent, change_within};

/// The least that one sync may reach without `behavior`.
const SCALE_UP_LIMIT_LEAST: i32 = 4;

/// Without `behavior`: at most `factor` times the current replicas, or 4.
pub fn limit_legacy(current: i32, desired: i32, (min, max): (i32, i32), factor: i32) -> Limited {
    let reach = current.saturating_mul(factor).max(SCALE_UP_LIMIT_LEAST);
    let (upper, reason) = if max > reach { (reach, Reason::ScaleUpLimit) } else { (max, Reason::TooManyReplicas) };
    if desired < min {
        Limited { replicas: min, reason: Reason::TooFewReplicas }
    } else if desired > upper {
        Limited { replicas: upper, reason }
    } else {
        Limited { replicas: desired, reason: Reason::DesiredWithinRange }
    }
}

/// With `behavior`: no further than the policies allow, which never force a change the other way.
pub fn limit_by_rules(
    (current, desired): (i32, i32),
    (min, max): (i32, i32),
    behavior: &Behavior,
    state: &HpaState,
    now: ClusterTime,
) -> Limited {
    let events = (state.scale_ups.as_slice(), state.scale_downs.as_slice());
    if desired > current {
        let reach = scale_up_limit(current, &behavior.scale_up, events, now).max(current);
        let (upper, reason) = if max > reach { (reach, Reason::ScaleUpLimit) } else { (max, Reason::TooManyReplicas) };
        if desired > upper {
            return Limited { replicas: upper, reason };
        }
    } else if desired < current {
        let reach = scale_down_limit(current, &behavior.scale_down, events, now).min(current);
        let (lower, reason) = if min < reach { (reach, Reason::ScaleDownLimit) } else { (min, Reason::TooFewReplicas) };
        if desired < lower {
            return Limited { replicas: lower, reason };
        }
    }
    Limited { replicas: desired, reason: Reason::DesiredWithinRange }
}

/// The most replicas that the policies of `scaleUp` permit now. `events` are (ups, downs).
pub fn scale_up_limit(current: i32, rules: &Rules, events: (&[ScaleEvent], &[ScaleEvent]), now: ClusterTime) -> i32 {
    let permitted = rules.policies.iter().map(|policy| {
        let start = period_start(current, *policy, events, now);
        match policy.kind {
            PolicyType::Pods => start.saturating_add(policy.value),
            PolicyType::Percent => truncate((f64::from(start) * (1.0 + f64::from(policy.value) / 100.0)).ceil()),
        }
    });
    match rules.select {
        Select::Disabled => current,
        Select::Max => permitted.max().unwrap_or(i32::MIN),
        Select::Min => permitted.min().unwrap_or(i32::MAX),
    }
}

/// The fewest replicas that the policies of `scaleDown` permit now. `events` are (ups, downs).
pub fn scale_down_limit(current: i32, rules: &Rules, events: (&[ScaleEvent], &[ScaleEvent]), now: ClusterTime) -> i32 {
    let permitted = rules.policies.iter().map(|policy| {
        let start = period_start(current, *policy, events, now);
        match policy.kind {
            PolicyType::Pods => start.saturating_sub(policy.value),
            PolicyType::Percent => truncate(f64::from(start) * (1.0 - f64::from(policy.value) / 100.0)),
        }
    });
    match rules.select {
        Select::Disabled => current,
        Select::Max => permitted.min().unwrap_or(i32::MAX),
        Select::Min => permitted.max().unwrap_or(i32::MIN),
    }
}

/// The replicas when the policy's period began, reckoned back over this autoscaler's own changes.
fn period_start(current: i32, policy: Policy, (ups, downs): (&[ScaleEvent], &[ScaleEvent]), now: ClusterTime) -> i32 {
    let (added, removed) = (change_within(ups, policy.period_ms, now), change_within(downs, policy.period_ms, now));
    current.saturating_sub(added).saturating_add(removed)
}

#[expect(clippy::cast_possible_truncation, reason = "Go truncates here, and a saturated limit is no limit")]
fn truncate(x: f64) -> i32 {
    x as i32
}
