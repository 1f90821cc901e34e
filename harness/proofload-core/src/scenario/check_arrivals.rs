//! Checks the shapes of open loads: rates over time, and recordings.

use std::time::Duration;

use super::check_workload::{incomplete, out_of_range, positive, stage_name};
use super::written_workload::{WrittenExecutor, WrittenStage, WrittenWorkload};
use super::{Curve, Executor, Gaps, Replay, Stage};
use crate::source::{At, Reporter};

/// Most steps of a `step-arrival-rate`.
const STEPS_MAX: u32 = 1000;

/// Constant, ramping, Poisson and gamma: one hold, or stages.
pub(super) fn staged(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let ramps = written.executor.value == WrittenExecutor::RampingArrivalRate;
    let start = written.start_rate.as_ref().map_or(0.0, |at| at.value.per_second);
    let gaps = gaps(written, report)?;
    let stages = match (&written.stages, &written.rate, &written.duration) {
        (Some(stages), None, None) if !stages.is_empty() => stages_of(stages, start, ramps, report)?,
        (None, Some(rate), Some(duration)) if !ramps => {
            vec![hold("1", rate.value.per_second, positive(duration, report)?)]
        }
        _ if ramps => return incomplete(written, "`start_rate` and `stages`", report),
        _ => return incomplete(written, "`rate` and `for`, or `stages`", report),
    };
    open(written, (gaps, start), stages, report)
}

/// Holds of equal length from `start_rate` to `rate`.
pub(super) fn step(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let (Some(start), Some(last), Some(steps), Some(length)) =
        (&written.start_rate, &written.rate, &written.steps, &written.duration)
    else {
        return incomplete(written, "`start_rate`, `rate`, `steps` and `for`", report);
    };
    let count = steps.value;
    if !(2..=STEPS_MAX).contains(&count) {
        return out_of_range(steps, format!("{count} steps is out of range; 2 to {STEPS_MAX} can be made"), report);
    }
    let (first, last) = (start.value.per_second, last.value.per_second);
    let length = positive(length, report)?;
    // Each border is a share of the whole, so that the holds are as long as the whole together.
    let border = |number: u32| length * number / count;
    let stages = (0..count)
        .map(|number| {
            let rate = first + (last - first) * f64::from(number) / f64::from(count - 1);
            hold(&(number + 1).to_string(), rate, border(number + 1).saturating_sub(border(number)))
        })
        .collect();
    open(written, (Gaps::Even, first), stages, report)
}

/// A rate that swings around its mean.
pub(super) fn sine(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let (Some(mean), Some(amplitude), Some(period), Some(length)) =
        (&written.rate, &written.amplitude, &written.period, &written.duration)
    else {
        return incomplete(written, "`rate`, `amplitude`, `period` and `for`", report);
    };
    let rate = mean.value.per_second;
    let amplitude_per_second = amplitude.value.per_second;
    if amplitude_per_second > rate {
        let help = "write an amplitude up to the rate".to_owned();
        report.add(amplitude, "an amplitude above the mean rate would make the rate negative", Some(help));
        return None;
    }
    let curve = Curve::Sine { amplitude_per_second, period: positive(period, report)? };
    let stage = Stage { curve, ..hold("1", rate, positive(length, report)?) };
    open(written, (Gaps::Even, rate), vec![stage], report)
}

/// One rate, another for a while, and the first again.
pub(super) fn spike(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let (Some(base), Some(peak), Some(length)) = (&written.rate, &written.spike_rate, &written.duration) else {
        return incomplete(written, "`rate`, `spike_rate`, `spike_after`, `spike_for` and `for`", report);
    };
    let (Some(after), Some(spike_for)) = (&written.spike_after, &written.spike_for) else {
        return incomplete(written, "`rate`, `spike_rate`, `spike_after`, `spike_for` and `for`", report);
    };
    let (before, spike, whole) = (after.value.0, positive(spike_for, report)?, positive(length, report)?);
    let Some(rest) = whole.checked_sub(before + spike) else {
        let help = "write a longer `for`, or a shorter `spike_after` or `spike_for`".to_owned();
        report.add(spike_for, "the spike ends after the workload", Some(help));
        return None;
    };
    let (base, peak) = (base.value.per_second, peak.value.per_second);
    let stages = [("before", base, before), ("spike", peak, spike), ("after", base, rest)];
    let stages = stages.into_iter().filter(|(_, _, length)| !length.is_zero());
    open(written, (Gaps::Even, base), stages.map(|(name, rate, length)| hold(name, rate, length)).collect(), report)
}

/// A recording, at its own times.
pub(super) fn replay(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let Some(trace) = &written.trace else {
        return incomplete(written, "`trace: { file: PATH, format: mooncake }`", report);
    };
    let trace = &trace.value;
    let speed = trace.speed.as_ref().map_or(1.0, |at| at.value);
    if let Some(at) = &trace.speed
        && !(0.1..=10.0).contains(&speed)
    {
        return out_of_range(at, format!("speed {speed} is out of range; 0.1 to 10 can be replayed"), report);
    }
    let length = match &trace.duration {
        Some(length) => Some(positive(length, report)?),
        None => None,
    };
    Some(Executor::Replay(Replay {
        file: trace.file.value.clone(),
        format: trace.format.value,
        speed,
        from: trace.from.as_ref().map_or(Duration::ZERO, |at| at.value.0),
        length,
        share: 1.0,
    }))
}

fn gaps(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Gaps> {
    Some(match (written.executor.value, &written.shape) {
        (WrittenExecutor::GammaArrivalRate, Some(at)) if !(0.01..=1000.0).contains(&at.value) => {
            let message = format!("shape {} is out of range; it lies from 0.01 to 1000", at.value);
            return out_of_range(at, message, report);
        }
        (WrittenExecutor::GammaArrivalRate, shape) => Gaps::Gamma { shape: shape.as_ref().map_or(1.0, |at| at.value) },
        (WrittenExecutor::PoissonArrivalRate, _) => Gaps::Exponential,
        _ => Gaps::Even,
    })
}

fn open(
    written: &WrittenWorkload,
    (gaps, start_per_second): (Gaps, f64),
    stages: Vec<Stage>,
    report: &mut Reporter<'_>,
) -> Option<Executor> {
    if stages.iter().all(|stage| stage.from_per_second == 0.0 && stage.to_per_second == 0.0) {
        report.add(&written.executor, "every rate is 0, so nothing would be sent", None);
        return None;
    }
    Some(Executor::Open { gaps, start_per_second, stages })
}

fn hold(name: &str, per_second: f64, duration: Duration) -> Stage {
    let name = name.to_owned();
    Stage { name, duration, from_per_second: per_second, to_per_second: per_second, curve: Curve::Linear }
}

fn stages_of(written: &[At<WrittenStage>], start: f64, ramps: bool, report: &mut Reporter<'_>) -> Option<Vec<Stage>> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut from = start;
    for (index, stage) in written.iter().enumerate() {
        let inner = &stage.value;
        let earlier = stages.iter().map(|stage| stage.name.as_str());
        let name = stage_name((index, inner.name.as_ref()), stage, earlier, report)?;
        let (Some(rate), None) = (&inner.rate, &inner.vus) else {
            let help = "write `rate: 40/s`, or change the executor to ramping-vus".to_owned();
            report.add(stage, format!("stage `{name}` needs a rate, and no number of users"), Some(help));
            return None;
        };
        let to = rate.value.per_second;
        let duration = positive(&inner.duration, report)?;
        let from_per_second = if ramps { from } else { to };
        stages.push(Stage { name, duration, from_per_second, to_per_second: to, curve: Curve::Linear });
        from = to;
    }
    Some(stages)
}
