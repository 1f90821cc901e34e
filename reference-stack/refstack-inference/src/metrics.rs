//! Counters and their Prometheus text, under TF Serving's names (`/` becomes `:`) and our own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// TF Serving's latency buckets, in microseconds: 33 of 10 · 1.8ⁿ.
const LATENCY_BUCKETS: i32 = 33;
const BATCH_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// What has happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(String, &'static str), u64>,
    models: BTreeMap<String, ModelCounts>,
}

#[derive(Debug)]
struct ModelCounts {
    request_latency: Histogram,
    runtime_latency: Histogram,
    queuing_latency: Histogram,
    batch_size: Histogram,
    images: u64,
    sheds: u64,
    expired: u64,
}

#[derive(Debug)]
struct Histogram {
    bounds: Vec<f64>,
    counts: Vec<u64>,
    sum: f64,
}

impl Metrics {
    /// A request ended with this status (TF Serving's word), `took` after it came.
    pub(crate) fn request(&self, model: &str, status: &'static str, took: Duration) {
        let mut counts = self.lock();
        *counts.requests.entry((model.to_owned(), status)).or_default() += 1;
        counts.model(model).request_latency.add(micros(took));
    }

    /// An instance left the queue.
    pub(crate) fn waited(&self, model: &str, time: Duration) {
        self.lock().model(model).queuing_latency.add(micros(time));
    }

    /// A batch was run.
    pub(crate) fn ran(&self, model: &str, len: usize, took: Duration) {
        let mut counts = self.lock();
        let counts = counts.model(model);
        counts.images += len as u64;
        counts.batch_size.add(f64::from(u32::try_from(len).unwrap_or(u32::MAX)));
        counts.runtime_latency.add(micros(took));
    }

    /// A request was shed.
    pub(crate) fn shed(&self, model: &str) {
        self.lock().model(model).sheds += 1;
    }

    /// Instances were dropped because their deadline had passed.
    pub(crate) fn expired(&self, model: &str, len: usize) {
        self.lock().model(model).expired += len as u64;
    }

    /// The Prometheus text; `depths` are the instances waiting now, by model.
    pub(crate) fn text(&self, depths: &[(String, usize)]) -> String {
        let mut out = String::new();
        let counts = self.lock();
        head(&mut out, ":tensorflow:serving:request_count", "counter", "Requests by model and status.");
        for ((model, status), n) in &counts.requests {
            let _ =
                writeln!(out, ":tensorflow:serving:request_count{{model_name=\"{model}\",status=\"{status}\"}} {n}");
        }
        for (name, help, extra, of) in HISTOGRAMS {
            head(&mut out, name, "histogram", help);
            for (model, counts) in &counts.models {
                of(counts).write(&mut out, name, &format!("model_name=\"{model}\"{extra}"));
            }
        }
        for (name, help, of) in COUNTERS {
            head(&mut out, name, "counter", help);
            for (model, counts) in &counts.models {
                let _ = writeln!(out, "{name}{{model_name=\"{model}\"}} {}", of(counts));
            }
        }
        head(&mut out, "refstack_inference_queue_depth", "gauge", "Instances waiting for a session.");
        for (model, depth) in depths {
            let _ = writeln!(out, "refstack_inference_queue_depth{{model_name=\"{model}\"}} {depth}");
        }
        out
    }

    /// No code that can panic runs under the lock, so a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type HistogramRow = (&'static str, &'static str, &'static str, fn(&ModelCounts) -> &Histogram);

const HISTOGRAMS: [HistogramRow; 4] = [
    (
        ":tensorflow:serving:request_latency",
        "Microseconds from a request's arrival to its answer.",
        ",API=\"predict\",entrypoint=\"REST\"",
        |counts| &counts.request_latency,
    ),
    (
        ":tensorflow:serving:runtime_latency",
        "Microseconds a session was held by a batch.",
        ",API=\"predict\",runtime=\"rten\"",
        |counts| &counts.runtime_latency,
    ),
    (
        ":tensorflow:serving:batching_session:queuing_latency",
        "Microseconds an instance waited for a session.",
        "",
        |counts| &counts.queuing_latency,
    ),
    ("refstack_inference_batch_size", "Instances in a batch.", "", |counts| &counts.batch_size),
];

type CounterRow = (&'static str, &'static str, fn(&ModelCounts) -> u64);

const COUNTERS: [CounterRow; 3] = [
    ("refstack_inference_images_total", "Instances run.", |counts| counts.images),
    ("refstack_inference_sheds_total", "Requests refused because too many waited.", |counts| counts.sheds),
    ("refstack_inference_expired_total", "Instances dropped because their deadline had passed.", |counts| {
        counts.expired
    }),
];

impl Counts {
    fn model(&mut self, name: &str) -> &mut ModelCounts {
        self.models.entry(name.to_owned()).or_default()
    }
}

impl Default for ModelCounts {
    fn default() -> Self {
        let latency = || Histogram::new((0..LATENCY_BUCKETS).map(|n| 10.0 * 1.8_f64.powi(n)).collect());
        Self {
            request_latency: latency(),
            runtime_latency: latency(),
            queuing_latency: latency(),
            batch_size: Histogram::new(BATCH_BUCKETS.to_vec()),
            images: 0,
            sheds: 0,
            expired: 0,
        }
    }
}

impl Histogram {
    fn new(bounds: Vec<f64>) -> Self {
        let counts = vec![0; bounds.len() + 1];
        Self { bounds, counts, sum: 0.0 }
    }

    fn add(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        self.counts[bucket] += 1;
        self.sum += value;
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let mut total = 0;
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            total += count;
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {total}");
        }
        total += self.counts[self.bounds.len()];
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {total}");
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}", self.sum);
        let _ = writeln!(out, "{name}_count{{{labels}}} {total}");
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_histograms_read_as_prometheus_text() {
        let metrics = Metrics::default();
        metrics.request("m", "OK", Duration::from_micros(12));
        metrics.ran("m", 3, Duration::from_millis(1));
        metrics.shed("m");
        let text = metrics.text(&[("m".to_owned(), 5)]);
        for line in [
            ":tensorflow:serving:request_count{model_name=\"m\",status=\"OK\"} 1",
            ":tensorflow:serving:request_latency_bucket{model_name=\"m\",API=\"predict\",entrypoint=\"REST\",le=\"10\"} 0",
            ":tensorflow:serving:request_latency_bucket{model_name=\"m\",API=\"predict\",entrypoint=\"REST\",le=\"18\"} 1",
            ":tensorflow:serving:request_latency_sum{model_name=\"m\",API=\"predict\",entrypoint=\"REST\"} 12",
            "refstack_inference_batch_size_bucket{model_name=\"m\",le=\"2\"} 0",
            "refstack_inference_batch_size_bucket{model_name=\"m\",le=\"4\"} 1",
            "refstack_inference_images_total{model_name=\"m\"} 3",
            "refstack_inference_sheds_total{model_name=\"m\"} 1",
            "refstack_inference_queue_depth{model_name=\"m\"} 5",
        ] {
            assert!(text.lines().any(|seen| seen == line), "{line}\nnot in\n{text}");
        }
    }
}
