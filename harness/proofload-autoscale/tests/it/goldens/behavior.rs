//! Normalisation: stabilisation, rate limits, event store.

use proofload_autoscale::hpa::{
    Behavior, HpaState, Policy, PolicyType, Recommendation, Rules, ScaleEvent, Select, change_within, limit_by_rules,
    limit_legacy, stabilise_by_rules, stabilise_legacy,
};
use proofload_autoscale::{Milli, hpa, seconds};
use serde_json::Value;

use super::{NOW, ago, id, int};

/// Null rules are upstream's defaults; null fields too.
pub(super) fn rules(value: &Value, defaults: Rules) -> Rules {
    let policy = |p: &Value| Policy {
        kind: if p["type"] == "Pods" { PolicyType::Pods } else { PolicyType::Percent },
        value: int(&p["value"]),
        period_ms: seconds(int(&p["period_s"])),
    };
    Rules {
        stabilization_ms: value["stabilization_s"].as_i64().map(|s| s * 1000).or(defaults.stabilization_ms),
        select: match value["select"].as_str() {
            Some("Min") => Select::Min,
            Some("Disabled") => Select::Disabled,
            _ => Select::Max,
        },
        policies: value["policies"].as_array().map_or(defaults.policies, |list| list.iter().map(policy).collect()),
        tolerance: value["tolerance"].as_f64().map(Milli::from_scaler),
    }
}

fn events(value: &Value) -> Vec<ScaleEvent> {
    let event = |e: &Value| ScaleEvent {
        change: int(&e["change"]),
        at: ago(&e["age_s"]),
        outdated: e["outdated"].as_bool().unwrap(),
    };
    value.as_array().unwrap().iter().map(event).collect()
}

pub(super) fn log(value: &Value) -> Vec<Recommendation> {
    let entry = |r: &Value| Recommendation { replicas: int(&r["replicas"]), at: ago(&r["age_s"]) };
    value.as_array().unwrap().iter().map(entry).collect()
}

pub(super) fn rate_limit(case: &Value) {
    let input = &case["input"];
    let behavior = Behavior {
        scale_up: rules(&input["scale_up"], Rules::default_up()),
        scale_down: rules(&input["scale_down"], Rules::default_down()),
    };
    let state = HpaState {
        scale_ups: events(&input["scale_up_events"]),
        scale_downs: events(&input["scale_down_events"]),
        ..HpaState::default()
    };
    let replicas = (int(&input["current_replicas"]), int(&input["desired_replicas"]));
    let bounds = (int(&input["min_replicas"]), int(&input["max_replicas"]));
    let limited = limit_by_rules(replicas, bounds, &behavior, &state, NOW);
    assert_limited(case, limited);
}

pub(super) fn legacy_limit(case: &Value) {
    let input = &case["input"];
    let bounds = (int(&input["min_replicas"]), int(&input["max_replicas"]));
    #[expect(clippy::cast_possible_truncation, reason = "the factor is 8.0 in every case")]
    let factor = input["scale_up_limit_factor"].as_f64().unwrap() as i32;
    let limited = limit_legacy(int(&input["current_replicas"]), int(&input["desired_replicas"]), bounds, factor);
    assert_limited(case, limited);
}

fn assert_limited(case: &Value, limited: hpa::Limited) {
    let expected = &case["expected"];
    assert_eq!(limited.replicas, int(&expected["replicas"]), "{}", id(case));
    assert_eq!(limited.reason.to_string(), expected["reason"].as_str().unwrap(), "{}", id(case));
}

pub(super) fn stabilize(case: &Value) {
    let input = &case["input"];
    let mut recommendations = log(&input["recommendations"]);
    let replicas = (int(&input["current_replicas"]), int(&input["desired_replicas"]));
    let window = |name: &str| seconds(int(&input[name]));
    let windows = (window("scale_up_stabilization_s"), window("scale_down_stabilization_s"));
    let stabilised = stabilise_by_rules(&mut recommendations, replicas, windows, NOW);
    assert_eq!(stabilised, int(&case["expected"]["replicas"]), "{}", id(case));
    if let Some(expected) = case["expected"]["log_replicas"].as_array() {
        let logged: Vec<i32> = recommendations.iter().map(|r| r.replicas).collect();
        assert_eq!(logged, expected.iter().map(int).collect::<Vec<_>>(), "{}", id(case));
    }
}

pub(super) fn legacy_stabilize(case: &Value) {
    let input = &case["input"];
    let mut recommendations = log(&input["recommendations"]);
    let window_ms = seconds(int(&input["downscale_stabilization_s"]));
    let stabilised = stabilise_legacy(&mut recommendations, int(&input["desired_replicas"]), window_ms, NOW);
    assert_eq!(stabilised, int(&case["expected"]["replicas"]), "{}", id(case));
    assert_eq!(Value::from(recommendations.len()), case["expected"]["log_length"], "{}", id(case));
}

/// Without rules nothing is stored; that is the caller's choice, as in the controller.
pub(super) fn store_event(case: &Value) {
    let input = &case["input"];
    let mut stored = events(&input["events"]);
    assert_eq!(change_within(&stored, 60_000, NOW), int(&case["expected"]["change_in_60s"]), "{}", id(case));
    if !input["rules"].is_null() {
        let rules = rules(&input["rules"], Rules::default_up());
        hpa::store_event(&mut stored, &rules, int(&input["replica_change"]), NOW);
    }
    let got: Vec<(i32, bool)> = stored.iter().map(|e| (e.change, e.outdated)).collect();
    let want = case["expected"]["events"].as_array().unwrap();
    let want: Vec<(i32, bool)> = want.iter().map(|e| (int(&e["change"]), e["outdated"].as_bool().unwrap())).collect();
    assert_eq!(got, want, "{}", id(case));
}

pub(super) fn scale_up_limit(case: &Value) {
    let input = &case["input"];
    let (ups, downs) = (events(&input["scale_up_events"]), events(&input["scale_down_events"]));
    let rules = rules(&input["rules"], Rules::default_up());
    let limit = hpa::scale_up_limit(int(&input["current_replicas"]), &rules, (&ups, &downs), NOW);
    assert_eq!(limit, int(&case["expected"]["limit"]), "{}", id(case));
}

pub(super) fn scale_down_limit(case: &Value) {
    let input = &case["input"];
    let (ups, downs) = (events(&input["scale_up_events"]), events(&input["scale_down_events"]));
    let rules = rules(&input["rules"], Rules::default_down());
    let limit = hpa::scale_down_limit(int(&input["current_replicas"]), &rules, (&ups, &downs), NOW);
    assert_eq!(limit, int(&case["expected"]["limit"]), "{}", id(case));
}
