//! Did a hold ever become steady, and could the system keep up with it? Both are findings of their own: a percentile of
//! a system that grows slower all the time describes no system.

use super::finding::{Finding, Group, Outcome};
use super::statistics::{mser_cut, student};
use crate::evidence::{RunRecord, Second, StepKind};
use crate::plan::window_ns;
use crate::scenario::{Claim, Scenario, Sli, Slo};

/// Shortest hold of which anything is said, in seconds.
const SECONDS_MIN: usize = 30;
/// Stretches that a hold is cut into, so that neighbours hardly depend on each other.
const STRETCHES: usize = 10;
/// So improbable must a slope be in a hold that is level.
const DOUBT: f64 = 0.005;

/// A finding for every hold that a steady rule is about and that never became steady.
pub(super) fn judge(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for slo in scenario.slos.iter().filter(|slo| slo.claim == Claim::Steady) {
        // Several rules on one hold say the same of it.
        if let Some(finding) = of_hold(slo, scenario, record)
            && !findings.iter().any(|known| known.id == finding.id)
        {
            findings.push(finding);
        }
    }
    findings
}

fn of_hold(slo: &Slo, scenario: &Scenario, record: &RunRecord) -> Option<Finding> {
    let Sli::Latency(name) = &slo.sli else { return None };
    let window = window_ns(&record.plan, &slo.during);
    let seconds: Vec<&Second> = record.step(StepKind::Request, name)?.within(window).collect();
    let means = mean_latencies(&seconds);
    let rises = slope_is_plain(&means, Direction::Up);
    let changes = mser_cut(&means).at_limit && (rises || slope_is_plain(&means, Direction::Down));
    let in_flight = level(record, "in flight", window);
    let hold = scenario.window_name(&slo.during);
    let (key, title, message) = if rises && slope_is_plain(&in_flight, Direction::Up) {
        let message =
            "latency of `NAME` and requests in flight rose all the time: the load is more than the system takes";
        ("saturated", format!("{hold} is saturated"), message)
    } else if changes {
        let message = "latency of `NAME` still changed in the second half, so what was measured is no steady state; hold longer, or leave the start out with `warm_up`";
        ("unsteady", format!("{hold} never became steady"), message)
    } else {
        return None;
    };
    let message = message.replace("NAME", name);
    Some(Finding::plain(Group::Slo, &format!("{key}.{name}.{hold}"), title, Outcome::Warning, message))
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Up,
    Down,
}

/// Mean latency of each second with an answer, µs.
#[expect(clippy::cast_precision_loss, reason = "sums of a second are far below 2^53")]
fn mean_latencies(seconds: &[&Second]) -> Vec<f64> {
    let answered = seconds.iter().filter(|second| second.answered > 0);
    answered.map(|second| second.response_sum_us as f64 / second.answered as f64).collect()
}

/// The readings of a series within a window.
fn level(record: &RunRecord, series: &str, (from_ns, to_ns): (u64, u64)) -> Vec<f64> {
    let window_ms = from_ns / 1_000_000..to_ns / 1_000_000;
    let points = record.timeline.series.get(series).into_iter().flatten();
    points.filter(|(at_ms, _)| window_ms.contains(at_ms)).map(|(_, value)| *value).collect()
}

/// Whether the least-squares slope over the means of [`STRETCHES`] differs from 0 by Student's t; of seconds
/// themselves, dependence would make a slope of every queue.
#[expect(clippy::cast_precision_loss, reason = "few stretches")]
fn slope_is_plain(values: &[f64], direction: Direction) -> bool {
    if values.len() < SECONDS_MIN {
        return false;
    }
    let size = values.len() / STRETCHES;
    let means: Vec<f64> =
        values.chunks_exact(size).take(STRETCHES).map(|it| it.iter().sum::<f64>() / size as f64).collect();
    let n = means.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = means.iter().sum::<f64>() / n;
    let along = |index: usize| index as f64 - middle;
    let spread: f64 = (0..means.len()).map(|index| along(index) * along(index)).sum();
    let slope = means.iter().enumerate().map(|(index, value)| along(index) * (value - mean)).sum::<f64>() / spread;
    let rest: f64 = means.iter().enumerate().map(|(index, value)| (value - mean - slope * along(index)).powi(2)).sum();
    let error = (rest / (n - 2.0) / spread).sqrt();
    let slope = if direction == Direction::Up { slope } else { -slope };
    slope > 0.0 && (error <= 0.0 || student::above(slope / error, n - 2.0) <= DOUBT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_slope_is_one() {
        let check = |values: Vec<f64>, up: bool, down: bool| {
            let got = (slope_is_plain(&values, Direction::Up), slope_is_plain(&values, Direction::Down));
            assert_eq!(got, (up, down), "{values:?}");
        };
        let wobble = |second: u32| f64::from(second * 7919 % 13);
        check((0..60).map(wobble).collect(), false, false);
        check((0..60).map(|second| f64::from(second) + wobble(second)).collect(), true, false);
        check((0..60).map(|second| 90.0 - f64::from(second) + wobble(second)).collect(), false, true);
        check((0..29).map(f64::from).collect(), false, false);
        check(vec![5.0; 60], false, false);
    }
}
