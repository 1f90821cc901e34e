//! Checks a workload: each executor takes its own words and no others.

use std::time::Duration;

use super::check::{Names, unknown};
use super::written::{WrittenExecutor, WrittenStage, WrittenWorkload};
use super::{Executor, Gaps, Stage, Workload};
use crate::source::{At, Reporter};

const DEFAULT_MAX_IN_FLIGHT: u32 = 1000;

pub(super) fn check_workload(
    name: &str,
    written: &At<WrittenWorkload>,
    names: &Names<'_>,
    report: &mut Reporter<'_>,
) -> Option<Workload> {
    let inner = &written.value;
    let flow = names.flows.iter().position(|flow| flow.name == inner.flow.value);
    if flow.is_none() {
        unknown(&inner.flow, "flow", names.flows.iter().map(|flow| flow.name.as_str()), report);
    }
    let executor = match inner.executor.value {
        WrittenExecutor::ConstantVus => vus(inner, report),
        _ => open(inner, report),
    };
    let max_in_flight = match &inner.max_in_flight {
        Some(at) if at.value == 0 => {
            report.add(at, "max_in_flight 0 would send nothing", Some("leave it out, or write 1 or more".to_owned()));
            None
        }
        given => Some(given.as_ref().map_or(DEFAULT_MAX_IN_FLIGHT, |at| at.value)),
    };
    Some(Workload {
        name: name.to_owned(),
        flow: flow?,
        after: inner.after.as_ref().map_or(Duration::ZERO, |at| at.value.0),
        executor: executor?,
        max_in_flight: max_in_flight?,
    })
}

fn open(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    let kind = written.executor.value;
    refuse(written.vus.as_ref(), "vus", "constant-vus", report)?;
    refuse(written.think_time.as_ref(), "think_time", "constant-vus", report)?;
    let ramps = kind == WrittenExecutor::RampingArrivalRate;
    if !ramps {
        refuse(written.start_rate.as_ref(), "start_rate", "ramping-arrival-rate", report)?;
    }
    let start = written.start_rate.as_ref().map_or(0.0, |at| at.value.per_second);
    let gaps = if kind == WrittenExecutor::PoissonArrivalRate { Gaps::Exponential } else { Gaps::Even };
    let stages = match (&written.stages, &written.rate, &written.duration) {
        (Some(stages), None, None) if !stages.is_empty() => staged(stages, start, ramps, report)?,
        (None, Some(rate), Some(duration)) if !ramps => vec![hold(rate.value.per_second, duration, report)?],
        _ => {
            let help = if ramps { "give `start_rate` and `stages`" } else { "give `rate` and `for`, or `stages`" };
            report.add(&written.executor, "the shape of the load is not complete", Some(help.to_owned()));
            return None;
        }
    };
    if stages.iter().all(|stage| stage.from_per_second == 0.0 && stage.to_per_second == 0.0) {
        report.add(&written.executor, "every rate is 0, so nothing would be sent", None);
        return None;
    }
    Some(Executor::Open { gaps, start_per_second: start, stages })
}

fn hold(per_second: f64, duration: &At<super::units::Span>, report: &mut Reporter<'_>) -> Option<Stage> {
    let duration = positive(duration, report)?;
    Some(Stage { name: "1".to_owned(), duration, from_per_second: per_second, to_per_second: per_second })
}

fn staged(written: &[At<WrittenStage>], start: f64, ramps: bool, report: &mut Reporter<'_>) -> Option<Vec<Stage>> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut from = start;
    for (index, stage) in written.iter().enumerate() {
        let to = stage.value.rate.value.per_second;
        let name = match &stage.value.name {
            Some(name) => name.value.clone(),
            None => (index + 1).to_string(),
        };
        if name == "end" || stages.iter().any(|earlier| earlier.name == name) {
            report.add(
                stage,
                format!("a stage cannot be called `{name}` here"),
                Some("give it another name".to_owned()),
            );
            return None;
        }
        let duration = positive(&stage.value.duration, report)?;
        stages.push(Stage { name, duration, from_per_second: if ramps { from } else { to }, to_per_second: to });
        from = to;
    }
    Some(stages)
}

fn vus(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    refuse(written.rate.as_ref(), "rate", "an arrival-rate executor", report)?;
    refuse(written.start_rate.as_ref(), "start_rate", "ramping-arrival-rate", report)?;
    refuse(written.stages.as_ref().and_then(|stages| stages.first()), "stages", "an arrival-rate executor", report)?;
    let (Some(vus), Some(duration)) = (&written.vus, &written.duration) else {
        let help = "give `vus` and `for`".to_owned();
        report.add(&written.executor, "the shape of the load is not complete", Some(help));
        return None;
    };
    if vus.value == 0 || vus.value > 1_000_000 {
        report.add(vus, format!("{} virtual users is out of range; 1 to 1000000 can run", vus.value), None);
        return None;
    }
    let think = written.think_time.as_ref().map(|at| (at.value.from.0, at.value.to.0)).unwrap_or_default();
    Some(Executor::Vus { vus: vus.value, duration: positive(duration, report)?, think })
}

fn positive(written: &At<super::units::Span>, report: &mut Reporter<'_>) -> Option<Duration> {
    if written.value.0.is_zero() {
        report.add(written, "a stretch of no length sends nothing", Some("write 1s or more".to_owned()));
        return None;
    }
    Some(written.value.0)
}

fn refuse<T>(given: Option<&At<T>>, word: &str, owner: &str, report: &mut Reporter<'_>) -> Option<()> {
    let Some(at) = given else { return Some(()) };
    report.add(at, format!("`{word}` belongs to {owner}"), Some("leave it out, or change the executor".to_owned()));
    None
}
