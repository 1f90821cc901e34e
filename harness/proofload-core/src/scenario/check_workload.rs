//! Checks a workload: its flow exists, its executor has what it needs, and what the flow takes from a trace is there.

use std::time::Duration;

use super::check::{Names, unknown};
use super::check_engine::check_engine;
use super::check_words::check_words;
use super::units::Span;
use super::written_workload::{WrittenExecutor, WrittenWorkload};
use super::{Executor, Flow, TraceUse, Workload, check_arrivals, check_vus};
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
    let executor = check_words(inner, report).and_then(|()| executor(inner, report));
    let max_in_flight = match &inner.max_in_flight {
        Some(at) if at.value == 0 => {
            report.add(at, "max_in_flight 0 would send nothing", Some("leave it out, or write 1 or more".to_owned()));
            None
        }
        given => Some(given.as_ref().map_or(DEFAULT_MAX_IN_FLIGHT, |at| at.value)),
    };
    let (flow, executor) = (flow?, executor?);
    check_trace_uses(inner, &names.flows[flow], &executor, report)?;
    let engine = check_engine(inner, &names.flows[flow], &executor, report)?;
    Some(Workload {
        name: name.to_owned(),
        flow,
        after: inner.after.as_ref().map_or(Duration::ZERO, |at| at.value.0),
        executor,
        max_in_flight: max_in_flight?,
        engine,
    })
}

fn executor(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<Executor> {
    match written.executor.value {
        WrittenExecutor::ConstantArrivalRate
        | WrittenExecutor::RampingArrivalRate
        | WrittenExecutor::PoissonArrivalRate
        | WrittenExecutor::GammaArrivalRate => check_arrivals::staged(written, report),
        WrittenExecutor::StepArrivalRate => check_arrivals::step(written, report),
        WrittenExecutor::SineArrivalRate => check_arrivals::sine(written, report),
        WrittenExecutor::SpikeArrivalRate => check_arrivals::spike(written, report),
        WrittenExecutor::TraceReplay => check_arrivals::replay(written, report),
        WrittenExecutor::ConstantVus => check_vus::constant(written, report),
        WrittenExecutor::RampingVus => check_vus::ramping(written, report),
        WrittenExecutor::SharedIterations => check_vus::iterations(written, report),
    }
}

/// A flow that takes something from a trace needs a workload that replays one, of a format that records it.
fn check_trace_uses(
    written: &WrittenWorkload,
    flow: &Flow,
    executor: &Executor,
    report: &mut Reporter<'_>,
) -> Option<()> {
    for used in &flow.trace_uses {
        let word = match used {
            TraceUse::Field(field) => format!("`{{{{trace {}}}}}`", field.word()),
            TraceUse::Payload(set) => format!("payload set `{set}`, which goes by a trace"),
        };
        let (message, help) = match (executor, used) {
            (Executor::Replay(replay), TraceUse::Field(field)) if !replay.format.records(*field) => (
                format!("flow `{}` uses {word}, and a {} trace does not record it", flow.name, replay.format.word()),
                "leave it out, or replay another trace",
            ),
            (Executor::Replay(_), _) => continue,
            _ => (
                format!("flow `{}` uses {word}, and this workload replays no trace", flow.name),
                "use `executor: trace-replay`, or another flow",
            ),
        };
        report.add(&written.flow, message, Some(help.to_owned()));
        return None;
    }
    Some(())
}

/// Says what a shape still needs.
pub(super) fn incomplete<T>(written: &WrittenWorkload, needed: &str, report: &mut Reporter<'_>) -> Option<T> {
    report.add(&written.executor, "the shape of the load is not complete", Some(format!("give {needed}")));
    None
}

/// Says that a number is out of its range.
pub(super) fn out_of_range<T, U>(at: &At<T>, message: String, report: &mut Reporter<'_>) -> Option<U> {
    report.add(at, message, None);
    None
}

/// The length of a stretch, which must have one.
pub(super) fn positive(written: &At<Span>, report: &mut Reporter<'_>) -> Option<Duration> {
    if written.value.0.is_zero() {
        report.add(written, "a stretch of no length sends nothing", Some("write 1s or more".to_owned()));
        return None;
    }
    Some(written.value.0)
}

/// Says that a limit of no length can be met by nothing.
pub(super) fn refuse_zero(written: &At<Span>, message: &str, example: &str, report: &mut Reporter<'_>) {
    if written.value.0.is_zero() {
        report.add(written, message, Some(format!("write more, such as {example}")));
    }
}

/// A stage's name, or its number from 1; refused where another one has it.
pub(super) fn stage_name<'s, T>(
    (index, given): (usize, Option<&At<String>>),
    stage: &At<T>,
    earlier: impl IntoIterator<Item = &'s str>,
    report: &mut Reporter<'_>,
) -> Option<String> {
    let name = given.map_or_else(|| (index + 1).to_string(), |name| name.value.clone());
    if name == "end" || earlier.into_iter().any(|earlier| earlier == name) {
        let help = "give it another name".to_owned();
        report.add(stage, format!("a stage cannot be called `{name}` here"), Some(help));
        return None;
    }
    Some(name)
}
