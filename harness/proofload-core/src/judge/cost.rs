//! What a stretch of a run cost, by the prices of its environment. Replicas and fixed parts are paid in cluster time, as
//! scaling is judged in it.

use super::slo::{COVERED_MIN, Held, replicas_held};
use crate::environment::{Price, Prices};
use crate::evidence::{RunEnd, RunRecord};

const MS_PER_HOUR: f64 = 3_600_000.0;

/// What a stretch cost.
#[derive(Debug)]
pub(crate) struct Spending<'r> {
    pub(crate) prices: &'r Prices,
    /// How long the stretch is, hours of cluster time.
    pub(crate) hours: f64,
    /// How much of it the run lived to see.
    lived_hours: f64,
    /// Priced workloads, by name.
    pub(crate) workloads: Vec<PricedWorkload<'r>>,
}

/// A priced workload in a stretch.
#[derive(Debug)]
pub(crate) struct PricedWorkload<'r> {
    pub(crate) target: &'r str,
    pub(crate) price: Price,
    is_watched: bool,
    /// Levels that its replicas held.
    levels: usize,
    /// Hours of ready replicas that were seen.
    seen_hours: f64,
    /// Share of the stretch in which its replicas are known.
    covered: f64,
}

/// Whether cluster time is wall time, so that money can be divided by answers.
pub(crate) fn has_one_clock(record: &RunRecord) -> bool {
    (speed(record) - 1.0).abs() < 1e-9
}

/// Cluster seconds per wall second.
pub(crate) fn speed(record: &RunRecord) -> f64 {
    record.cluster.as_ref().map_or(1.0, |cluster| cluster.speed)
}

/// Twelve digits: what is beyond them is the sum's own error, and no limit may break on it.
pub(crate) fn rounded(amount: f64) -> f64 {
    format!("{amount:.11e}").parse().unwrap_or(amount)
}

/// What was spent between two moments, nanoseconds from the start of the run; `None` where nothing has a price.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
pub(crate) fn spending(record: &RunRecord, (from_ns, to_ns): (u64, u64)) -> Option<Spending<'_>> {
    let prices = record.prices.as_ref()?;
    let lived_ns = record.run.lasted_ms.saturating_mul(1_000_000);
    // A run that came to its end spends nothing after it; what one that was cut off would have spent is not known.
    let to_ns = if record.run.end == RunEnd::Completed { to_ns.min(lived_ns) } else { to_ns };
    let [from, to, lived_to] = [from_ns, to_ns, to_ns.min(lived_ns)].map(|ns| ns as f64 / 1e6);
    let hours = |ms: f64| ms.max(0.0) * speed(record) / MS_PER_HOUR;
    let mut workloads = Vec::new();
    for (target, price) in &prices.replicas {
        let held = replicas_held(target, record, (from, lived_to));
        let known = held.as_deref().unwrap_or_default();
        workloads.push(PricedWorkload {
            target,
            price: *price,
            is_watched: held.is_some(),
            levels: known.len(),
            seen_hours: hours(known.iter().map(|held| held.value * held.length()).sum()),
            covered: known.iter().map(Held::length).sum::<f64>() / (to - from).max(1.0),
        });
    }
    Some(Spending { prices, hours: hours(to - from), lived_hours: hours(lived_to - from), workloads })
}

impl Spending<'_> {
    /// Why nothing can be said, in a sentence; `None` where something can.
    pub(crate) fn unknown(&self) -> Option<String> {
        let named = |without: fn(&PricedWorkload<'_>) -> bool| {
            let found: Vec<&str> = self.workloads.iter().filter(|it| without(it)).map(|it| it.target).collect();
            (!found.is_empty()).then(|| found.join(", "))
        };
        if !(self.lived_hours > 0.0 && self.hours.is_finite()) {
            return Some("nothing ran in this stretch".to_owned());
        }
        if let Some(unwatched) = named(|it| !it.is_watched) {
            return Some(format!("{unwatched} has a price, and nobody watched its replicas"));
        }
        named(|it| it.covered <= 0.0).map(|unseen| format!("no replicas of {unseen} were seen in this stretch"))
    }

    /// Share of the stretch of which everything is known.
    pub(crate) fn covered(&self) -> f64 {
        self.workloads.iter().map(|it| it.covered).fold(self.lived_hours / self.hours, f64::min)
    }

    /// The money that was seen to be spent; never more than the truth.
    pub(crate) fn seen(&self) -> f64 {
        let replicas = self.workloads.iter().map(|it| it.price.per_hour() * it.seen_hours);
        rounded(replicas.sum::<f64>() + self.fixed_per_hour() * self.lived_hours)
    }

    /// The money for the whole stretch: where replicas are not known, as many as on the average of it.
    pub(crate) fn whole(&self) -> f64 {
        let replicas = self.workloads.iter().map(|it| it.price.per_hour() * it.replica_hours());
        rounded(replicas.sum::<f64>() + self.fixed_per_hour() * self.hours)
    }

    /// How many levels it rests on: those that replicas held, and the one of each fixed part.
    pub(crate) fn levels(&self) -> usize {
        self.workloads.iter().map(|it| it.levels).sum::<usize>() + self.prices.fixed.len()
    }

    /// Hours of ready replicas, of all priced workloads together.
    pub(crate) fn replica_hours(&self) -> f64 {
        self.workloads.iter().map(PricedWorkload::replica_hours).sum()
    }

    fn fixed_per_hour(&self) -> f64 {
        self.prices.fixed.values().map(|price| price.per_hour()).sum()
    }
}

impl PricedWorkload<'_> {
    /// Hours of ready replicas over the whole stretch.
    pub(crate) fn replica_hours(&self) -> f64 {
        if self.covered > 0.0 { self.seen_hours / self.covered } else { 0.0 }
    }

    /// Whether its replicas are known for so much of the stretch that its cost is too.
    pub(crate) fn is_known(&self) -> bool {
        self.covered >= COVERED_MIN
    }
}
