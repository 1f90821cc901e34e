//! Checks objectives: what they name exists, the bound fits the indicator, and the words fit each other.

use super::check::{Names, unknown};
use super::check_bound::check_bound;
use super::check_window::check_window;
use super::sli::{SHAPES, Sli};
use super::units::Span;
use super::written::{WrittenClaim, WrittenSlo};
use super::{Bound, Claim, Slo, WarmUp, Window};
use crate::judge::CONFIDENCE;
use crate::source::{At, Reporter, suggest};

const NEEDS: &[&str] = &["prometheus", "kubernetes", "cluster", "prices"];
/// Below the one, a verdict would be a coin's; above the other, no run is long enough.
const CONFIDENCES: std::ops::RangeInclusive<f64> = 0.5..=0.9999;

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
    let (sli, during, bound) = (sli?, during?, bound?);
    check_words(inner, &sli, report);
    let claim = check_claim(inner, &during, bound, names, report)?;
    Some(Slo {
        bound,
        claim,
        confidence: check_confidence(inner, claim, report)?,
        warm_up: check_warm_up(inner, claim, report)?,
        over: inner.over.as_ref().map(|at| at.value.0),
        abort_on_fail: inner.abort_on_fail.as_ref().is_some_and(|at| at.value),
        needs: needs(inner, &sli),
        during,
        sli,
    })
}

/// Words that belong to some indicators only.
fn check_words(slo: &WrittenSlo, sli: &Sli, report: &mut Reporter<'_>) {
    if let Some(over) = &slo.over
        && !sli.is_level()
    {
        let help = "use `during` for a stretch of the run".to_owned();
        report.add(over, "`over` belongs to queue, replicas and promql", Some(help));
    }
    if let (Some(during), Sli::Checks(_)) = (&slo.during, sli) {
        let help = "leave `during` out".to_owned();
        report.add(during, "checks are counted over the whole run, not by stretches of it", Some(help));
    }
    let counted = matches!(sli, Sli::Latency(_) | Sli::Errors(_)) && slo.max.is_none() == sli.is_time();
    if let Some(abort) = &slo.abort_on_fail
        && !counted
    {
        let help = "give it to a percentile of latency or a share of errors".to_owned();
        report.add(abort, "only late and failed requests can end a run early", Some(help));
    }
}

/// What a rule needs without saying so: a query needs somebody to ask.
fn needs(slo: &WrittenSlo, sli: &Sli) -> Vec<String> {
    let mut needs: Vec<String> = slo.needs.iter().map(|need| need.value.clone()).collect();
    let own = match sli {
        Sli::Promql(_) => "prometheus",
        Sli::Replicas(_) => "cluster",
        sli if sli.is_cost() => "prices",
        _ => return needs,
    };
    if !needs.iter().any(|need| need == own) {
        needs.push(own.to_owned());
    }
    needs
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
        Sli::Errors(name) | Sli::CostPer1000(name) => {
            ("request or flow with a job", name, [names.steps(), names.job_flows()].concat())
        }
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

/// Steady claims need a stretch at one rate; without a word, a hold is judged steady and all else as this run.
fn check_claim(
    slo: &WrittenSlo,
    during: &Window,
    bound: Bound,
    names: &Names<'_>,
    report: &mut Reporter<'_>,
) -> Option<Claim> {
    let is_hold = match during {
        Window::Run | Window::Span(..) => false,
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

fn check_confidence(slo: &WrittenSlo, claim: Claim, report: &mut Reporter<'_>) -> Option<f64> {
    let Some(at) = &slo.confidence else { return Some(CONFIDENCE) };
    if claim != Claim::Steady {
        let help = "leave `confidence` out, or claim `steady`".to_owned();
        report.add(at, "this rule judges the run itself, of which everything is known", Some(help));
        return None;
    }
    if !CONFIDENCES.contains(&at.value.0) {
        let message = format!("a confidence of {} % cannot be asked for", at.value.0 * 100.0);
        report.add(at, message, Some("write one from 50% to 99.99%".to_owned()));
        return None;
    }
    Some(at.value.0)
}

fn check_warm_up(slo: &WrittenSlo, claim: Claim, report: &mut Reporter<'_>) -> Option<WarmUp> {
    let Some(at) = &slo.warm_up else { return Some(WarmUp::Given(std::time::Duration::ZERO)) };
    if claim != Claim::Steady {
        let help = "leave `warm_up` out, claim `steady`, or name a later stretch with `during`".to_owned();
        report.add(at, "only a steady claim leaves out how a stretch begins", Some(help));
        return None;
    }
    if at.value.trim() == "auto" {
        return Some(WarmUp::Auto);
    }
    if let Ok(span) = at.value.parse::<Span>() {
        return Some(WarmUp::Given(span.0));
    }
    let help = "write a time such as 10s, or auto".to_owned();
    report.add(at, format!("`{}` is no warm-up", at.value), Some(help));
    None
}
