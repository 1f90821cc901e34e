//! A run as `OpenTelemetry` metrics: one `ExportMetricsServiceRequest` in the JSON encoding of OTLP, which the Collector
//! and every OTLP/HTTP receiver take and which needs no generated code. Times are seconds, as the conventions ask;
//! histograms are exponential, for they need no buckets chosen beforehand.

mod buckets;
mod points;

use serde_json::{Value, json};

use super::{Report, StepSummary, labels, words};
use crate::evidence::{Histogram, RunRecord, Second, StepEvidence};
use crate::judge::{Figure, Finding};
use points::{Attributes, Span};

/// Most steps and most rules that are told; the rest is in `report.json`.
const ROWS_MAX: usize = 500;

pub(super) fn render(report: &Report, record: &RunRecord) -> Vec<u8> {
    let request = json!({ "resourceMetrics": [{
        "resource": { "attributes": resource(report).into_json() },
        "scopeMetrics": [{
            "scope": { "name": "proofload", "version": words::clip(&report.run.version, 80) },
            "metrics": metrics(report, record),
        }],
    }] });
    let mut text = serde_json::to_string(&request).expect("it holds only numbers and texts");
    text.push('\n');
    text.into_bytes()
}

/// Who ran what, where.
fn resource(report: &Report) -> Attributes {
    let run = &report.run;
    Attributes::default()
        .text("service.name", "proofload")
        .text("service.version", &run.version)
        .text("service.instance.id", &run.id)
        .text("deployment.environment.name", &run.environment)
        .text("proofload.run.id", &run.id)
        .text("proofload.scenario", &run.scenario)
        .text("proofload.environment", &run.environment)
        .text("proofload.environment.hash", &run.environment_hash)
        .integer("proofload.seed", run.seed)
}

fn metrics(report: &Report, record: &RunRecord) -> Vec<Value> {
    let span = Span::of(&report.run);
    let mut metrics = of_run(report, record, span);
    metrics.extend(of_steps(report, record, span));
    metrics.extend(of_rules(report, span));
    metrics.extend(points::of_timeline(record));
    metrics.retain(|metric| !points::is_empty(metric));
    metrics
}

fn of_run(report: &Report, record: &RunRecord, span: Span) -> Vec<Value> {
    let load = &report.load;
    let verdict = Attributes::default().text("verdict", &report.verdict.to_string());
    let arrivals = [("due", load.due), ("sent", load.dispatched), ("dropped", load.dropped)];
    let arrivals = arrivals.map(|(state, count)| span.sum(Attributes::default().text("state", state), count));
    let lag = Histogram::merge([&record.generator.wake_lag]);
    vec![
        points::gauge("proofload.exit_code", "1", vec![span.value(verdict, f64::from(report.exit_code))]),
        points::sum("proofload.arrivals", "{arrival}", &arrivals),
        points::histogram("proofload.wake_lag", "s", vec![span.histogram(Attributes::default(), &lag)]),
    ]
}

fn of_steps(report: &Report, record: &RunRecord, span: Span) -> Vec<Value> {
    let told = report.steps.len().min(ROWS_MAX);
    let names = labels::unique(report.steps[..told].iter().map(|step| labels::of_step(step.kind, &step.name)));
    let steps = || report.steps[..told].iter().zip(&names);
    let of_step = |name: &str| Attributes::default().text("step", name);
    let times = |pick: fn(&Second) -> &Histogram| {
        let one = |(step, name): (&StepEvidence, &String)| {
            span.histogram(of_step(name), &Histogram::merge(step.seconds.iter().map(pick)))
        };
        record.steps.iter().zip(&names).map(one).collect::<Vec<_>>()
    };
    let counts = |(step, name): (&StepSummary, &String)| {
        let right = step.answered.saturating_sub(step.errors);
        [("right", right), ("wrong", step.errors), ("unanswered", step.broken), ("dropped", step.dropped)]
            .map(|(result, count)| span.sum(of_step(name).text("result", result), count))
    };
    let quantiles = |(step, name): (&StepSummary, &String)| {
        let all = [("p50", step.response_ms.p50), ("p95", step.response_ms.p95), ("p99", step.response_ms.p99)];
        all.map(|(at, ms)| span.value(of_step(name).text("percentile", at), ms / 1e3))
    };
    let answered = || steps().filter(|(step, _)| step.answered > 0);
    vec![
        points::histogram("proofload.response.time", "s", times(|second| &second.response)),
        points::histogram("proofload.service.time", "s", times(|second| &second.service)),
        points::sum("proofload.responses", "{response}", &steps().flat_map(counts).collect::<Vec<_>>()),
        points::gauge("proofload.response.time.percentile", "s", answered().flat_map(quantiles).collect()),
    ]
}

fn of_rules(report: &Report, span: Span) -> Vec<Value> {
    let rules = &report.findings[..report.findings.len().min(ROWS_MAX)];
    let names = labels::unique(rules.iter().map(|rule| labels::plain(&rule.id)));
    let figures = |pick: fn(&Figure) -> Option<f64>| {
        let one = |(rule, name): (&Finding, &String)| {
            let figure = rule.figure.as_ref()?;
            let told = Attributes::default().text("rule", name).text("unit", &figure.unit);
            Some(span.value(told.text("outcome", &rule.outcome.to_string()), pick(figure)?))
        };
        rules.iter().zip(&names).filter_map(one).collect::<Vec<_>>()
    };
    vec![
        points::gauge("proofload.rule.value", "1", figures(|figure| figure.value)),
        points::gauge("proofload.rule.limit", "1", figures(|figure| Some(figure.limit))),
    ]
}
