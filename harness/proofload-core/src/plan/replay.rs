//! Arrivals of a recording, at its own times divided by the speed.

use super::{Arrival, PlanError, nanos};
use crate::scenario::{Replay, Workload};
use crate::trace::{Trace, TraceEntry};

/// How many arrivals a replay is made of.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53 entries")]
pub(super) fn expected(replay: &Replay, trace: &Trace) -> f64 {
    cut(replay, trace).1.len() as f64 * replay.share
}

/// Appends the arrivals of one replay, in order of time; gives back when it ends, in nanoseconds of the run.
///
/// # Errors
/// [`PlanError::NothingRecorded`] where the cut leaves no entry, [`PlanError::TooLarge`] where the passes cannot be
/// numbered.
pub(super) fn add(
    (workload, replay): (&Workload, &Replay),
    trace: &Trace,
    number: u32,
    arrivals: &mut Vec<Arrival>,
) -> Result<u64, PlanError> {
    let (first, entries) = cut(replay, trace);
    if entries.is_empty() {
        return Err(nothing_recorded(workload, replay, trace));
    }
    let starts_ns = nanos(workload.after);
    let from_ns = nanos(replay.from);
    let mut last_ns = starts_ns;
    for (rank, entry) in entries.iter().enumerate() {
        last_ns = starts_ns + at_speed(entry.at_ns - from_ns, replay.speed);
        for copy in 0..copies(rank, replay.share) {
            // A second pass of the same entry gets a number of its own, which leads to the same entry.
            let iteration = copy.saturating_mul(trace.entries().len() as u64).saturating_add((first + rank) as u64);
            let too_large = |_| PlanError::TooLarge { arrivals: iteration };
            let iteration = u32::try_from(iteration).map_err(too_large)?;
            arrivals.push(Arrival { at_ns: last_ns, workload: number, iteration });
        }
    }
    Ok(match replay.length {
        Some(length) => starts_ns + at_speed(nanos(length), replay.speed),
        // The last arrival lies within its workload.
        None => last_ns + 1,
    })
}

/// The entries that are replayed, and the number of the first.
fn cut<'t>(replay: &Replay, trace: &'t Trace) -> (usize, &'t [TraceEntry]) {
    let entries = trace.entries();
    let from_ns = nanos(replay.from);
    let first = entries.partition_point(|entry| entry.at_ns < from_ns);
    let last = match replay.length {
        Some(length) => entries.partition_point(|entry| entry.at_ns < from_ns + nanos(length)),
        None => entries.len(),
    };
    (first, &entries[first..last])
}

/// How often the entry with this rank is due: `share` times on average, exactly once for a share of 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "far below 2^53 entries, and the plan's size was checked"
)]
fn copies(rank: usize, share: f64) -> u64 {
    ((rank as f64 + 1.0) * share).floor() as u64 - (rank as f64 * share).floor() as u64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a recording is at most a year: 4 ns of rounding at its end"
)]
fn at_speed(recorded_ns: u64, speed: f64) -> u64 {
    (recorded_ns as f64 / speed).round() as u64
}

fn nothing_recorded(workload: &Workload, replay: &Replay, trace: &Trace) -> PlanError {
    let last_ns = trace.entries().last().map_or(0, |entry| entry.at_ns);
    PlanError::NothingRecorded {
        workload: workload.name.clone(),
        file: replay.file.clone(),
        lasts_s: last_ns / 1_000_000_000,
    }
}
