//! `performance.json`: the summary export of k6, which is what GitLab's load performance widget reads (it shows
//! `http_reqs.rate`, `http_req_waiting` at p(90) and p(95), and the share of `checks` that passed) and what k6's own
//! readers take. Times are milliseconds; every name means what it means in k6.

use hdrhistogram::Histogram as Live;
use serde_json::{Map, Value, json};

use super::{Report, summary};
use crate::evidence::{Histogram, RunRecord, Second, StepEvidence, StepKind, micros_to_ms};

pub(super) fn render(report: &Report, record: &RunRecord) -> Vec<u8> {
    let export = json!({
        "root_group": { "name": "", "path": "", "id": "d41d8cd98f00b204e9800998ecf8427e", "groups": {}, "checks": {} },
        "metrics": metrics(report, record),
    });
    let mut text = serde_json::to_string_pretty(&export).expect("it holds only numbers and texts");
    text.push('\n');
    text.into_bytes()
}

fn metrics(report: &Report, record: &RunRecord) -> Map<String, Value> {
    let requests = || record.steps.iter().filter(|step| step.kind == StepKind::Request);
    let jobs = || record.steps.iter().filter(|step| step.kind == StepKind::Job);
    let count = |pick: fn(&Second) -> u64| requests().flat_map(|step| &step.seconds).map(pick).sum::<u64>();
    let length_s = summary::length_s(record);
    let (answered, broken) = (count(|second| second.answered), count(|second| second.broken));
    let wrong = count(|second| second.errors) + broken;
    let sent = answered + broken;
    let mut metrics = Map::new();
    metrics.insert("iterations".to_owned(), counter(report.load.dispatched, length_s));
    metrics.insert("dropped_iterations".to_owned(), counter(report.load.dropped, length_s));
    metrics.insert("http_reqs".to_owned(), counter(sent, length_s));
    if sent > 0 {
        metrics.insert("http_req_failed".to_owned(), rate(wrong, sent - wrong.min(sent)));
    }
    let (passed, failed) = checks(record).unwrap_or((sent - wrong.min(sent), wrong));
    if passed + failed > 0 {
        metrics.insert("checks".to_owned(), rate(passed, failed));
    }
    let mut trend = |name: &str, values: Live<u64>| {
        if !values.is_empty() {
            metrics.insert(name.to_owned(), trend_of(&values));
        }
    };
    trend("http_req_waiting", merged(requests(), |second| &second.first_byte));
    trend("http_req_receiving", merged(requests(), |second| &second.body));
    trend("http_req_blocked", merged(requests(), |second| &second.queue_wait));
    trend("http_req_duration", merged(requests(), |second| &second.service));
    // What k6 has no name for: the time from the intended start, and jobs to their ends.
    trend("proofload_response_time", merged(requests(), |second| &second.response));
    trend("proofload_job_time", merged(jobs(), |second| &second.response));
    metrics
}

/// Counts of the scenario's own checks; `None` where it has none, and then the expectation of each request stands in.
fn checks(record: &RunRecord) -> Option<(u64, u64)> {
    let all = || record.steps.iter().flat_map(|step| step.checks.values());
    let sums = (all().map(|check| check.passed).sum::<u64>(), all().map(|check| check.failed).sum::<u64>());
    (sums.0 + sums.1 > 0).then_some(sums)
}

fn merged<'r>(steps: impl Iterator<Item = &'r StepEvidence>, pick: fn(&Second) -> &Histogram) -> Live<u64> {
    Histogram::merge(steps.flat_map(|step| &step.seconds).map(pick))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn counter(count: u64, length_s: f64) -> Value {
    let rate = if length_s > 0.0 { count as f64 / length_s } else { 0.0 };
    json!({ "count": count, "rate": rate })
}

/// A share in k6's words; the value is the share that passed.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn rate(passes: u64, fails: u64) -> Value {
    json!({ "passes": passes, "fails": fails, "value": passes as f64 / (passes + fails) as f64 })
}

fn trend_of(values: &Live<u64>) -> Value {
    let at = |quantile: f64| micros_to_ms(values.value_at_quantile(quantile));
    json!({
        "avg": values.mean() / 1e3,
        "min": micros_to_ms(values.min()),
        "med": at(0.5),
        "max": micros_to_ms(values.max()),
        "p(90)": at(0.9),
        "p(95)": at(0.95),
        "p(99)": at(0.99),
    })
}
