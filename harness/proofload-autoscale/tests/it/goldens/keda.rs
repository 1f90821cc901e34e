//! The scale loop and fallback.

use std::collections::BTreeMap;

use proofload_autoscale::hpa::ObjectRef;
use proofload_autoscale::keda::{
    Fallback, FallbackBehavior, Fallen, Health, HealthStatus, KedaState, ScaledObject, ScaledObjectSpec, Triggers,
    apply_fallback, request_scale,
};
use serde_json::Value;

use super::{NOW, id, int};

fn optional(value: &Value) -> Option<i32> {
    value.as_i64().map(|_| int(value))
}

fn fallback_of(value: &Value) -> Option<Fallback> {
    let behavior = match value["behavior"].as_str() {
        None | Some("static") => FallbackBehavior::Static,
        Some("currentReplicas") => FallbackBehavior::CurrentReplicas,
        Some("currentReplicasIfHigher") => FallbackBehavior::CurrentReplicasIfHigher,
        Some("currentReplicasIfLower") => FallbackBehavior::CurrentReplicasIfLower,
        Some(other) => panic!("unknown fallback behaviour {other}"),
    };
    (!value.is_null()).then(|| Fallback {
        failure_threshold: int(&value["failure_threshold"]),
        replicas: int(&value["replicas"]),
        behavior,
    })
}

fn object(case: &Value) -> ScaledObject {
    let annotations = case["annotations"].as_object().unwrap();
    let target = ObjectRef { api_version: String::new(), kind: "Deployment".to_owned(), name: "target".to_owned() };
    ScaledObject {
        name: "object".to_owned(),
        namespace: None,
        annotations: annotations
            .iter()
            .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
            .collect::<BTreeMap<_, _>>(),
        spec: ScaledObjectSpec {
            scale_target_ref: target,
            polling_interval: None,
            cooldown_period: None,
            initial_cooldown_period: None,
            idle_replica_count: optional(&case["idle_replica_count"]),
            min_replica_count: optional(&case["min_replica_count"]),
            max_replica_count: optional(&case["max_replica_count"]),
            fallback: fallback_of(&case["fallback"]),
            advanced: None,
            triggers: Vec::new(),
        },
    }
}

pub(super) fn request(case: &Value) {
    let current = int(&case["current_replicas"]);
    let state = KedaState { created: NOW.plus_ms(-10_000_000_000), last_active: None };
    let triggers = Triggers { active: case["is_active"] == true, error: case["is_error"] == true };
    let (decision, after) = request_scale(&object(case), state, triggers, current, NOW);
    let expected = &case["expected"];
    assert_eq!(decision.scale_to.unwrap_or(current), int(&expected["replicas"]), "{}", id(case));
    let same = |name: &str, got: String| {
        if let Some(want) = expected[name].as_str() {
            assert_eq!(got, want, "{}: {name}", id(case));
        }
    };
    let (active, reason) = decision.active.unwrap();
    same("active", format!("{active:?}"));
    same("active_reason", format!("{reason:?}"));
    same("ready", format!("{:?}", decision.ready.0));
    same("ready_reason", format!("{:?}", decision.ready.1));
    if expected["last_active_set"] == true {
        assert_eq!(after.last_active, Some(NOW), "{}", id(case));
    }
}

fn health(value: &Value) -> Option<Health> {
    let status = if value["status"] == "Failing" { HealthStatus::Failing } else { HealthStatus::Happy };
    (!value.is_null()).then(|| Health { failures: int(&value["failures"]), status })
}

pub(super) fn fallback(case: &Value) {
    let declared = fallback_of(&case["fallback"]);
    let target = case["target_average_value"].as_f64().unwrap();
    let current = optional(&case["current_replicas"]).unwrap_or(0);
    let reading = case["scaler_value"].as_f64();
    let (fallen, after) = apply_fallback(declared.as_ref(), health(&case["health_before"]), reading, target, current);
    let expected = &case["expected"];
    let value = match fallen {
        Fallen::Value(value) | Fallen::Fallback(value) => Some(value),
        Fallen::Error => None,
    };
    assert_eq!(value.is_none(), expected["error"] == true, "{}", id(case));
    if let Some(want) = expected["value"].as_f64() {
        assert_eq!(value, Some(want), "{}", id(case));
    }
    if !expected["health"].is_null() {
        assert_eq!(after, health(&expected["health"]), "{}", id(case));
    }
}
