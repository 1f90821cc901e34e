//! Metrics and their points as OTLP writes them in JSON: 64-bit integers are texts there.

use hdrhistogram::Histogram as Live;
use serde_json::{Value, json};

use super::buckets::buckets;
use crate::evidence::{RunInfo, RunRecord, micros_to_ms};
use crate::report::{labels, words};

/// Longest attribute, in characters.
const TEXT_MAX: usize = 200;
/// Most series of the time axis, and most points of each; above, the last of each stretch is told.
const SERIES_MAX: usize = 100;
const POINTS_MAX: usize = 300;
/// Sums and histograms count from the start of the run.
const CUMULATIVE: u8 = 2;

/// Key and value pairs.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(Vec<Value>);

impl Attributes {
    pub(super) fn text(mut self, key: &str, value: &str) -> Self {
        self.0.push(json!({ "key": key, "value": { "stringValue": words::clip(value, TEXT_MAX) } }));
        self
    }

    pub(super) fn integer(mut self, key: &str, value: u64) -> Self {
        // Attributes are signed; what does not fit is told as a text.
        match i64::try_from(value) {
            Ok(value) => self.0.push(json!({ "key": key, "value": { "intValue": value.to_string() } })),
            Err(_) => return self.text(key, &value.to_string()),
        }
        self
    }

    pub(super) fn into_json(self) -> Value {
        Value::Array(self.0)
    }
}

/// From the start of the run to its end, nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    from_ns: u64,
    to_ns: u64,
}

impl Span {
    pub(super) fn of(run: &RunInfo) -> Self {
        let ns = |ms: u64| ms.saturating_mul(1_000_000);
        Self { from_ns: ns(run.started_unix_ms), to_ns: ns(run.started_unix_ms.saturating_add(run.lasted_ms)) }
    }

    /// One value of the whole run.
    pub(super) fn value(self, attributes: Attributes, value: f64) -> Value {
        let mut point = self.point(attributes);
        point["asDouble"] = finite(value);
        point
    }

    /// A count over the whole run.
    pub(super) fn sum(self, attributes: Attributes, count: u64) -> Value {
        let mut point = self.point(attributes);
        point["asInt"] = i64::try_from(count).unwrap_or(i64::MAX).to_string().into();
        point
    }

    /// All times of the run.
    pub(super) fn histogram(self, attributes: Attributes, times: &Live<u64>) -> Value {
        let folded = buckets(times);
        let mut point = self.point(attributes);
        point["count"] = times.len().to_string().into();
        if times.is_empty() {
            return point;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
        let sum_us = times.mean() * times.len() as f64;
        point["sum"] = finite(sum_us / 1e6);
        point["min"] = finite(micros_to_ms(times.min()) / 1e3);
        point["max"] = finite(micros_to_ms(times.max()) / 1e3);
        point["scale"] = folded.scale.into();
        point["zeroCount"] = folded.zeros.to_string().into();
        let counts: Vec<String> = folded.counts.iter().map(u64::to_string).collect();
        point["positive"] = json!({ "offset": folded.offset, "bucketCounts": counts });
        point
    }

    fn point(self, attributes: Attributes) -> Value {
        json!({
            "attributes": attributes.into_json(),
            "startTimeUnixNano": self.from_ns.to_string(),
            "timeUnixNano": self.to_ns.to_string(),
        })
    }
}

pub(super) fn gauge(name: &str, unit: &str, points: Vec<Value>) -> Value {
    let points: Vec<Value> = points.into_iter().filter(|point| !point["asDouble"].is_null()).collect();
    json!({ "name": name, "unit": unit, "gauge": { "dataPoints": points } })
}

pub(super) fn sum(name: &str, unit: &str, points: &[Value]) -> Value {
    let sum = json!({ "aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": points });
    json!({ "name": name, "unit": unit, "sum": sum })
}

pub(super) fn histogram(name: &str, unit: &str, points: Vec<Value>) -> Value {
    let points: Vec<Value> = points.into_iter().filter(|point| point["count"] != "0").collect();
    let histogram = json!({ "aggregationTemporality": CUMULATIVE, "dataPoints": points });
    json!({ "name": name, "unit": unit, "exponentialHistogram": histogram })
}

/// Whether a metric has no point at all; some receivers refuse those.
pub(super) fn is_empty(metric: &Value) -> bool {
    let of = |kind: &str| metric[kind]["dataPoints"].as_array().is_some_and(|points| !points.is_empty());
    !["gauge", "sum", "exponentialHistogram"].into_iter().any(of)
}

/// A recorded series: its name and its moments.
type Series<'r> = (&'r String, &'r Vec<(u64, f64)>);

/// Recorded series and replicas over time.
pub(super) fn of_timeline(record: &RunRecord) -> Vec<Value> {
    let run = &record.run;
    let told = record.timeline.series.iter().take(SERIES_MAX);
    let names = labels::unique(told.clone().map(|(name, _)| labels::plain(name)));
    let series =
        |((_, points), name): (Series<'_>, &String)| moments(run, points, &Attributes::default().text("series", name));
    let workloads = record.cluster.iter().flat_map(|cluster| &cluster.workloads).take(SERIES_MAX);
    let targets = labels::unique(workloads.clone().map(|workload| labels::plain(&workload.target)));
    let replicas = |(workload, target): (&crate::evidence::ScaledWorkload, &String)| {
        let of = |state: &str, pick: fn(&crate::evidence::ReplicaPoint) -> u32| {
            let attributes = Attributes::default().text("target", target).text("state", state);
            let points = workload.replicas.iter();
            let points = points.filter_map(|point| Some((u64::try_from(point.at_ms).ok()?, f64::from(pick(point)))));
            moments(run, &points.collect::<Vec<_>>(), &attributes)
        };
        [of("ready", |point| point.ready), of("desired", |point| point.desired)].concat()
    };
    vec![
        gauge("proofload.series", "1", told.zip(&names).flat_map(series).collect()),
        gauge("proofload.replicas", "{replica}", workloads.zip(&targets).flat_map(replicas).collect()),
    ]
}

fn moments(run: &RunInfo, points: &[(u64, f64)], attributes: &Attributes) -> Vec<Value> {
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let moment = |(at_ms, value): &(u64, f64)| {
        let at_ns = run.started_unix_ms.saturating_add(*at_ms).saturating_mul(1_000_000);
        let attributes = attributes.clone().into_json();
        json!({ "attributes": attributes, "timeUnixNano": at_ns.to_string(), "asDouble": finite(*value) })
    };
    points.chunks(every).filter_map(<[_]>::last).map(moment).collect()
}

/// JSON has no word for what is no number.
fn finite(value: f64) -> Value {
    if value.is_finite() { value.into() } else { Value::Null }
}
