//! Checks the shapes of closed loads: virtual users.

use std::time::Duration;

use super::check_workload::{incomplete, out_of_range, positive, stage_name};
use super::written_workload::WrittenWorkload;
use super::{Executor, VuStage};
use crate::source::{At, Reporter};

/// Most virtual users of one workload.
const VUS_MAX: u32 = 1_000_000;

/// How long shared iterations may take unless `for` says it; k6's `maxDuration`.
const DEFAULT_LONGEST: Duration = Duration::from_mins(10);

/// A fixed number of users.
pub(super) fn constant(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let (Some(vus), Some(duration)) = (&written.vus, &written.duration) else {
        return incomplete(written, "`vus` and `for`", report);
    };
    let vus = users(vus, 1, report)?;
    let stage = VuStage { name: "1".to_owned(), duration: positive(duration, report)?, from: vus, to: vus };
    Some(Executor::Vus { stages: vec![stage], think: think(written) })
}

/// A number of users that changes linearly; a stage of no length jumps, as in k6.
pub(super) fn ramping(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let Some(written_stages) = written.stages.as_ref().filter(|stages| !stages.is_empty()) else {
        return incomplete(written, "`stages: [{ vus: 10, for: 30s }]`", report);
    };
    let mut from = match &written.start_vus {
        Some(at) => users(at, 0, report)?,
        None => 0,
    };
    let mut stages: Vec<VuStage> = Vec::new();
    for (index, stage) in written_stages.iter().enumerate() {
        let inner = &stage.value;
        let earlier = stages.iter().map(|stage| stage.name.as_str());
        let name = stage_name((index, inner.name.as_ref()), stage, earlier, report)?;
        let (None, Some(vus)) = (&inner.rate, &inner.vus) else {
            let help = "write `vus: 10`, or change the executor to ramping-arrival-rate".to_owned();
            report.add(stage, format!("stage `{name}` needs a number of users, and no rate"), Some(help));
            return None;
        };
        let to = users(vus, 0, report)?;
        stages.push(VuStage { name, duration: inner.duration.value.0, from, to });
        from = to;
    }
    if stages.iter().all(|stage| stage.duration.is_zero() || (stage.from == 0 && stage.to == 0)) {
        report.add(&written.executor, "there is never a virtual user, so nothing would be sent", None);
        return None;
    }
    Some(Executor::Vus { stages, think: think(written) })
}

/// A number of passes that the users share.
pub(super) fn iterations(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let (Some(vus), Some(iterations)) = (&written.vus, &written.iterations) else {
        return incomplete(written, "`vus` and `iterations`", report);
    };
    let users = users(vus, 1, report)?;
    if iterations.value < users {
        let help = "write as many iterations as users, or more".to_owned();
        let message = format!("{} iterations are fewer than {users} virtual users", iterations.value);
        report.add(iterations, message, Some(help));
        return None;
    }
    let longest = match &written.duration {
        Some(duration) => positive(duration, report)?,
        None => DEFAULT_LONGEST,
    };
    Some(Executor::Iterations { vus: users, iterations: u64::from(iterations.value), longest, think: think(written) })
}

fn users(at: &At<u32>, least: u32, report: &mut Reporter<'_>) -> Option<u32> {
    if (least..=VUS_MAX).contains(&at.value) {
        return Some(at.value);
    }
    let message = format!("{} virtual users is out of range; {least} to {VUS_MAX} can run", at.value);
    out_of_range(at, message, report)
}

fn think(written: &WrittenWorkload) -> (Duration, Duration) {
    written.think_time.as_ref().map(|at| (at.value.from.0, at.value.to.0)).unwrap_or_default()
}
