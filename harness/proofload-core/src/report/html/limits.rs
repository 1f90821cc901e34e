//! The limits that rules set on a step's times, with the stretch of the run in which they hold.

use crate::evidence::{RunRecord, StepEvidence, StepKind};
use crate::judge::{Finding, Group, Outcome};

/// A limit to be drawn.
pub(super) struct LimitLine {
    /// `p95 ≤ 300 ms`.
    pub(super) label: String,
    /// 0.95 for p95.
    pub(super) share: f64,
    pub(super) limit_ms: f64,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    /// `uploads.peak`.
    pub(super) window: String,
    pub(super) failed: bool,
}

/// The limits of one step, from the stable ids of the findings: `slo.latency(upload).p95.uploads.peak`.
pub(super) fn of(step: &StepEvidence, findings: &[Finding], record: &RunRecord) -> Vec<LimitLine> {
    let word = if step.kind == StepKind::Job { "job" } else { "latency" };
    let prefix = format!("slo.{word}({}).p", step.name);
    let windows = windows(record);
    let slos = findings.iter().filter(|finding| finding.group == Group::Slo);
    slos.filter_map(|finding| {
        let figure = finding.figure.as_ref().filter(|figure| figure.unit == "ms")?;
        let rest = finding.id.strip_prefix(&prefix)?;
        let (percent, window) = windows.iter().find_map(|window| {
            let number = rest.strip_suffix(&window.0)?.strip_suffix('.')?;
            Some((number.parse::<f64>().ok()?, window))
        })?;
        Some(LimitLine {
            label: format!("p{percent} ≤ {}", super::words::value(figure.limit, "ms")),
            share: percent / 100.0,
            limit_ms: figure.limit,
            from_s: window.1,
            to_s: window.2,
            window: window.0.clone(),
            failed: finding.outcome == Outcome::Fail,
        })
    })
    .collect()
}

/// Every window a rule may name, with its first and last second.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
fn windows(record: &RunRecord) -> Vec<(String, f64, f64)> {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let end = record.plan.iter().map(|workload| workload.ends_ns).max().unwrap_or(0);
    let mut windows = vec![("run".to_owned(), 0.0, seconds(end))];
    for workload in &record.plan {
        windows.push((workload.name.clone(), seconds(workload.starts_ns), seconds(workload.ends_ns)));
        for stage in &workload.stages {
            let name = format!("{}.{}", workload.name, stage.name);
            windows.push((name, seconds(stage.starts_ns), seconds(stage.ends_ns)));
        }
    }
    windows
}
