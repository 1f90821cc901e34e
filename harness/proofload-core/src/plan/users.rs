//! When each virtual user is at work, as k6 has it: within a stage users come or go at equal distances, the last one
//! at its end, and who came last goes first.

use super::nanos;
use crate::scenario::{Executor, VuStage, Workload};

/// A virtual user's time at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserWindow {
    /// When the user begins the first pass, nanoseconds from the start of the run.
    pub starts_ns: u64,
    /// Index of the workload.
    pub workload: u32,
    /// Number of the user within the workload, from 0; a user who goes may come again.
    pub user: u32,
    /// When the user begins no further pass.
    pub ends_ns: u64,
}

/// Appends the windows of one workload.
pub(super) fn add(workload: &Workload, number: u32, users: &mut Vec<UserWindow>) {
    let starts_ns = nanos(workload.after);
    let window = |user, starts_ns, ends_ns| UserWindow { starts_ns, ends_ns, workload: number, user };
    match &workload.executor {
        Executor::Vus { stages, .. } => ramp(starts_ns, stages, |user, from, to| users.push(window(user, from, to))),
        Executor::Iterations { vus, longest, .. } => {
            let ends_ns = starts_ns + nanos(*longest);
            users.extend((0..*vus).map(|user| window(user, starts_ns, ends_ns)));
        }
        Executor::Open { .. } | Executor::Replay(_) => {}
    }
}

/// How often users of a workload start, at most.
pub(super) fn starts(workload: &Workload) -> u64 {
    match &workload.executor {
        Executor::Vus { stages, .. } => {
            let first = stages.first().map_or(0, |stage| stage.from);
            let rises = stages.iter().map(|stage| u64::from(stage.to.saturating_sub(stage.from)));
            rises.fold(u64::from(first), u64::saturating_add)
        }
        Executor::Iterations { vus, .. } => u64::from(*vus),
        Executor::Open { .. } | Executor::Replay(_) => 0,
    }
}

/// Tells every user's window.
fn ramp(starts_ns: u64, stages: &[VuStage], mut tell: impl FnMut(u32, u64, u64)) {
    let first = stages.first().map_or(0, |stage| stage.from);
    // The number of a user at work is the place on this stack, and the value is since when.
    let mut since: Vec<u64> = vec![starts_ns; first as usize];
    let mut leave = |since: &mut Vec<u64>, at_ns: u64| {
        if let (Some(from_ns), Ok(user)) = (since.pop(), u32::try_from(since.len()))
            && from_ns < at_ns
        {
            tell(user, from_ns, at_ns);
        }
    };
    let mut stage_starts_ns = starts_ns;
    for stage in stages {
        let length_ns = nanos(stage.duration);
        let change = stage.to.abs_diff(stage.from);
        for step in 1..=change {
            let at_ns = stage_starts_ns + share_of(length_ns, step, change);
            if stage.to > stage.from {
                since.push(at_ns);
            } else {
                leave(&mut since, at_ns);
            }
        }
        stage_starts_ns += length_ns;
    }
    while !since.is_empty() {
        leave(&mut since, stage_starts_ns);
    }
}

/// `length · step / steps`, without rounding on the way.
fn share_of(length_ns: u64, step: u32, steps: u32) -> u64 {
    let share = u128::from(length_ns) * u128::from(step) / u128::from(steps);
    u64::try_from(share).expect("a share is not larger than the whole")
}
