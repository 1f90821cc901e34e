//! Stabilisation: a recommendation is held against those logged before it.

use crate::ClusterTime;

use super::state::Recommendation;

/// Without `behavior`: never below the largest recommendation of the window. Logs the raw one.
pub fn stabilise_legacy(log: &mut Vec<Recommendation>, desired: i32, window_ms: i64, now: ClusterTime) -> i32 {
    let is_old = |r: &Recommendation| r.at.age_ms(now) > window_ms;
    let highest = log.iter().filter(|r| !is_old(r)).map(|r| r.replicas).fold(desired, i32::max);
    record(log, desired, is_old, now);
    highest
}

/// With `behavior`: the current replicas, moved no further than the logged recommendations of both windows agree to.
pub fn stabilise_by_rules(
    log: &mut Vec<Recommendation>,
    (current, desired): (i32, i32),
    (up_ms, down_ms): (i64, i64),
    now: ClusterTime,
) -> i32 {
    let within = |window_ms: i64| log.iter().filter(move |r| r.at.age_ms(now) < window_ms).map(|r| r.replicas);
    let lowest = within(up_ms).fold(desired, i32::min);
    let highest = within(down_ms).fold(desired, i32::max);
    let stabilised = current.max(lowest).min(highest);
    record(log, desired, |r| r.at.age_ms(now) > up_ms && r.at.age_ms(now) > down_ms, now);
    stabilised
}

/// The last old entry is overwritten, so that the log never outgrows its windows.
fn record(log: &mut Vec<Recommendation>, replicas: i32, is_old: impl Fn(&Recommendation) -> bool, now: ClusterTime) {
    let entry = Recommendation { replicas, at: now };
    match log.iter_mut().rfind(|r| is_old(r)) {
        Some(place) => *place = entry,
        None => log.push(entry),
    }
}
