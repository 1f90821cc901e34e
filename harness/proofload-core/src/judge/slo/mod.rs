//! Service level objectives. One file per kind of rule; each is evidence → finding.

mod cost;
mod level;
mod naming;
mod percentile;
mod share;
mod steady;
mod throughput;
mod times;
mod uncovered;

use super::Abilities;
use super::finding::{Finding, Group, Outcome};
use super::statistics::Block;
use crate::evidence::{RunRecord, Second, StepEvidence, StepKind};
use crate::plan::window_ns;
use crate::scenario::units::Span;
use crate::scenario::{Bound, Flow, Follow, Scenario, Sli, Slo, WarmUp, Window};

pub(crate) use cost::PER_1000;
pub(super) use level::{COVERED_MIN, Held, replicas_held};
pub(super) use naming::title;
pub use percentile::samples_least;
pub(super) use share::share_at_most;
pub(super) use uncovered::uncovered_errors;

/// Two-sided normal quantile at [`super::CONFIDENCE`].
const Z: f64 = 2.5758;

/// The seconds of a step that a rule looks at.
struct Stretch<'r> {
    step: &'r StepEvidence,
    seconds: Vec<&'r Second>,
    from_ns: u64,
    to_ns: u64,
}

pub(super) fn judge_slo(slo: &Slo, scenario: &Scenario, record: &RunRecord, abilities: Abilities) -> Finding {
    let (title, id) = (naming::title(slo, scenario), naming::id(slo, scenario));
    if let Some(lacking) = slo.needs.iter().find(|need| !abilities.has(need)) {
        let message = format!("this environment has no {lacking}");
        return Finding::plain(Group::Slo, &id, title, Outcome::NotJudged, message);
    }
    if matches!(slo.sli, Sli::LedgerLost | Sli::LedgerDuplicated | Sli::LedgerUnsettled)
        && let Bound::Max(max) = slo.bound
    {
        return super::ledger::judge_count(&slo.sli, max, record);
    }
    let confidence = record.run.confidence.unwrap_or(slo.confidence);
    let finding = of_kind(&Slo { confidence, ..slo.clone() }, record);
    let message = finding.message.clone() + &polled(slo, scenario);
    Finding { id, title, message, ..finding }
}

fn of_kind(slo: &Slo, record: &RunRecord) -> Finding {
    let request = |name: &str| Stretch::of(record.step(StepKind::Request, name), slo, record);
    match (&slo.sli, slo.bound) {
        (Sli::Latency(step), Bound::Percentile { share, limit }) => {
            percentile::judge(request(step).as_ref(), share, limit, slo)
        }
        (Sli::Latency(step), bound) => times::judge(request(step).as_ref(), bound),
        (Sli::Job(flow), bound) => {
            let jobs = Stretch::of(record.step(StepKind::Job, flow), slo, record);
            match bound {
                Bound::Percentile { share, limit } => percentile::judge(jobs.as_ref(), share, limit, slo),
                _ => times::judge(jobs.as_ref(), bound),
            }
        }
        (Sli::Errors(name), Bound::Max(max)) => {
            let step = record.step(StepKind::Request, name).or_else(|| record.step(StepKind::Job, name));
            share::errors(Stretch::of(step, slo, record).as_ref(), max)
        }
        (Sli::Checks(step), Bound::Max(max)) => super::checks::judge(record.step(StepKind::Request, step), max),
        (Sli::Throughput(step), Bound::Min(min)) => {
            let step = record.step(StepKind::Request, step);
            throughput::judge(
                step.map(|step| Stretch::between(step, window_ns(&record.plan, &slo.during))).as_ref(),
                min,
            )
        }
        (Sli::Queue(_) | Sli::Replicas(_) | Sli::Promql(_), _) => {
            level::judge(slo, judged_ns(record, &slo.during), record)
        }
        (Sli::CostTotal | Sli::CostHourly | Sli::CostPer1000(_), Bound::Max(max)) => cost::judge(slo, max, record),
        _ => no_samples("no instrument of this environment measures it"),
    }
}

impl<'r> Stretch<'r> {
    fn of(step: Option<&'r StepEvidence>, slo: &Slo, record: &RunRecord) -> Option<Self> {
        let (from_ns, to_ns) = judged_ns(record, &slo.during);
        let WarmUp::Given(warm_up) = slo.warm_up else { return Some(Self::between(step?, (from_ns, to_ns))) };
        let warm_up_ns = u64::try_from(warm_up.as_nanos()).unwrap_or(u64::MAX);
        Some(Self::between(step?, (from_ns.saturating_add(warm_up_ns).min(to_ns), to_ns)))
    }

    fn between(step: &'r StepEvidence, (from_ns, to_ns): (u64, u64)) -> Self {
        Self { step, seconds: step.within((from_ns, to_ns)).collect(), from_ns, to_ns }
    }

    fn sum(&self, pick: fn(&Second) -> u64) -> u64 {
        self.seconds.iter().map(|second| pick(second)).sum()
    }

    /// The seconds in the sums that dependence shows in; lateness by the limit of this index.
    fn blocks(&self, limit: Option<usize>) -> Vec<Block> {
        self.seconds.iter().map(|second| Block::of(second, limit)).collect()
    }
}

/// A polled job's time is known only as well as it is polled.
fn polled(slo: &Slo, scenario: &Scenario) -> String {
    let Sli::Job(flow) = &slo.sli else { return String::new() };
    let jobs = scenario.flows.iter().filter(|candidate| candidate.name == *flow).flat_map(Flow::jobs);
    let every = jobs.filter_map(|job| match job.follow {
        Follow::Poll { every } => Some(every),
        Follow::Webhook { .. } | Follow::Websocket { .. } => None,
    });
    match every.max() {
        Some(every) => format!("; ends are seen by polling every {} or as Retry-After asks", Span(every)),
        None => String::new(),
    }
}

/// The stretch a rule looks at. A rule on the whole run takes every second in which anything was due, those after the
/// last planned arrival too: later steps of a flow begin there.
fn judged_ns(record: &RunRecord, window: &Window) -> (u64, u64) {
    match window {
        Window::Run => {
            let last = record.steps.iter().flat_map(|step| &step.seconds).map(|second| u64::from(second.at) + 1).max();
            let (from, to) = window_ns(&record.plan, window);
            (from, to.max(last.unwrap_or(0) * 1_000_000_000))
        }
        _ => window_ns(&record.plan, window),
    }
}

/// What is said of a rule before anything was measured, and the base of every other finding.
pub(super) fn no_samples(message: &str) -> Finding {
    Finding::plain(Group::Slo, "", String::new(), Outcome::Inconclusive, message.to_owned())
}
