//! Workloads exactly as their author wrote them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Engine;
use super::units::{Rate, Span, SpanRange};
use crate::source::At;
use crate::trace::Format;

/// How often a flow starts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Workload")]
pub(crate) struct WrittenWorkload {
    /// The flow that starts.
    pub(crate) flow: At<String>,
    /// The shape of the load.
    pub(crate) executor: At<WrittenExecutor>,
    /// `ramping-`, `step-arrival-rate`: the rate at the beginning.
    pub(crate) start_rate: Option<At<Rate>>,
    /// The rate of a single hold; of a step the last one, of a sine its mean, of a spike the rate around it.
    pub(crate) rate: Option<At<Rate>>,
    /// The length of the whole workload; of `shared-iterations` the longest, 10 m unless given.
    #[serde(rename = "for")]
    pub(crate) duration: Option<At<Span>>,
    /// Several stretches, one after the other.
    pub(crate) stages: Option<Vec<At<WrittenStage>>>,
    /// `step-arrival-rate`: how many holds of equal length, 2 or more.
    pub(crate) steps: Option<At<u32>>,
    /// `gamma-arrival-rate`: below 1 burstier than Poisson, above 1 more even; 1 unless given.
    pub(crate) shape: Option<At<f64>>,
    /// `sine-arrival-rate`: how far the rate goes above and below its mean.
    pub(crate) amplitude: Option<At<Rate>>,
    /// `sine-arrival-rate`: from one peak to the next.
    pub(crate) period: Option<At<Span>>,
    /// `spike-arrival-rate`: the rate of the spike.
    pub(crate) spike_rate: Option<At<Rate>>,
    /// `spike-arrival-rate`: when it begins, from the start of the workload.
    pub(crate) spike_after: Option<At<Span>>,
    /// `spike-arrival-rate`: how long it lasts.
    pub(crate) spike_for: Option<At<Span>>,
    /// `trace-replay`: what is replayed.
    pub(crate) trace: Option<At<WrittenTrace>>,
    /// `constant-vus`, `shared-iterations`: how many virtual users.
    pub(crate) vus: Option<At<u32>>,
    /// `ramping-vus`: how many virtual users at the beginning; 0 unless given.
    pub(crate) start_vus: Option<At<u32>>,
    /// `shared-iterations`: how many passes the users share.
    pub(crate) iterations: Option<At<u32>>,
    /// Virtual users: the pause between two passes.
    pub(crate) think_time: Option<At<SpanRange>>,
    /// Who sends the load.
    pub(crate) engine: Option<At<Engine>>,
    /// When this workload begins after the start of the run; at once unless given.
    pub(crate) after: Option<At<Span>>,
    /// Most requests on the wire at once; further arrivals wait, and their wait counts. 1000 unless given.
    pub(crate) max_in_flight: Option<At<u32>>,
}

/// The executors, by k6's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Executor")]
pub(crate) enum WrittenExecutor {
    /// Evenly spaced arrivals at one rate.
    ConstantArrivalRate,
    /// Evenly spaced arrivals at a rate that changes linearly.
    RampingArrivalRate,
    /// Evenly spaced arrivals at a rate that rises or falls in equal steps, each held equally long.
    StepArrivalRate,
    /// Random arrivals, exponential gaps, at one rate or at stages.
    PoissonArrivalRate,
    /// Random arrivals, gamma-distributed gaps, at one rate or at stages: bursts that a Poisson load does not have.
    GammaArrivalRate,
    /// Evenly spaced arrivals at a rate that swings around a mean.
    SineArrivalRate,
    /// Evenly spaced arrivals at one rate, with a stretch at another; its stages are `before`, `spike` and `after`.
    SpikeArrivalRate,
    /// Arrivals at the times of a recording.
    TraceReplay,
    /// A fixed number of virtual users, each starting again when it is done.
    ConstantVus,
    /// Virtual users whose number changes linearly.
    RampingVus,
    /// Virtual users who share a number of passes; the load ends when all are done.
    SharedIterations,
}

/// One stretch of a workload.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stage")]
pub(crate) struct WrittenStage {
    /// A name for `during` and `after`; its number, from 1, unless given.
    pub(crate) name: Option<At<String>>,
    /// The rate reached at the end (ramping) or held throughout (constant, Poisson, gamma).
    pub(crate) rate: Option<At<Rate>>,
    /// `ramping-vus`: the number of virtual users reached at the end.
    pub(crate) vus: Option<At<u32>>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub(crate) duration: At<Span>,
}

/// A recording, and how it is replayed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Trace")]
pub(crate) struct WrittenTrace {
    /// The file, relative to the scenario.
    pub(crate) file: At<String>,
    /// How it was recorded.
    pub(crate) format: At<Format>,
    /// Recorded seconds that pass in a second, 0.1 to 10; 1 unless given.
    pub(crate) speed: Option<At<f64>>,
    /// Where the replay begins, in the time of the recording; at its first request unless given.
    pub(crate) from: Option<At<Span>>,
    /// How much of the recording is replayed, in its time; all that is left unless given.
    #[serde(rename = "for")]
    pub(crate) duration: Option<At<Span>>,
}
