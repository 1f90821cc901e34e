//! Money: what a stretch cost, how fast it was spent, and what a thousand good answers took of it. A pass rests on the
//! whole stretch, a failure on what was seen to be spent.

use super::super::cost::{Spending, has_one_clock, rounded, speed, spending};
use super::super::finding::{Figure, Finding, Outcome};
use super::{COVERED_MIN, Stretch, judged_ns, no_samples};
use crate::evidence::{RunRecord, StepKind};
use crate::scenario::{Sli, Slo, Window};

/// Ends the unit of money per thousand answers.
pub(crate) const PER_1000: &str = " per 1,000";
/// Fewest good answers that money is divided by for a pass.
const GOOD_MIN: u64 = 10;

/// What money is divided by, and what it is then called.
struct Divisor {
    by: f64,
    unit: String,
    samples: u64,
    /// In words, after what was spent; empty where money is not divided by answers.
    told: String,
    /// How many more samples a pass needs.
    needed: Option<u64>,
}

pub(super) fn judge(slo: &Slo, max: f64, record: &RunRecord) -> Finding {
    let Some(spent) = spending(record, stretch_ns(record, &slo.during)) else {
        return no_samples("this environment has no prices");
    };
    let divisor = match spent.unknown().map_or_else(|| divisor(slo, &spent, record), Err) {
        Ok(divisor) => divisor,
        Err(why) => return no_samples(&why),
    };
    let (least, value) = (rounded(spent.seen() / divisor.by), rounded(spent.whole() / divisor.by));
    let covered = spent.covered();
    let outcome = match divisor.needed {
        _ if least > max => Outcome::Fail,
        None if covered >= COVERED_MIN && value <= max => Outcome::Pass,
        _ => Outcome::Inconclusive,
    };
    let message = match outcome {
        Outcome::Inconclusive if divisor.needed.is_some() => {
            format!("{}{}, too few to pass", words(&spent, record), divisor.told)
        }
        Outcome::Inconclusive => {
            format!("what was spent is known for {:.0} % of this stretch, too little to pass", covered * 100.0)
        }
        _ => format!("{}{}", words(&spent, record), divisor.told),
    };
    Finding {
        figure: Some(Figure { value: Some(value), interval: None, limit: max, unit: divisor.unit }),
        samples: divisor.samples,
        needed: divisor.needed.filter(|_| outcome == Outcome::Inconclusive),
        ..no_samples(&message)
    }
    .with(outcome)
}

/// The whole run takes its drain too, for what ends the jobs is paid as well. Of any other stretch the whole seconds
/// are taken, as of every other evidence.
fn stretch_ns(record: &RunRecord, window: &Window) -> (u64, u64) {
    const SECOND_NS: u64 = 1_000_000_000;
    let (from, to) = judged_ns(record, window);
    match window {
        Window::Run => (from, to.max(record.run.lasted_ms.saturating_mul(1_000_000))),
        _ => (from.next_multiple_of(SECOND_NS), to / SECOND_NS * SECOND_NS),
    }
}

/// What the rule divides by, or why that cannot be done.
fn divisor(slo: &Slo, spent: &Spending<'_>, record: &RunRecord) -> Result<Divisor, String> {
    let currency = &spent.prices.currency;
    let levels = |by, unit| Divisor { by, unit, samples: spent.levels() as u64, told: String::new(), needed: None };
    match &slo.sli {
        Sli::CostPer1000(name) => per_1000(name, slo, record, format!("{currency}{PER_1000}")),
        Sli::CostHourly if spent.workloads.is_empty() => {
            Err("only fixed parts have prices, so nothing that was measured decides it".to_owned())
        }
        Sli::CostHourly => Ok(levels(spent.hours, format!("{currency}/h"))),
        _ => Ok(levels(1.0, currency.clone())),
    }
}

fn per_1000(name: &str, slo: &Slo, record: &RunRecord, unit: String) -> Result<Divisor, String> {
    if !has_one_clock(record) {
        return Err(format!(
            "money is spent in cluster time, which ran {} times as fast as the load, so the one cannot be divided by the other; judge it with `speed: 1`",
            speed(record)
        ));
    }
    let (step, what) = match record.step(StepKind::Request, name) {
        Some(step) => (Some(step), "good answers"),
        None => (record.step(StepKind::Job, name), "jobs that succeeded"),
    };
    let good =
        Stretch::of(step, slo, record).map_or(0, |stretch| stretch.sum(|second| second.answered - second.errors));
    if good == 0 {
        return Err(format!("there are no {what} in this stretch, so there is nothing to divide by"));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    let by = good as f64 / 1e3;
    let needed = GOOD_MIN.checked_sub(good).filter(|needed| *needed > 0);
    Ok(Divisor { by, unit, samples: good, told: format!(" for {good} {what}"), needed })
}

/// `444 replica-seconds and 3 fixed parts over 148 s`.
fn words(spent: &Spending<'_>, record: &RunRecord) -> String {
    let clock = if has_one_clock(record) { "" } else { " of cluster time" };
    let replicas = format!("{:.0} replica-seconds", spent.replica_hours() * 3600.0);
    let fixed = match spent.prices.fixed.len() {
        1 => "1 fixed part".to_owned(),
        fixed => format!("{fixed} fixed parts"),
    };
    let parts = match (spent.workloads.is_empty(), spent.prices.fixed.is_empty()) {
        (true, _) => fixed,
        (false, true) => replicas,
        (false, false) => format!("{replicas} and {fixed}"),
    };
    format!("{parts} over {:.0} s{clock}", spent.hours * 3600.0)
}
