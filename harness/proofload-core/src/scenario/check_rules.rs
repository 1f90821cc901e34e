//! Checks objectives and scaling clauses: what they name exists, and the bound fits the indicator.

use super::check::{Names, unknown};
use super::check_workload::refuse_zero;
use super::sli::{SHAPES, Sli};
use super::written::{WrittenClaim, WrittenReach, WrittenScaling, WrittenSlo};
use super::{Bound, Claim, Moment, Reach, ScalingClause, Slo, Window};
use crate::source::{At, Reporter, suggest};

const NEEDS: &[&str] = &["prometheus", "kubernetes", "cluster"];

pub(super) fn check_slo(written: &At<WrittenSlo>, names: &Names<'_>, report: &mut Reporter<'_>) -> Option<Slo> {
    let inner = &written.value;
    let sli = check_sli(&inner.sli, names, report);
    let during = match &inner.during {
        Some(text) => check_window(text, names, report),
        None => Some(Window::Run),
    };
    let bound = sli.as_ref().and_then(|sli| check_bound(sli, written, report));
    for need in &inner.needs {
        if !NEEDS.contains(&need.value.as_str()) {
            unknown(need, "part of an environment called", NEEDS.iter().copied(), report);
        }
    }
    if let (Some(over), Some(sli)) = (&inner.over, &sli)
        && !matches!(sli, Sli::Promql(_))
    {
        report.add(over, "`over` belongs to promql", Some("use `during` for a stretch of the run".to_owned()));
    }
    if let (Some(during), Some(Sli::Checks(_))) = (&inner.during, &sli) {
        let help = "leave `during` out".to_owned();
        report.add(during, "checks are counted over the whole run, not by stretches of it", Some(help));
    }
    let (sli, during, bound) = (sli?, during?, bound?);
    let claim = check_claim(inner, &during, bound, names, report)?;
    Some(Slo { sli, bound, during, claim, needs: inner.needs.iter().map(|need| need.value.clone()).collect() })
}

pub(super) fn check_scaling(
    written: &At<WrittenScaling>,
    names: &Names<'_>,
    report: &mut Reporter<'_>,
) -> Option<ScalingClause> {
    let inner = &written.value;
    let kind = inner.target.value.split_once('/').map(|(kind, _)| kind);
    if !matches!(kind, Some("Deployment" | "StatefulSet")) {
        let help = "write Deployment/NAME or StatefulSet/NAME".to_owned();
        report.add(&inner.target, format!("`{}` is not a workload that scales", inner.target.value), Some(help));
        return None;
    }
    if inner.reaches.is_none() && inner.returns.is_none() && inner.flaps.is_none() {
        let help = "add `reaches`, `returns` or `flaps`".to_owned();
        report.add(&inner.target, "this clause asks for nothing", Some(help));
        return None;
    }
    Some(ScalingClause {
        target: inner.target.value.clone(),
        reaches: check_reach(inner.reaches.as_ref(), names, report)?,
        returns: check_reach(inner.returns.as_ref(), names, report)?,
        flaps: inner.flaps.as_ref().map(|at| at.value),
    })
}

fn check_sli(written: &At<String>, names: &Names<'_>, report: &mut Reporter<'_>) -> Option<Sli> {
    let sli = match Sli::parse(&written.value) {
        Ok(sli) => sli,
        Err(message) => {
            report.add(written, message, suggest(&written.value, SHAPES.iter().copied()));
            return None;
        }
    };
    let (what, name, known) = match &sli {
        Sli::Errors(name) => ("request or flow with a job", name, [names.steps(), names.job_flows()].concat()),
        Sli::Latency(name) | Sli::Throughput(name) => ("request", name, names.steps()),
        Sli::Checks(name) => ("request with checks", name, names.checked_steps()),
        Sli::Job(name) => ("flow with a job", name, names.job_flows()),
        _ => return Some(sli),
    };
    if known.contains(&name.as_str()) {
        return Some(sli);
    }
    let place = At { value: name.clone(), line: written.line, column: written.column };
    unknown(&place, what, known, report);
    None
}

fn check_bound(sli: &Sli, written: &At<WrittenSlo>, report: &mut Reporter<'_>) -> Option<Bound> {
    let slo = &written.value;
    let percentiles = [(&slo.p50, 0.5), (&slo.p90, 0.9), (&slo.p95, 0.95), (&slo.p99, 0.99), (&slo.p999, 0.999)];
    let mut bounds: Vec<Bound> = percentiles
        .iter()
        .filter_map(|(given, share)| given.as_ref().map(|at| Bound::Percentile { share: *share, limit: at.value.0 }))
        .collect();
    bounds.extend(slo.max.as_ref().map(|at| Bound::Max(at.value.0)));
    bounds.extend(slo.min.as_ref().map(|at| Bound::MinPerSecond(at.value.per_second)));
    for limit in percentiles.iter().filter_map(|(given, _)| given.as_ref()) {
        refuse_zero(limit, "nothing is answered within no time", "300ms", report);
    }
    let [bound] = bounds.as_slice() else {
        let (message, help) = match bounds.len() {
            0 => ("this rule has no bound".to_owned(), "add one, such as `p95: 300ms`, `max: 1%` or `min: 40/s`"),
            more => (format!("this rule has {more} bounds, and needs exactly one"), "write one rule per bound"),
        };
        report.add(&slo.sli, message, Some(help.to_owned()));
        return None;
    };
    let (fits, wanted) = match sli {
        Sli::Latency(_) | Sli::Job(_) => {
            (matches!(bound, Bound::Percentile { .. }), "a percentile such as `p95: 300ms`")
        }
        Sli::Errors(_) | Sli::Checks(_) => {
            (matches!(bound, Bound::Max(share) if *share <= 1.0), "a share such as `max: 0.1%`")
        }
        Sli::Throughput(_) => (matches!(bound, Bound::MinPerSecond(_)), "a rate such as `min: 40/s`"),
        Sli::LedgerLost | Sli::LedgerDuplicated | Sli::LedgerUnsettled | Sli::Promql(_) => {
            (matches!(bound, Bound::Max(_)), "a number such as `max: 0`")
        }
    };
    if fits {
        return Some(*bound);
    }
    report.add(&slo.sli, format!("{sli} cannot have this bound"), Some(format!("it needs {wanted}")));
    None
}

/// Steady claims need a stretch at one rate; without a word, a hold is judged steady and all else as this run.
fn check_claim(
    slo: &WrittenSlo,
    during: &Window,
    bound: Bound,
    names: &Names<'_>,
    report: &mut Reporter<'_>,
) -> Option<Claim> {
    let is_hold = match during {
        Window::Run => false,
        Window::Workload(workload) => {
            matches!(names.workloads[*workload].stretches().as_slice(), [only] if only.is_hold)
        }
        Window::Stage(workload, stage) => names.workloads[*workload].stretches()[*stage].is_hold,
    };
    let can_be_steady = is_hold && matches!(bound, Bound::Percentile { .. }) && !slo.sli.value.starts_with("job");
    match &slo.claim {
        Some(at) if at.value == WrittenClaim::Steady && !can_be_steady => {
            let help = "name a hold with `during: workload.stage`, or write `claim: run`".to_owned();
            report.add(at, "a steady claim needs a percentile of requests in a stretch at one rate", Some(help));
            None
        }
        Some(at) => Some(if at.value == WrittenClaim::Steady { Claim::Steady } else { Claim::Run }),
        None => Some(if can_be_steady { Claim::Steady } else { Claim::Run }),
    }
}

fn check_window(written: &At<String>, names: &Names<'_>, report: &mut Reporter<'_>) -> Option<Window> {
    let (workload, stage) = match written.value.split_once('.') {
        Some((workload, stage)) => (workload, Some(stage)),
        None => (written.value.as_str(), None),
    };
    let place = |word: &str| At { value: word.to_owned(), line: written.line, column: written.column };
    let Some(index) = names.workloads.iter().position(|candidate| candidate.name == workload) else {
        unknown(&place(workload), "workload", names.workloads.iter().map(|workload| workload.name.as_str()), report);
        return None;
    };
    let Some(stage) = stage else { return Some(Window::Workload(index)) };
    let stages = names.workloads[index].stretches();
    if let Some(found) = stages.iter().position(|candidate| candidate.name == stage) {
        return Some(Window::Stage(index, found));
    }
    let what = format!("stage of `{workload}` called");
    unknown(&place(stage), &what, stages.iter().map(|stage| stage.name), report);
    None
}

#[expect(clippy::option_option, reason = "outer: could it be checked; inner: was it given")]
fn check_reach(
    written: Option<&At<WrittenReach>>,
    names: &Names<'_>,
    report: &mut Reporter<'_>,
) -> Option<Option<Reach>> {
    let Some(written) = written else { return Some(None) };
    let inner = &written.value;
    refuse_zero(&inner.within, "no autoscaler gets there within no time", "5m", report);
    let after = match inner.after.value.strip_suffix(".end") {
        Some(workload) => {
            let place = At { value: workload.to_owned(), line: inner.after.line, column: inner.after.column };
            match check_window(&place, names, report)? {
                Window::Workload(index) => Moment::End(index),
                other => Moment::Start(other),
            }
        }
        None => Moment::Start(check_window(&inner.after, names, report)?),
    };
    Some(Some(Reach { replicas: inner.replicas.value, within: inner.within.value.0, after }))
}
