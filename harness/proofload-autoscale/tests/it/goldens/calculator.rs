//! The replica calculator: External and Object metrics.

use proofload_autoscale::Milli;
use proofload_autoscale::hpa::{self, Calculated, MetricFailure, PodCount, Tolerance};
use serde_json::Value;

use super::{id, int};

fn milli(value: &Value) -> Milli {
    Milli(value.as_i64().unwrap())
}

fn tolerance(case: &Value) -> Tolerance {
    let of = |direction: &str| Milli::from_scaler(case["tolerance"][direction].as_f64().unwrap());
    Tolerance { down: of("down"), up: of("up") }
}

fn series(case: &Value) -> Vec<Milli> {
    case["values_milli"].as_array().unwrap().iter().map(milli).collect()
}

pub(super) fn pods(case: &Value) -> PodCount {
    let pods = case["pods"].as_array().unwrap();
    let is_ready = |pod: &&Value| pod["phase"] == "Running" && pod["ready"] == true;
    let count = |n: usize| i32::try_from(n).unwrap();
    PodCount { total: count(pods.len()), ready: count(pods.iter().filter(is_ready).count()) }
}

fn check(case: &Value, result: Result<Calculated, MetricFailure>) {
    let calculated = result.unwrap_or_else(|failure| panic!("{}: {failure}", id(case)));
    assert_eq!(calculated.replicas, int(&case["expected"]["replicas"]), "{}", id(case));
    assert_eq!(calculated.usage, milli(&case["expected"]["usage_milli"]), "{}", id(case));
}

pub(super) fn external_per_pod(case: &Value) {
    let status = int(&case["current_replicas"]);
    check(case, hpa::external_average(&series(case), milli(&case["target_milli"]), status, tolerance(case)));
}

pub(super) fn object_per_pod(case: &Value) {
    let status = int(&case["current_replicas"]);
    let usage = series(case).first().copied();
    check(case, hpa::object_average(usage, milli(&case["target_milli"]), status, tolerance(case)));
}

pub(super) fn external_value(case: &Value) {
    let current = int(&case["current_replicas"]);
    let target = milli(&case["target_milli"]);
    check(case, hpa::external_value(&series(case), target, current, pods(case), tolerance(case)));
}

pub(super) fn object_value(case: &Value) {
    let current = int(&case["current_replicas"]);
    let target = milli(&case["target_milli"]);
    check(case, hpa::object_value(series(case).first().copied(), target, current, pods(case), tolerance(case)));
}

pub(super) fn per_pod_usage(case: &Value) {
    let usage = hpa::per_pod_usage(milli(&case["usage_milli"]), int(&case["status_replicas"]));
    assert_eq!(usage, milli(&case["expected"]["usage_milli"]), "{}", id(case));
}
