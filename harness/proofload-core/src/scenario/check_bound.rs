//! Checks that a rule has one bound, and that it fits its indicator.

use super::check_workload::refuse_zero;
use super::sli::Sli;
use super::written::{WrittenBound, WrittenSlo};
use super::{Bound, units::Span};
use crate::source::{At, Reporter};

/// A bound with the place it was written at.
struct Written {
    word: &'static str,
    bound: WrittenBound,
}

pub(super) fn check_bound(sli: &Sli, written: &At<WrittenSlo>, report: &mut Reporter<'_>) -> Option<Bound> {
    let slo = &written.value;
    let percentiles = [(&slo.p50, 0.5), (&slo.p90, 0.9), (&slo.p95, 0.95), (&slo.p99, 0.99), (&slo.p999, 0.999)];
    let shares: Vec<(f64, Span)> =
        percentiles.iter().filter_map(|(given, share)| given.as_ref().map(|at| (*share, at.value))).collect();
    for limit in percentiles.iter().filter_map(|(given, _)| given.as_ref()) {
        refuse_zero(limit, "nothing is answered within no time", "300ms", report);
    }
    let words = [("max", &slo.max), ("mean", &slo.mean), ("min", &slo.min)];
    let others: Vec<Written> =
        words.into_iter().filter_map(|(word, given)| Some(Written { word, bound: given.as_ref()?.value })).collect();
    let bound = match (shares.as_slice(), others.as_slice()) {
        ([(share, limit)], []) if sli.is_time() => Some(Bound::Percentile { share: *share, limit: limit.0 }),
        ([], [other]) => fitting(sli, other),
        ([_], []) => None,
        ([], []) => {
            let help = "add one, such as `p95: 300ms`, `max: 1%` or `min: 40/s`".to_owned();
            report.add(&slo.sli, "this rule has no bound", Some(help));
            return None;
        }
        _ => {
            let message = format!("this rule has {} bounds, and needs exactly one", shares.len() + others.len());
            report.add(&slo.sli, message, Some("write one rule per bound".to_owned()));
            return None;
        }
    };
    if bound.is_none() {
        report.add(&slo.sli, format!("{sli} cannot have this bound"), Some(format!("it needs {}", wanted(sli))));
    }
    bound
}

/// The bound, if its word and its unit suit the indicator.
fn fitting(sli: &Sli, written: &Written) -> Option<Bound> {
    let value = match (sli, written.bound) {
        (Sli::Latency(_) | Sli::Job(_), WrittenBound::Time(time)) if written.word != "min" => time.as_secs_f64() * 1e3,
        (Sli::Errors(_) | Sli::Checks(_), WrittenBound::Share(share) | WrittenBound::Number(share))
            if written.word == "max" && share <= 1.0 =>
        {
            share
        }
        (Sli::Throughput(_), WrittenBound::Rate(rate)) if written.word == "min" => rate,
        (Sli::LedgerLost | Sli::LedgerDuplicated | Sli::LedgerUnsettled, WrittenBound::Number(number))
            if written.word == "max" =>
        {
            number
        }
        (Sli::Queue(_) | Sli::Replicas(_) | Sli::Promql(_), WrittenBound::Number(number)) => number,
        (sli, WrittenBound::Number(money)) if sli.is_cost() && written.word == "max" => money,
        // A query may well answer a share, such as that of errors.
        (Sli::Promql(_), WrittenBound::Share(share)) => share,
        _ => return None,
    };
    Some(match written.word {
        "mean" => Bound::Mean(value),
        "min" => Bound::Min(value),
        _ => Bound::Max(value),
    })
}

fn wanted(sli: &Sli) -> &'static str {
    match sli {
        Sli::Latency(_) | Sli::Job(_) => "a time: a percentile such as `p95: 300ms`, or `mean: 100ms`, or `max: 2s`",
        Sli::Errors(_) | Sli::Checks(_) => "a share such as `max: 0.1%`",
        Sli::Throughput(_) => "a rate such as `min: 40/s`",
        Sli::LedgerLost | Sli::LedgerDuplicated | Sli::LedgerUnsettled => "a number such as `max: 0`",
        Sli::CostTotal | Sli::CostHourly | Sli::CostPer1000(_) => {
            "a number in the currency of the prices, such as `max: 2.5`"
        }
        Sli::Queue(_) | Sli::Replicas(_) | Sli::Promql(_) => "a number such as `max: 200`, `mean: 50` or `min: 1`",
    }
}
