//! Are later runs slower than earlier ones? The unit is the run, never the request: requests of one run share its luck,
//! so a thousand of them say nothing about the next run (Kalibera & Jones 2013). Times and rates are compared by their
//! ratio, so on logarithms.

use std::collections::BTreeSet;

use super::finding::{Figure, Finding, Group, Outcome};
use super::statistics::{Shift, mann_whitney, signed_ranks, student};
use crate::baseline::{BaselineRun, Measured};

/// Fewest earlier runs from which a shift is judged.
pub(super) const RUNS_MIN: usize = 5;
/// Chance of a false alarm, over all rules together.
pub(super) const ALARM: f64 = 0.01;
/// Chance of calling a shift above the tolerance none.
const MISS: f64 = 0.05;
/// Histograms tell times apart to a thousandth, so no spread is known to be smaller.
const SPREAD_MIN: f64 = 0.001;

/// How the runs were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// One later run against several earlier ones.
    One,
    /// Several of each, in any order.
    Groups,
    /// As many of each, made in turns: the first of the one belongs to the first of the other.
    Pairs,
}

/// By how much later runs are worse, as a share; positive where they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The estimate of Hodges and Lehmann, which one odd run does not bend.
    pub shift: f64,
    /// Its interval at 99 %.
    pub interval: (f64, f64),
    /// What it exceeds with a probability of 5 % at most.
    pub far_end: f64,
    /// One-sided probability of a shift as bad, were there none.
    pub p: f64,
}

/// Compares a time in earlier runs with the same in later ones; `None` where there are too few to say anything, or
/// a value is not above 0. Of a rate, give the reciprocals.
pub fn compare(before: &[f64], after: &[f64], design: Design) -> Option<Comparison> {
    let logs = |values: &[f64]| -> Option<Vec<f64>> {
        values.iter().map(|value| (*value > 0.0).then(|| libm::log(*value))).collect()
    };
    let (before, after) = (logs(before)?, logs(after)?);
    match design {
        Design::One => against_one(&before, *after.first()?),
        Design::Groups => Some(of_shift(|tail| mann_whitney(&before, &after, tail))?),
        Design::Pairs => {
            let differences: Vec<f64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
            of_shift(|tail| signed_ranks(&differences, tail))
        }
    }
}

/// By ranks alone, one run could be the worst of k + 1 with probability 1/(k + 1), so no k below 99 would reach 1 %:
/// this is Student's prediction interval for one more run.
fn against_one(before: &[f64], after: f64) -> Option<Comparison> {
    if before.len() < 2 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "few runs")]
    let k = before.len() as f64;
    let mean = before.iter().sum::<f64>() / k;
    let squares: f64 = before.iter().map(|value| (value - mean) * (value - mean)).sum();
    let spread = (squares / (k - 1.0)).sqrt().max(SPREAD_MIN) * (1.0 + 1.0 / k).sqrt();
    let away = after - mean;
    let half = |probability: f64| student::quantile_above(probability, k - 1.0) * spread;
    Some(Comparison {
        shift: libm::expm1(mann_whitney(before, &[after], MISS)?.estimate),
        interval: (libm::expm1(away - half(ALARM / 2.0)), libm::expm1(away + half(ALARM / 2.0))),
        far_end: libm::expm1(away + half(MISS)),
        p: student::above(away / spread, k - 1.0),
    })
}

fn of_shift(at: impl Fn(f64) -> Option<Shift>) -> Option<Comparison> {
    let shift = at(ALARM / 2.0)?;
    Some(Comparison {
        shift: libm::expm1(shift.estimate),
        interval: (libm::expm1(shift.interval.0), libm::expm1(shift.interval.1)),
        far_end: libm::expm1(at(MISS)?.interval.1),
        p: shift.p,
    })
}

/// Compares every rule on times and rates that the earlier runs have measured. Fails only if a shift exceeds the
/// tolerance and is no accident, over all rules together; passes only if a shift above the tolerance is improbable, and
/// every run has measured the rule: what a later run never answered must not pass for want of a time.
pub fn compare_runs(before: &[&BaselineRun], after: &[&BaselineRun], design: Design, tolerance: f64) -> Vec<Finding> {
    let ids: BTreeSet<&str> = before.iter().flat_map(|run| run.values.keys()).map(String::as_str).collect();
    let (everywhere, in_part): (Vec<&str>, Vec<&str>) =
        ids.into_iter().partition(|id| measuring(before, id) == before.len() && measuring(after, id) == after.len());
    let mut compared: Vec<Compared<'_>> = everywhere
        .into_iter()
        .filter_map(|id| {
            let values = |runs: &[&BaselineRun]| runs.iter().map(|run| run.values[id].cost()).collect::<Vec<f64>>();
            let comparison = compare(&values(before), &values(after), design)?;
            let measured = &after.first()?.values[id];
            Some(Compared { id, measured, runs: before.len(), comparison })
        })
        .collect();
    // Holm 1979: the smallest probability must stand against all rules, the next against one fewer.
    compared.sort_by(|a, b| a.comparison.p.total_cmp(&b.comparison.p));
    let all = compared.len();
    let mut alarm = true;
    let judged = compared.iter().enumerate().map(|(rank, one)| {
        #[expect(clippy::cast_precision_loss, reason = "few rules")]
        let line = ALARM / (all - rank) as f64;
        alarm = alarm && one.comparison.p <= line;
        one.finding(alarm, tolerance)
    });
    let mut judged: Vec<Finding> = judged.collect();
    judged.extend(in_part.into_iter().filter_map(|id| measured_in_part(before, after, id, tolerance)));
    judged.sort_by(|a, b| a.id.cmp(&b.id));
    judged
}

/// How many runs have measured a rule.
fn measuring(runs: &[&BaselineRun], id: &str) -> usize {
    runs.iter().filter(|run| run.values.contains_key(id)).count()
}

/// A rule that some runs have not measured.
fn measured_in_part(before: &[&BaselineRun], after: &[&BaselineRun], id: &str, tolerance: f64) -> Option<Finding> {
    let measured = before.iter().find_map(|run| run.values.get(id))?;
    let message = format!(
        "measured in {} of {} earlier and {} of {} later runs, and without a value there is nothing to compare",
        measuring(before, id),
        before.len(),
        measuring(after, id),
        after.len()
    );
    Some(Finding {
        samples: before.len() as u64,
        ..Finding::plain(Group::Regression, &finding_id(id), title(measured, tolerance), Outcome::Inconclusive, message)
    })
}

fn finding_id(id: &str) -> String {
    format!("regression.{id}")
}

fn title(measured: &Measured, tolerance: f64) -> String {
    format!("{} is at most {:.1} % worse than before", measured.title, tolerance * 100.0)
}

/// What the comparison of one rule shows, before all rules are weighed together.
struct Compared<'r> {
    id: &'r str,
    measured: &'r Measured,
    runs: usize,
    comparison: Comparison,
}

impl Compared<'_> {
    fn finding(&self, alarm: bool, tolerance: f64) -> Finding {
        let Comparison { shift, interval, far_end, .. } = self.comparison;
        let outcome = match () {
            () if alarm && shift > tolerance => Outcome::Fail,
            () if far_end <= tolerance => Outcome::Pass,
            () => Outcome::Inconclusive,
        };
        let percent = |share: f64| format!("{:+.1} %", share * 100.0);
        let told = format!("{} against {} earlier runs", percent(shift), self.runs);
        let message = match outcome {
            Outcome::Inconclusive if far_end.is_finite() => {
                format!("{told}; runs differ so much that it may be up to {}", percent(far_end))
            }
            Outcome::Inconclusive => format!("{told}; so few runs cannot show how far it may be"),
            _ => told,
        };
        let known = interval.0.is_finite() && interval.1.is_finite();
        Finding {
            figure: Some(Figure {
                value: Some(shift * 100.0),
                interval: known.then_some((interval.0 * 100.0, interval.1 * 100.0)),
                limit: tolerance * 100.0,
                unit: "%".to_owned(),
            }),
            samples: self.runs as u64,
            ..Finding::plain(Group::Regression, &finding_id(self.id), title(self.measured, tolerance), outcome, message)
        }
    }
}
