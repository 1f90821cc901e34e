//! What `/metrics` tells, for both roles, in Prometheus's text format.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::ports::PortResult;
use crate::ports::jobs::Jobs;
use crate::ports::queue::{Queue, QueueName};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Which answers are counted together.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Answer {
    pub(crate) route: String,
    pub(crate) method: String,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QueueState {
    queue: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The figures of one process.
pub(crate) struct Figures {
    registry: Registry,
    requests: Family<Answer, Counter>,
    request_seconds: Family<Route, Histogram>,
    messages: Family<QueueState, Gauge>,
    jobs: Family<State, Gauge>,
    attempts: Family<Outcome, Counter>,
    attempt_seconds: Histogram,
    effects: Counter,
}

impl Figures {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("refstack");
        let requests = Family::default();
        let request_seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let (messages, jobs, attempts) = (Family::default(), Family::default(), Family::default());
        let attempt_seconds = Histogram::new(SECONDS);
        registry.register("requests", "Requests answered", requests.clone());
        registry.register("request_seconds", "Time to answer a request", request_seconds.clone());
        registry.register("queue_messages", "Messages in the queue by state", messages.clone());
        registry.register("jobs", "Jobs by state", jobs.clone());
        registry.register("job_attempts", "Attempts of this worker by outcome", attempts.clone());
        let effects = Counter::default();
        registry.register("job_effects", "Successes that this worker made visible", effects.clone());
        registry.register("job_attempt_seconds", "Time of one attempt", attempt_seconds.clone());
        Self { registry, requests, request_seconds, messages, jobs, attempts, attempt_seconds, effects }
    }

    pub(crate) fn count_request(&self, answer: &Answer, seconds: f64) {
        self.request_seconds.get_or_create(&Route { route: answer.route.clone() }).observe(seconds);
        self.requests.get_or_create(answer).inc();
    }

    pub(crate) fn count_attempt(&self, outcome: &'static str, seconds: f64) {
        self.attempts.get_or_create(&Outcome { outcome }).inc();
        self.attempt_seconds.observe(seconds);
    }

    pub(crate) fn count_effect(&self) {
        self.effects.inc();
    }

    /// Reads the gauges that only the store knows.
    pub(crate) async fn refresh(&self, queue: &dyn Queue, name: QueueName, jobs: &dyn Jobs) -> PortResult<()> {
        let depth = queue.depth(name).await?;
        let states =
            [("ready", depth.ready), ("scheduled", depth.scheduled), ("leased", depth.leased), ("dead", depth.dead)];
        for (state, messages) in states {
            set(&self.messages.get_or_create(&QueueState { queue: name, state }), messages);
        }
        for (state, number) in jobs.count().await? {
            set(&self.jobs.get_or_create(&State { state: state.word() }), number);
        }
        Ok(())
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    pub(crate) fn answer(&self) -> Response {
        ([(CONTENT_TYPE, TEXT)], self.text()).into_response()
    }
}

fn set(gauge: &Gauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}
