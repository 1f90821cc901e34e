//! Checks scaling clauses: the workload is one that scales, and something is asked of it.

use super::check::Names;
use super::check_window::check_window;
use super::check_workload::refuse_zero;
use super::written::{WrittenReach, WrittenScaling};
use super::{Moment, Reach, ScalingClause, Window};
use crate::source::{At, Reporter};

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
