//! Whole syncs of the controller.

use proofload_autoscale::Milli;
use proofload_autoscale::hpa::{
    Behavior, Condition, ConditionType, Controller, HpaSpec, HpaState, MetricSpec, Observation, Reading, Reason, Rules,
    Scale, ScaleToZero, Selector, Target, sync,
};
use serde_json::Value;

use super::behavior::{log, rules};
use super::calculator::pods;
use super::{NOW, id, int};

/// A case is run when its metrics are emulated, or when upstream decides it before looking at them.
pub(super) fn kind(case: &Value) -> String {
    let decided_before_metrics = case["expected"]["conditions"].as_array().is_some_and(|conditions| {
        let active = conditions.iter().find(|c| c["type"] == "ScalingActive");
        active.is_none_or(|c| c["reason"] == "ScalingDisabled" || c["reason"] == "InvalidSelector")
    });
    let emulated = |m: &Value| matches!(m["type"].as_str(), Some("External" | "Object" | "UnknownSource"));
    let all_emulated = case["hpa"]["metrics"].as_array().is_some_and(|metrics| metrics.iter().all(emulated));
    if all_emulated || decided_before_metrics {
        "reconcile".to_owned()
    } else {
        "reconcile with Resource, ContainerResource or Pods metrics".to_owned()
    }
}

pub(super) fn reconcile(case: &Value) {
    let state = HpaState {
        recommendations: (!case["recommendations"].is_null()).then(|| log(&case["recommendations"])),
        conditions: initial_conditions(case),
        ..HpaState::default()
    };
    let (decision, _) = sync(&spec(case), state, &observation(case), NOW);
    let expected = &case["expected"];
    assert_eq!(decision.desired, int(&expected["desired_replicas"]), "{}: {decision:?}", id(case));
    assert_eq!(decision.rescaled, expected["scale_updated"].as_bool().unwrap(), "{}", id(case));
    if let Some(event) = expected["event"].as_str() {
        assert_eq!(format!("{:?}", decision.event.unwrap()), event, "{}", id(case));
    }
    if let Some(conditions) = expected["conditions"].as_array() {
        let text = |c: &Value| {
            let part = |name: &str| c[name].as_str().unwrap().to_owned();
            (part("type"), part("status") == "True", part("reason"))
        };
        let want: Vec<_> = conditions.iter().map(text).collect();
        let got = decision.conditions.iter().map(|c| (c.kind.to_string(), c.status, c.reason.to_string()));
        assert_eq!(got.collect::<Vec<_>>(), want, "{}", id(case));
    }
}

fn initial_conditions(case: &Value) -> Vec<Condition> {
    let Some(list) = case["hpa"]["initial_conditions"].as_array() else {
        return Vec::new();
    };
    let condition = |c: &Value| {
        assert_eq!(c["type"], "ScaledToZero", "{}", id(case));
        Condition { kind: ConditionType::ScaledToZero, status: c["status"] == "True", reason: Reason::ScaledToZero }
    };
    list.iter().map(condition).collect()
}

fn spec(case: &Value) -> HpaSpec {
    let hpa = &case["hpa"];
    let behavior = &hpa["behavior"];
    #[expect(clippy::cast_possible_truncation, reason = "the factor is 8.0 or 2.0")]
    let factor = case["scale_up_limit_factor"].as_f64().unwrap() as i32;
    HpaSpec {
        min: hpa["min_replicas"].as_i64().map_or(1, |_| int(&hpa["min_replicas"])),
        max: int(&hpa["max_replicas"]),
        metrics: hpa["metrics"].as_array().unwrap().iter().map(metric).collect(),
        behavior: (!behavior.is_null()).then(|| Behavior {
            scale_up: rules(&behavior["scale_up"], Rules::default_up()),
            scale_down: rules(&behavior["scale_down"], Rules::default_down()),
        }),
        controller: Controller {
            tolerance: Milli::from_scaler(case["controller"]["tolerance"].as_f64().unwrap()),
            downscale_stabilization_ms: 1000 * case["controller"]["downscale_stabilization_s"].as_i64().unwrap(),
            scale_up_limit_factor: factor,
            scale_to_zero: if case["semantics"] == "legacy-min-zero" {
                ScaleToZero::MinZero
            } else {
                ScaleToZero::Conditional { gate: case["feature_gates"]["HPAScaleToZero"] == true }
            },
        },
    }
}

/// Resource metrics only stand in cases that are decided before any metric is read.
fn metric(metric: &Value) -> MetricSpec {
    let target = &metric["target"];
    let milli = |name: &str| target[name].as_i64().map(Milli);
    let number = milli("average_value_milli").map(Target::AverageValue).or(milli("value_milli").map(Target::Value));
    let name = metric["name"].as_str().unwrap_or_default().to_owned();
    match metric["type"].as_str().unwrap() {
        "External" => MetricSpec::External { name, target: number.unwrap() },
        "Object" => MetricSpec::Object { name, target: number.unwrap() },
        kind => MetricSpec::Unknown { kind: kind.to_owned() },
    }
}

fn observation(case: &Value) -> Observation {
    let scale = &case["scale"];
    let api = &case["metrics_api"];
    let reading = |metric: &Value| match metric["type"].as_str().unwrap() {
        "External" => series(&api["external"]),
        "Object" => series(&api["object"]),
        _ => Reading::Failed,
    };
    Observation {
        scale: Some(Scale {
            spec_replicas: int(&scale["spec_replicas"]),
            status_replicas: int(&scale["status_replicas"]),
            selector: if scale["selector"] == "" { Selector::Invalid } else { Selector::Valid },
        }),
        pods: pods(case),
        readings: case["hpa"]["metrics"].as_array().unwrap().iter().map(reading).collect(),
    }
}

fn series(value: &Value) -> Reading {
    match value {
        Value::Array(series) => Reading::Series(series.iter().map(|v| Milli(v.as_i64().unwrap())).collect()),
        Value::Number(number) => Reading::Series(vec![Milli(number.as_i64().unwrap())]),
        _ => Reading::Failed,
    }
}
