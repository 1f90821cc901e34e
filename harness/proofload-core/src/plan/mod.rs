//! The whole schedule before the first request: every arrival of every workload, from the seed alone.
//!
//! Same scenario, traces and seed give the same plan on every machine: integer nanoseconds, ChaCha8 with one stream
//! per workload, square roots by IEEE 754, and logarithms, powers and cosines by `libm`.

mod curve;
mod demand;
mod draw;
mod gaps;
mod limits;
mod open;
mod replay;
mod shard;
mod users;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use demand::fullest;
pub use demand::{Demand, demand};
pub use draw::draw;
pub(crate) use draw::mix;
pub use limits::{MachineLimits, mebibytes};
pub use shard::Shard;
pub use users::UserWindow;

pub use crate::payload::Picker;
use crate::scenario::{Executor, Scenario, Window, Workload};
use crate::trace::Traces;

/// One pass of a flow that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When, in nanoseconds from the start of the run.
    pub at_ns: u64,
    /// Index of the workload.
    pub workload: u32,
    /// Number of this pass, unique within its workload, from 0; of a replay the number of the trace's entry
    /// ([`crate::trace::Trace::entry`]).
    pub iteration: u32,
}

/// What should happen, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Everything random comes from it.
    pub seed: u64,
    /// Every open arrival, in order of time.
    pub arrivals: Vec<Arrival>,
    /// When each virtual user is at work, in order of time.
    pub users: Vec<UserWindow>,
    /// When the last arrival may be due, nanoseconds from the start.
    pub ends_ns: u64,
    /// The stretches that rules refer to, one entry per workload.
    pub workloads: Vec<PlannedWorkload>,
    /// Which part of the whole this is.
    pub shard: Shard,
}

/// A workload on the time axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWorkload {
    /// Its name.
    pub name: String,
    /// Its flow's name.
    pub flow: String,
    /// First moment, nanoseconds from the start of the run.
    pub starts_ns: u64,
    /// Last moment.
    pub ends_ns: u64,
    /// How many passes are due; none are planned for virtual users.
    pub arrivals: u64,
    /// Its stages, in order.
    pub stages: Vec<PlannedStage>,
}

/// A stage on the time axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStage {
    /// Its name.
    pub name: String,
    /// First moment, nanoseconds from the start of the run.
    pub starts_ns: u64,
    /// Last moment.
    pub ends_ns: u64,
    /// How many passes are due in it.
    pub arrivals: u64,
}

/// Most arrivals one plan may hold; 16 bytes each.
pub const ARRIVALS_MAX: u64 = 200_000_000;

/// Most stretches of work of virtual users one plan may hold; 24 bytes each.
pub const USERS_MAX: u64 = 10_000_000;

/// A plan that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// More arrivals than fit into memory.
    #[error(
        "the workloads ask for about {arrivals} arrivals, and a plan holds at most {ARRIVALS_MAX}; lower the rates or shorten the stages"
    )]
    TooLarge {
        /// How many were asked for.
        arrivals: u64,
    },
    /// More comings and goings of virtual users than fit into memory.
    #[error(
        "the workloads let virtual users start {starts} times, and a plan holds at most {USERS_MAX}; write fewer users or stages"
    )]
    TooManyUsers {
        /// How many were asked for.
        starts: u64,
    },
    /// A replay whose trace was not given.
    #[error("workload `{workload}` replays `{file}`, and that trace was not read")]
    NoTrace {
        /// The workload.
        workload: String,
        /// Its file.
        file: String,
    },
    /// A cut that leaves nothing of a trace.
    #[error(
        "workload `{workload}` replays a part of `{file}` without requests; the recording lasts {lasts_s} s, so choose another `from` and `for`"
    )]
    NothingRecorded {
        /// The workload.
        workload: String,
        /// Its file.
        file: String,
        /// From its first request to its last, whole seconds.
        lasts_s: u64,
    },
}

impl Plan {
    /// Computes the whole schedule. `traces` holds one for each of [`Scenario::trace_files`].
    ///
    /// # Errors
    /// [`PlanError`]: it would not fit into memory, or a trace is not there.
    pub fn new(scenario: &Scenario, traces: &Traces, seed: u64) -> Result<Self, PlanError> {
        refuse_too_large(scenario, traces)?;
        let (mut arrivals, mut users, mut workloads) = (Vec::new(), Vec::new(), Vec::new());
        for (index, workload) in scenario.workloads.iter().enumerate() {
            let number = u32::try_from(index).expect("a scenario file cannot hold 2^32 workloads");
            let first = arrivals.len();
            let mut ends_ns = nanos(workload.ends());
            match &workload.executor {
                Executor::Open { gaps, stages, .. } => {
                    open::add(workload, (*gaps, stages), (seed, number), &mut arrivals);
                }
                Executor::Replay(replay) => {
                    let trace = traces.get(index).ok_or_else(|| no_trace(workload, &replay.file))?;
                    ends_ns = replay::add((workload, replay), trace, number, &mut arrivals)?;
                }
                Executor::Vus { .. } | Executor::Iterations { .. } => users::add(workload, number, &mut users),
            }
            let flow = &scenario.flows[workload.flow].name;
            workloads.push(planned(workload, flow, ends_ns, &arrivals[first..]));
        }
        arrivals.sort_unstable();
        users.sort_unstable();
        let ends_ns = workloads.iter().map(|workload| workload.ends_ns).max().unwrap_or(0);
        Ok(Plan { seed, arrivals, users, ends_ns, workloads, shard: Shard::WHOLE })
    }

    /// The first and last moment of a window, in nanoseconds from the start of the run.
    pub fn window(&self, window: &Window) -> (u64, u64) {
        window_ns(&self.workloads, window)
    }
}

/// The first and last moment of a window on the time axis of `workloads`.
pub fn window_ns(workloads: &[PlannedWorkload], window: &Window) -> (u64, u64) {
    match window {
        Window::Run => (0, workloads.iter().map(|workload| workload.ends_ns).max().unwrap_or(0)),
        Window::Span(from, to) => (nanos(*from), nanos(*to)),
        Window::Workload(workload) => (workloads[*workload].starts_ns, workloads[*workload].ends_ns),
        Window::Stage(workload, stage) => {
            let stage = &workloads[*workload].stages[*stage];
            (stage.starts_ns, stage.ends_ns)
        }
    }
}

fn refuse_too_large(scenario: &Scenario, traces: &Traces) -> Result<(), PlanError> {
    let expected = |(index, workload): (usize, &Workload)| match &workload.executor {
        Executor::Open { stages, .. } => stages.iter().map(curve::area).sum(),
        Executor::Replay(replay) => traces.get(index).map_or(0.0, |trace| replay::expected(replay, trace)),
        Executor::Vus { .. } | Executor::Iterations { .. } => 0.0,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is only compared")]
    let arrivals = scenario.workloads.iter().enumerate().map(expected).sum::<f64>() as u64;
    if arrivals > ARRIVALS_MAX {
        return Err(PlanError::TooLarge { arrivals });
    }
    let starts = scenario.workloads.iter().map(users::starts).fold(0, u64::saturating_add);
    if starts > USERS_MAX {
        return Err(PlanError::TooManyUsers { starts });
    }
    Ok(())
}

fn no_trace(workload: &Workload, file: &str) -> PlanError {
    PlanError::NoTrace { workload: workload.name.clone(), file: file.to_owned() }
}

/// `due` is in order of time.
fn planned(workload: &Workload, flow: &str, ends_ns: u64, due: &[Arrival]) -> PlannedWorkload {
    let starts_ns = nanos(workload.after);
    let mut from = starts_ns;
    let mut stages = Vec::new();
    for stretch in workload.stretches() {
        let to = from + nanos(stretch.duration);
        let arrivals = due.partition_point(|due| due.at_ns < to) - due.partition_point(|due| due.at_ns < from);
        let name = stretch.name.to_owned();
        stages.push(PlannedStage { name, starts_ns: from, ends_ns: to, arrivals: arrivals as u64 });
        from = to;
    }
    PlannedWorkload {
        name: workload.name.clone(),
        flow: flow.to_owned(),
        starts_ns,
        ends_ns,
        arrivals: due.len() as u64,
        stages,
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("units bound durations to a year")
}
