//! Was the asked-for load delivered, and were the instruments sound? Only these signals make a run INVALID.
//!
//! Lines from `facts/load-engine.md` §6.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Figure, Finding, Group, Outcome};
use crate::evidence::{RunEnd, RunRecord, StepKind};
use crate::scenario::{Bound, Scenario, Sli};

/// One signal about proofload itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Short id.
    pub id: String,
    /// In words.
    pub title: String,
    /// The value; `None` where the machine does not say.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// Above this, it is worth knowing.
    pub warn_above: f64,
    /// Above this, the run taught nothing; `None` for signals of the whole machine, which only warn.
    pub invalid_above: Option<f64>,
}

impl Signal {
    /// What the judge says of it.
    pub fn outcome(&self) -> Outcome {
        match (self.value, self.invalid_above) {
            (Some(value), Some(line)) if value > line => Outcome::Invalid,
            (Some(value), _) if value > self.warn_above => Outcome::Warning,
            _ => Outcome::Pass,
        }
    }
}

/// Most wake lag that any run may have at its 99th percentile.
const WAKE_LAG_MS_MAX: f64 = 20.0;

pub(super) fn signals(scenario: &Scenario, record: &RunRecord) -> Vec<Signal> {
    let generator = &record.generator;
    let tightest_ms = tightest_limit_ms(scenario);
    let mut signals = vec![
        Signal {
            id: "wake-lag".to_owned(),
            title: "wake lag p99: how late proofload itself was".to_owned(),
            value: Some(micros_to_ms(generator.wake_lag.thaw().value_at_quantile(0.99))),
            unit: "ms".to_owned(),
            warn_above: (tightest_ms * 0.05).min(2.0),
            invalid_above: Some((tightest_ms * 0.10).min(WAKE_LAG_MS_MAX)),
        },
        Signal {
            id: "undelivered".to_owned(),
            title: "arrivals due and never dispatched, other than those dropped for a full line".to_owned(),
            value: Some(undelivered_percent(record)),
            unit: "%".to_owned(),
            warn_above: 0.5,
            invalid_above: Some(1.0),
        },
        Signal {
            id: "thread-busy".to_owned(),
            title: "generator thread busy, best second of the worst three in a row".to_owned(),
            value: Some(worst_three(&generator.thread_busy) * 100.0),
            unit: "%".to_owned(),
            warn_above: 70.0,
            invalid_above: Some(90.0),
        },
    ];
    signals.push(Signal {
        id: "local-limits".to_owned(),
        title: "connections that this machine had no port or file descriptor for".to_owned(),
        value: Some(count(generator.local_failures)),
        unit: "connections".to_owned(),
        warn_above: 0.0,
        invalid_above: Some(0.0),
    });
    signals.push(Signal {
        id: "lost-generators".to_owned(),
        title: "generators that were lost on the way, and their share of the load with them".to_owned(),
        value: Some(count(generator.lost)),
        unit: "generators".to_owned(),
        warn_above: 0.0,
        invalid_above: Some(0.0),
    });
    signals.push(Signal {
        id: "run-queue".to_owned(),
        title: "generator threads ready and not run by the machine".to_owned(),
        value: generator.run_queue_delay.map(|share| share * 100.0),
        unit: "%".to_owned(),
        warn_above: 2.0,
        invalid_above: Some(10.0),
    });
    signals.push(Signal {
        id: "cpu-pressure".to_owned(),
        title: "CPU pressure of the whole machine".to_owned(),
        value: generator.cpu_pressure,
        unit: "%".to_owned(),
        warn_above: 60.0,
        invalid_above: None,
    });
    signals.push(Signal {
        id: "collector".to_owned(),
        title: "readings of queues that failed".to_owned(),
        value: (generator.collector_readings > 0)
            .then(|| percent(generator.collector_failures, generator.collector_readings)),
        unit: "%".to_owned(),
        warn_above: 1.0,
        invalid_above: None,
    });
    signals
}

pub(super) fn findings(signals: &[Signal]) -> Vec<Finding> {
    let told = signals.iter().filter(|signal| signal.outcome() != Outcome::Pass);
    told.map(|signal| {
        let value = signal.value.unwrap_or_default();
        let outcome = signal.outcome();
        let (line, advice) = match outcome {
            Outcome::Invalid => {
                (signal.invalid_above.unwrap_or_default(), "; run it again on a machine with more room")
            }
            _ => (signal.warn_above, ""),
        };
        let unit = &signal.unit;
        Finding {
            figure: Some(Figure { value: Some(value), interval: None, limit: line, unit: unit.clone() }),
            ..Finding::plain(
                Group::Validity,
                &format!("validity.{}", signal.id),
                signal.title.clone(),
                outcome,
                format!("{value:.1} {unit}, above {line:.1} {unit}{advice}"),
            )
        }
    })
    .collect()
}

/// The tightest latency limit of the scenario; wake lag is held against it.
fn tightest_limit_ms(scenario: &Scenario) -> f64 {
    let limits = scenario.slos.iter().filter_map(|slo| match (&slo.sli, slo.bound) {
        (Sli::Latency(_), Bound::Percentile { limit, .. }) => Some(limit.as_secs_f64() * 1e3),
        _ => None,
    });
    limits.fold(f64::INFINITY, f64::min)
}

/// Arrivals that the plan had and the evidence does not: not dispatched, and not counted as dropped either. Of a run
/// that was stopped, only what had become due is held against it.
fn undelivered_percent(record: &RunRecord) -> f64 {
    let generator = &record.generator;
    let planned: u64 = record.plan.iter().map(|workload| workload.arrivals).sum();
    let due = if record.run.end == RunEnd::Completed { generator.due.max(planned) } else { generator.due };
    let missing = due.saturating_sub(generator.dispatched + generator.dropped);
    let requests = record.steps.iter().filter(|step| step.kind == StepKind::Request);
    let seen = requests.flat_map(|step| &step.seconds).any(|second| second.due > 0);
    match (due, seen) {
        (0, _) => 0.0,
        // Arrivals without any sample mean that the recorder was blind.
        (_, false) => 100.0,
        (due, true) => percent(missing, due),
    }
}

/// The highest level that three seconds in a row all reached.
fn worst_three(busy: &[f64]) -> f64 {
    busy.windows(3).map(|three| three.iter().copied().fold(f64::INFINITY, f64::min)).fold(0.0, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64 * 100.0
}

#[expect(clippy::cast_precision_loss, reason = "latencies in µs are far below 2^53")]
fn micros_to_ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}
