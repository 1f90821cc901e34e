//! Steps and scaled workloads in a few figures each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{ClusterEvidence, Histogram, RunRecord, Second, StepEvidence, StepKind, micros_to_ms};
use crate::judge::statistics::{Block, design_effect, rank_interval};

/// The load that was asked for and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadSummary {
    /// Passes that the plan held; virtual users add to `due` alone.
    pub planned: u64,
    /// Arrivals that were due before the run ended.
    pub due: u64,
    /// Arrivals that were sent on their way.
    pub dispatched: u64,
    /// Arrivals given up because too much was in flight already.
    pub dropped: u64,
    /// Arrivals due per second of the plan, or of the run if that was shorter.
    pub asked_per_second: f64,
    /// Arrivals sent on their way per second of the same time.
    pub delivered_per_second: f64,
    /// Polls of jobs; no part of the load.
    pub polls: u64,
    /// Polls without a usable answer.
    pub poll_failures: u64,
    /// How late proofload itself was, ms.
    pub wake_lag_ms: Quantiles,
    /// How long requests waited for a free connection, ms.
    #[serde(default)]
    pub queue_wait_ms: Quantiles,
}

/// A step or job over the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSummary {
    /// Request or job.
    pub kind: StepKind,
    /// The request's name; of a job, the flow's.
    pub name: String,
    /// How many were due.
    pub due: u64,
    /// Got a whole answer.
    pub answered: u64,
    /// Answered wrongly.
    pub errors: u64,
    /// Got no whole answer.
    pub broken: u64,
    /// Never started.
    pub dropped: u64,
    /// What went wrong how often.
    #[serde(default)]
    pub error_classes: BTreeMap<String, u64>,
    /// Answers per second over the seconds in which any was due.
    pub per_second: f64,
    /// Response time of the answered, from the intended start, ms.
    pub response_ms: Quantiles,
    /// Where the percentiles of the system lie with 99 %, ms; absent where the samples are too few to say.
    #[serde(default)]
    pub response_interval_ms: Intervals,
    /// Service time of the answered, from the send, ms.
    pub service_ms: Quantiles,
}

/// A few quantiles, ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Half lie at or below.
    pub p50: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// Intervals of a few percentiles, ms: order statistics on samples thinned by what dependence the seconds show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// Of the median.
    pub p50: Option<(f64, f64)>,
    /// Of the 95th percentile.
    pub p95: Option<(f64, f64)>,
    /// Of the 99th percentile.
    pub p99: Option<(f64, f64)>,
}

/// A scaled workload over the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScalingSummary {
    /// `Deployment/name`.
    pub target: String,
    /// The autoscaler in words.
    pub autoscaler: String,
    /// Cluster seconds per wall second.
    pub speed: f64,
    /// Most replicas ready at once.
    pub ready_max: u32,
    /// Replicas ready at the end.
    pub ready_last: u32,
    /// Decisions taken.
    pub syncs: u64,
}

/// Seconds of the plan, or of the run if that was shorter.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^53")]
pub(super) fn length_s(record: &RunRecord) -> f64 {
    let plan_ends_ms = record.plan.iter().map(|workload| workload.ends_ns).max().unwrap_or(0).div_ceil(1_000_000);
    plan_ends_ms.min(record.run.lasted_ms) as f64 / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds of a run are far below 2^53")]
pub(super) fn load(record: &RunRecord) -> LoadSummary {
    let generator = &record.generator;
    let length_s = length_s(record);
    let rate = |count: u64| if length_s > 0.0 { count as f64 / length_s } else { 0.0 };
    LoadSummary {
        planned: record.plan.iter().map(|workload| workload.arrivals).sum(),
        due: generator.due,
        dispatched: generator.dispatched,
        dropped: generator.dropped,
        asked_per_second: rate(generator.due),
        delivered_per_second: rate(generator.dispatched),
        polls: generator.polls,
        poll_failures: generator.poll_failures,
        wake_lag_ms: quantiles([&generator.wake_lag]),
        queue_wait_ms: queue_wait(record),
    }
}

/// The target's share of the delay before a send: all its connections were busy.
fn queue_wait(record: &RunRecord) -> Quantiles {
    let requests = record.steps.iter().filter(|step| step.kind == StepKind::Request);
    quantiles(requests.flat_map(|step| &step.seconds).map(|second| &second.queue_wait))
}

pub(super) fn step(step: &StepEvidence) -> StepSummary {
    let sum = |pick: fn(&Second) -> u64| step.seconds.iter().map(pick).sum::<u64>();
    let active = step.seconds.iter().filter(|second| second.due > 0).count().max(1);
    let answered = sum(|second| second.answered);
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    let per_second = answered as f64 / active as f64;
    StepSummary {
        kind: step.kind,
        name: step.name.clone(),
        due: sum(|second| second.due),
        answered,
        errors: sum(|second| second.errors),
        broken: sum(|second| second.broken),
        dropped: sum(|second| second.dropped),
        error_classes: step.error_classes.clone(),
        per_second,
        response_ms: quantiles(step.seconds.iter().map(|second| &second.response)),
        response_interval_ms: intervals(step),
        service_ms: quantiles(step.seconds.iter().map(|second| &second.service)),
    }
}

pub(super) fn scaling(cluster: &ClusterEvidence) -> Vec<ScalingSummary> {
    let summary = |workload: &crate::evidence::ScaledWorkload| ScalingSummary {
        target: workload.target.clone(),
        autoscaler: workload.autoscaler.clone(),
        speed: cluster.speed,
        ready_max: workload.replicas.iter().map(|point| point.ready).max().unwrap_or(0),
        ready_last: workload.replicas.last().map_or(0, |point| point.ready),
        syncs: workload.syncs.len() as u64,
    };
    cluster.workloads.iter().map(summary).collect()
}

#[expect(clippy::cast_precision_loss, reason = "latencies in µs are far below 2^53")]
pub(super) fn quantiles<'h>(all: impl IntoIterator<Item = &'h Histogram>) -> Quantiles {
    let merged = Histogram::merge(all);
    let at = |quantile: f64| merged.value_at_quantile(quantile) as f64 / 1e3;
    Quantiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: merged.max() as f64 / 1e3 }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn intervals(step: &StepEvidence) -> Intervals {
    let answered = Histogram::merge(step.seconds.iter().map(|second| &second.response));
    let blocks: Vec<Block> = step.seconds.iter().map(|second| Block::of(second, None)).collect();
    let (total, effect) = (answered.len() as f64, design_effect(&blocks));
    let value = |rank: f64| micros_to_ms(answered.value_at_quantile(rank / total));
    let interval = |share: f64| rank_interval(total, share, effect).map(|(low, high)| (value(low), value(high)));
    Intervals { p50: interval(0.5), p95: interval(0.95), p99: interval(0.99) }
}
