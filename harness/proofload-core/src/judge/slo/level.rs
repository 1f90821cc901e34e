//! Levels that are read from time to time: queue depth, ready replicas, the answers of Prometheus. A level holds until
//! the next reading, but no longer than [`STALE_MS`] where it should have been read again.

use super::super::finding::{Figure, Finding, Outcome};
use super::no_samples;
use crate::evidence::{ExternalAnswer, RunRecord};
use crate::scenario::units::Span;
use crate::scenario::{Bound, Sli, Slo};

/// How long a reading stands for what follows it, ms.
const STALE_MS: f64 = 15_000.0;
/// Least share of the stretch that readings must cover before a rule may pass.
pub(in crate::judge) const COVERED_MIN: f64 = 0.9;

/// A level that holds from one moment to another, ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::judge) struct Held {
    from: f64,
    to: f64,
    pub(in crate::judge) value: f64,
}

impl Held {
    /// How long, ms.
    pub(in crate::judge) fn length(&self) -> f64 {
        self.to - self.from
    }
}

/// The readings of an indicator.
struct Readings {
    points: Vec<(f64, f64)>,
    /// A level that is told whenever it changes is never stale.
    told: bool,
}

pub(super) fn judge(slo: &Slo, (from_ns, to_ns): (u64, u64), record: &RunRecord) -> Finding {
    let readings = match readings(&slo.sli, record) {
        Ok(readings) => readings,
        Err(why) => return no_samples(&why),
    };
    #[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
    let (from, to) = (from_ns as f64 / 1e6, to_ns.min(record.run.lasted_ms.saturating_mul(1_000_000)) as f64 / 1e6);
    let held = held(&readings, from, to);
    let covered = held.iter().map(|held| held.to - held.from).sum::<f64>() / (to - from).max(1.0);
    let levels = match slo.over {
        Some(over) => averaged(&held, over.as_secs_f64() * 1e3),
        None => held.iter().map(|held| held.value).collect(),
    };
    let Some((value, limit, breaks)) = measured(slo.bound, &held, &levels) else {
        return no_samples(&nothing(slo, &held));
    };
    let samples = readings.points.iter().filter(|(at, _)| (from..to).contains(at)).count();
    let outcome = match breaks {
        true => Outcome::Fail,
        false if covered < COVERED_MIN => Outcome::Inconclusive,
        false => Outcome::Pass,
    };
    let message = match outcome {
        Outcome::Inconclusive => format!("readings cover {:.0} % of this stretch, too little to pass", covered * 100.0),
        _ => format!("{samples} readings cover {:.0} % of this stretch", covered * 100.0),
    };
    Finding {
        figure: Some(Figure { value: Some(value), interval: None, limit, unit: unit(slo).to_owned() }),
        samples: samples as u64,
        ..no_samples(&message)
    }
    .with(outcome)
}

/// The levels of ready replicas between two moments, ms; `None` where nobody watched them.
pub(in crate::judge) fn replicas_held(target: &str, record: &RunRecord, (from, to): (f64, f64)) -> Option<Vec<Held>> {
    Some(held(&replicas(target, record)?, from, to))
}

fn unit(slo: &Slo) -> &'static str {
    match slo.sli {
        Sli::Queue(_) => "jobs",
        Sli::Replicas(_) => "replicas",
        _ => "",
    }
}

/// The readings, or why there are none.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
fn readings(sli: &Sli, record: &RunRecord) -> Result<Readings, String> {
    let points = |points: &[(u64, f64)]| points.iter().map(|(at, value)| (*at as f64, *value)).collect();
    match sli {
        Sli::Queue(name) => {
            let series = record.timeline.series.get(&format!("queue {name} ready"));
            let series = series.ok_or_else(|| format!("no queue `{name}` of this environment was read"))?;
            Ok(Readings { points: points(series), told: false })
        }
        Sli::Replicas(target) => replicas(target, record).ok_or_else(|| format!("{target} was not watched")),
        Sli::Promql(query) => {
            let asked = record.external.iter().find(|external| external.query == *query);
            match &asked.ok_or("Prometheus was not asked")?.answer {
                ExternalAnswer::Points(series) => Ok(Readings { points: points(series), told: false }),
                ExternalAnswer::Failed(why) => Err(format!("Prometheus gave no figure: {why}")),
            }
        }
        _ => Err("no instrument of this environment measures it".to_owned()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
fn replicas(target: &str, record: &RunRecord) -> Option<Readings> {
    let mut workloads = record.cluster.iter().flat_map(|cluster| &cluster.workloads);
    let workload = workloads.find(|workload| workload.target == *target)?;
    let ready = workload.replicas.iter().map(|point| (point.at_ms as f64, f64::from(point.ready)));
    Some(Readings { points: ready.collect(), told: true })
}

/// The levels within a stretch; the last reading before it holds on into it.
fn held(readings: &Readings, from: f64, to: f64) -> Vec<Held> {
    let points = &readings.points;
    let until = |index: usize| {
        let next = points.get(index + 1).map_or(f64::INFINITY, |(at, _)| *at);
        if readings.told { next } else { next.min(points[index].0 + STALE_MS) }
    };
    let held = points.iter().enumerate().map(|(index, (at, value))| Held {
        from: at.max(from),
        to: until(index).min(to),
        value: *value,
    });
    held.filter(|held| held.to > held.from).collect()
}

/// The means over every stretch of this length that begins or ends where a level changes and that is covered whole.
fn averaged(held: &[Held], over_ms: f64) -> Vec<f64> {
    let ends = held.iter().flat_map(|level| [level.from + over_ms, level.to]);
    ends.filter_map(|end| mean(held, end - over_ms, end)).collect()
}

/// The mean over a stretch; `None` unless levels are known for all of it.
fn mean(held: &[Held], from: f64, to: f64) -> Option<f64> {
    let first = held.partition_point(|level| level.to <= from);
    let (mut sum, mut known) = (0.0, 0.0);
    for level in held[first..].iter().take_while(|level| level.from < to) {
        let length = level.to.min(to) - level.from.max(from);
        sum += level.value * length;
        known += length;
    }
    (known >= (to - from) * (1.0 - 1e-9) && known > 0.0).then(|| sum / known)
}

/// Value, bound, and whether the one breaks the other; `None` without any level.
fn measured(bound: Bound, held: &[Held], levels: &[f64]) -> Option<(f64, f64, bool)> {
    let highest = levels.iter().copied().reduce(f64::max);
    let lowest = levels.iter().copied().reduce(f64::min);
    match bound {
        Bound::Max(max) => highest.map(|value| (value, max, value > max)),
        Bound::Min(min) => lowest.map(|value| (value, min, value < min)),
        Bound::Mean(limit) => {
            let length: f64 = held.iter().map(|level| level.to - level.from).sum();
            let mean = held.iter().map(|level| level.value * (level.to - level.from)).sum::<f64>() / length;
            (length > 0.0).then_some((mean, limit, mean > limit))
        }
        Bound::Percentile { .. } => None,
    }
}

fn nothing(slo: &Slo, held: &[Held]) -> String {
    match slo.over {
        Some(over) if !held.is_empty() => format!("no {} of this stretch are covered by readings", Span(over)),
        _ => "nothing was read in this stretch".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(points: &[(f64, f64)], told: bool, over_ms: Option<f64>, expected: &[f64]) {
        let held = held(&Readings { points: points.to_vec(), told }, 1_000.0, 61_000.0);
        let levels = match over_ms {
            Some(over) => averaged(&held, over),
            None => held.iter().map(|held| held.value).collect(),
        };
        assert_eq!(levels, expected, "{points:?} {held:?}");
    }

    #[test]
    fn a_level_holds_until_the_next_reading_and_not_forever() {
        check(&[(0.0, 1.0), (2_000.0, 5.0)], true, None, &[1.0, 5.0]);
        check(&[(0.0, 1.0), (500.0, 2.0), (70_000.0, 9.0)], true, None, &[2.0]);
        // After 15 s a reading says nothing any more, so 20 s in a row are not known.
        check(&[(1_000.0, 7.0)], false, Some(20_000.0), &[]);
        check(&[(1_000.0, 7.0)], false, Some(15_000.0), &[7.0, 7.0]);
        check(&[(1_000.0, 0.0), (11_000.0, 10.0), (21_000.0, 0.0)], true, Some(20_000.0), &[5.0, 5.0, 5.0, 0.0, 0.0]);
    }
}
