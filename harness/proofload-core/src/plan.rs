//! The whole schedule before the first request: every arrival of every workload, from the seed alone.
//!
//! Same scenario and seed give the same plan on every machine: integer nanoseconds, ChaCha8 with one stream per
//! workload, square roots by IEEE 754 and logarithms by `libm`.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::scenario::{Executor, Gaps, Scenario, Stage, Window, Workload};

/// One pass of a flow that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When, in nanoseconds from the start of the run.
    pub at_ns: u64,
    /// Index of the workload.
    pub workload: u32,
    /// Number of this pass within its workload, from 0.
    pub iteration: u32,
}

/// What should happen, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Everything random comes from it.
    pub seed: u64,
    /// Every open arrival, in order of time.
    pub arrivals: Vec<Arrival>,
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

/// A plan that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the workloads ask for about {arrivals} arrivals, and a plan holds at most {ARRIVALS_MAX}; lower the rates or shorten the stages"
)]
pub struct TooLarge {
    /// How many were asked for.
    pub arrivals: u64,
}

impl Plan {
    /// Computes the whole schedule.
    ///
    /// # Errors
    /// [`TooLarge`] if it would not fit into memory.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, TooLarge> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is only compared")]
        let expected = scenario.workloads.iter().map(expected_arrivals).sum::<f64>() as u64;
        if expected > ARRIVALS_MAX {
            return Err(TooLarge { arrivals: expected });
        }
        let mut arrivals = Vec::new();
        let mut workloads = Vec::new();
        for (index, workload) in scenario.workloads.iter().enumerate() {
            let times = arrival_times(workload, seed, index as u64);
            workloads.push(planned(workload, &scenario.flows[workload.flow].name, &times));
            let index = u32::try_from(index).expect("a scenario file cannot hold 2^32 workloads");
            let numbered = (0u32..).zip(times);
            arrivals.extend(numbered.map(|(iteration, at_ns)| Arrival { at_ns, workload: index, iteration }));
        }
        arrivals.sort_unstable();
        let ends_ns = scenario.workloads.iter().map(|workload| nanos(workload.ends())).max().unwrap_or(0);
        Ok(Plan { seed, arrivals, ends_ns, workloads, shard: Shard { index: 0, of: 1 } })
    }

    /// The first and last moment of a window, in nanoseconds from the start of the run.
    pub fn window(&self, window: &Window) -> (u64, u64) {
        window_ns(&self.workloads, window)
    }
}

/// Which part of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// How many.
    pub of: u32,
}

impl Shard {
    /// This shard's part.
    pub fn share(self, total: u64) -> u64 {
        total / u64::from(self.of) + u64::from(u64::from(self.index) < total % u64::from(self.of))
    }
}

impl Plan {
    /// A part.
    #[must_use]
    pub fn shard(&self, index: u32, of: u32) -> Plan {
        let mut plan = self.clone();
        plan.shard = Shard { index, of };
        plan.arrivals.retain(|arrival| arrival.iteration % of == index);
        plan
    }
}

/// The first and last moment of a window on the time axis of `workloads`.
pub fn window_ns(workloads: &[PlannedWorkload], window: &Window) -> (u64, u64) {
    match window {
        Window::Run => (0, workloads.iter().map(|workload| workload.ends_ns).max().unwrap_or(0)),
        Window::Workload(workload) => (workloads[*workload].starts_ns, workloads[*workload].ends_ns),
        Window::Stage(workload, stage) => {
            let stage = &workloads[*workload].stages[*stage];
            (stage.starts_ns, stage.ends_ns)
        }
    }
}

fn expected_arrivals(workload: &Workload) -> f64 {
    workload.stages().iter().map(stage_area).sum()
}

/// Arrivals expected in a stage: the area under its rate.
fn stage_area(stage: &Stage) -> f64 {
    f64::midpoint(stage.from_per_second, stage.to_per_second) * stage.duration.as_secs_f64()
}

fn planned(workload: &Workload, flow: &str, times: &[u64]) -> PlannedWorkload {
    let starts_ns = nanos(workload.after);
    let mut from = starts_ns;
    let mut stages = Vec::new();
    for stage in workload.stages() {
        let to = from + nanos(stage.duration);
        let due = times.partition_point(|at| *at < to) - times.partition_point(|at| *at < from);
        stages.push(PlannedStage { name: stage.name.clone(), starts_ns: from, ends_ns: to, arrivals: due as u64 });
        from = to;
    }
    PlannedWorkload {
        name: workload.name.clone(),
        flow: flow.to_owned(),
        starts_ns,
        ends_ns: nanos(workload.ends()),
        arrivals: times.len() as u64,
        stages,
    }
}

/// Due times of one workload. The k-th arrival of an even load is due when the area under the rate reaches k + 1/2;
/// of a Poisson load, when it reaches the k-th point of a unit-rate process (time change of an inhomogeneous
/// process, Çinlar 1975).
fn arrival_times(workload: &Workload, seed: u64, stream: u64) -> Vec<u64> {
    let Executor::Open { gaps, stages, .. } = &workload.executor else { return Vec::new() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let mut next = match gaps {
        Gaps::Even => 0.5,
        Gaps::Exponential => exponential(&mut rng),
    };
    let mut times = Vec::new();
    let (mut area_before, mut starts_s) = (0.0, workload.after.as_secs_f64());
    for stage in stages {
        let area = stage_area(stage);
        while next < area_before + area {
            times.push(to_ns(starts_s + time_at_area(stage, next - area_before)));
            next += match gaps {
                Gaps::Even => 1.0,
                Gaps::Exponential => exponential(&mut rng),
            };
        }
        area_before += area;
        starts_s += stage.duration.as_secs_f64();
    }
    times
}

/// Seconds into the stage at which the area under its linear rate is `area`: the root of
/// `from·t + (to − from)/(2·duration)·t² = area`, in the form that does not cancel.
fn time_at_area(stage: &Stage, area: f64) -> f64 {
    let slope = (stage.to_per_second - stage.from_per_second) / stage.duration.as_secs_f64();
    let root = (stage.from_per_second * stage.from_per_second + 2.0 * slope * area).max(0.0).sqrt();
    let time = 2.0 * area / (stage.from_per_second + root);
    if time.is_finite() { time.min(stage.duration.as_secs_f64()) } else { 0.0 }
}

/// A unit-rate exponential gap, by inversion of 53 random bits.
fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -libm::log(unit_open(rng.next_u64()))
}

/// A number in (0, 1] from 53 of the bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
fn unit_open(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a plan is shorter than 584 years")]
fn to_ns(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("units bound durations to a year")
}

/// A number in (0, 1] that depends on the seed and the number of the draw alone.
pub fn draw(seed: u64, number: u64) -> f64 {
    // Spreads neighbouring numbers over the whole key (the golden-ratio constant of splitmix64).
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    unit_open(rng.next_u64())
}

/// Which payload of a set each use takes, from the seed alone.
#[derive(Debug, Clone)]
pub struct Picker {
    pick: crate::scenario::Pick,
    /// Cumulated weights, the last is 1.
    cumulated: Vec<f64>,
    seed: u64,
}

impl Picker {
    /// A picker over `count` files; `count` must not be 0.
    pub fn new(pick: crate::scenario::Pick, count: usize, seed: u64) -> Self {
        let weight = |k: usize| match pick {
            #[expect(clippy::cast_precision_loss, reason = "no folder holds 2^53 files")]
            crate::scenario::Pick::Zipf { exponent } => libm::pow(k as f64 + 1.0, -exponent),
            _ => 1.0,
        };
        let total: f64 = (0..count).map(weight).sum();
        let mut sum = 0.0;
        let cumulated = (0..count)
            .map(|k| {
                sum += weight(k) / total;
                sum
            })
            .collect();
        Self { pick, cumulated, seed }
    }

    /// The file of the `use_number`-th use.
    pub fn pick(&self, use_number: u64) -> usize {
        let last = self.cumulated.len() - 1;
        if self.pick == crate::scenario::Pick::Cycle {
            return usize::try_from(use_number % self.cumulated.len() as u64).unwrap_or(last);
        }
        let point = draw(self.seed, use_number);
        self.cumulated.partition_point(|sum| *sum < point).min(last)
    }
}
