//! Was the asked-for load delivered, and were the instruments sound? Only these signals make a run INVALID, and only
//! those about proofload itself: what the whole machine suffers warns.

mod books;
mod lines;
mod signals;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Figure, Finding, Group, Outcome};
use crate::scenario::{Bound, Scenario, Sli};

pub(super) use signals::signals;

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

/// The lines that a generator may not cross before a run either.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unfit {
    /// Wake lag at the 99th percentile, ms.
    pub wake_lag_ms: f64,
    /// Share of the time that a generator thread computes.
    pub busy: f64,
}

/// Beyond which wake lag and CPU a run of this scenario would be INVALID.
pub fn unfit_above(scenario: &Scenario) -> Unfit {
    let busy = lines::THREAD_BUSY.invalid_above.unwrap_or(100.0) / 100.0;
    Unfit { wake_lag_ms: lines::wake_lag_ms(tightest_limit_ms(scenario)).1, busy }
}

pub(super) fn findings(signals: &[Signal]) -> Vec<Finding> {
    let clean = signals.iter().all(|signal| signal.outcome() != Outcome::Invalid);
    let told = signals.iter().filter(|signal| signal.outcome() != Outcome::Pass);
    told.map(|signal| finding(signal, clean)).collect()
}

fn finding(signal: &Signal, clean: bool) -> Finding {
    let (value, outcome, unit) = (signal.value.unwrap_or_default(), signal.outcome(), &signal.unit);
    let line = match outcome {
        Outcome::Invalid => signal.invalid_above.unwrap_or_default(),
        _ => signal.warn_above,
    };
    let advice = lines::advice(signal, clean);
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
}

/// The tightest latency limit of the scenario; wake lag is held against it.
fn tightest_limit_ms(scenario: &Scenario) -> f64 {
    let limits = scenario.slos.iter().filter_map(|slo| match (&slo.sli, slo.bound) {
        (Sli::Latency(_), Bound::Percentile { limit, .. }) => Some(limit.as_secs_f64() * 1e3),
        _ => None,
    });
    limits.fold(f64::INFINITY, f64::min)
}
