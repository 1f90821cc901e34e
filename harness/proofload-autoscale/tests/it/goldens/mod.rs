//! Runs the golden cases. Every kind in a file is either run or listed as not covered yet, both with their number, so
//! that a case cannot vanish unnoticed.

mod behavior;
mod calculator;
mod controller;
mod kafka;
mod keda;
mod rabbitmq;

use serde_json::Value;

type Run = fn(&Value);

/// Kinds that are run, and kinds that are not covered yet, with the number of cases of each.
struct Expected<'a> {
    run: &'a [(&'a str, usize, Run)],
    not_covered: &'a [(&'a str, usize)],
}

#[expect(clippy::print_stdout, reason = "the number of cases run is part of this test's evidence")]
fn check(file: &str, text: &str, kind_of: fn(&Value) -> String, expected: &Expected<'_>) {
    let document: Value = serde_json::from_str(text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    let of_kind = |kind: &str| cases.iter().filter(|case| kind_of(case) == kind).collect::<Vec<_>>();
    for (kind, count, run) in expected.run {
        let cases = of_kind(kind);
        for case in &cases {
            run(case);
        }
        println!("{file}: {kind}: {} cases run", cases.len());
        assert_eq!(cases.len(), *count, "{file}: number of {kind} cases");
    }
    for (kind, count) in expected.not_covered {
        println!("{file}: {kind}: {count} cases not covered yet");
        assert_eq!(of_kind(kind).len(), *count, "{file}: number of {kind} cases");
    }
    let listed: usize = expected.run.iter().map(|r| r.1).chain(expected.not_covered.iter().map(|n| n.1)).sum();
    assert_eq!(cases.len(), listed, "{file}: some kind of case is neither run nor listed as not covered");
}

fn kind(case: &Value) -> String {
    case["kind"].as_str().unwrap().to_owned()
}

#[test]
fn hpa_behavior() {
    let text = include_str!("../../goldens/hpa_behavior.json");
    let run: &[(&str, usize, Run)] = &[
        ("rate_limit", 19, behavior::rate_limit),
        ("stabilize", 6, behavior::stabilize),
        ("legacy_stabilize", 5, behavior::legacy_stabilize),
        ("legacy_limit", 4, behavior::legacy_limit),
        ("store_event", 3, behavior::store_event),
        ("scale_up_limit", 1, behavior::scale_up_limit),
        ("scale_down_limit", 1, behavior::scale_down_limit),
    ];
    check("hpa_behavior", text, kind, &Expected { run, not_covered: &[] });
}

#[test]
fn hpa_replica_calculator() {
    let text = include_str!("../../goldens/hpa_replica_calculator.json");
    let run: &[(&str, usize, Run)] = &[
        ("external_per_pod", 6, calculator::external_per_pod),
        ("object_per_pod", 6, calculator::object_per_pod),
        ("object_value", 5, calculator::object_value),
        ("external_value", 4, calculator::external_value),
        ("per_pod_usage", 2, calculator::per_pod_usage),
    ];
    let not_covered = &[("resource_utilization", 56), ("pods", 9), ("group_pods", 9), ("pod_requests", 7)];
    check("hpa_replica_calculator", text, kind, &Expected { run, not_covered });
}

#[test]
fn hpa_controller() {
    let text = include_str!("../../goldens/hpa_controller.json");
    let run: &[(&str, usize, Run)] = &[("reconcile", 27, controller::reconcile)];
    let not_covered = &[("reconcile with Resource, ContainerResource or Pods metrics", 37)];
    check("hpa_controller", text, controller::kind, &Expected { run, not_covered });
}

#[test]
fn keda_executor() {
    let text = include_str!("../../goldens/keda_executor.json");
    let run: &[(&str, usize, Run)] = &[("request_scale", 7, keda::request)];
    check("keda_executor", text, kind, &Expected { run, not_covered: &[] });
}

#[test]
fn keda_fallback_modifiers() {
    let text = include_str!("../../goldens/keda_fallback_modifiers.json");
    let run: &[(&str, usize, Run)] = &[("fallback", 8, keda::fallback)];
    let not_covered = &[("modifier_trigger_value", 4), ("modifier_formula", 1)];
    check("keda_fallback_modifiers", text, kind, &Expected { run, not_covered });
}

#[test]
fn keda_kafka() {
    let text = include_str!("../../goldens/keda_kafka.json");
    let run: &[(&str, usize, Run)] = &[
        ("parse", 22, kafka::parse),
        ("total_lag_to_replicas", 10, kafka::total_lag_to_replicas),
        ("parse_partition_limitation", 7, kafka::partition_limitation),
        ("even_distribution_factor", 4, kafka::even_factor),
        ("partition_lag", 4, kafka::lag),
        ("active_partitions", 3, kafka::active_partitions),
        ("factors", 3, kafka::all_factors),
        ("metric_name", 1, kafka::name),
    ];
    check("keda_kafka", text, kind, &Expected { run, not_covered: &[] });
}

#[test]
fn keda_rabbitmq() {
    let text = include_str!("../../goldens/keda_rabbitmq.json");
    let run: &[(&str, usize, Run)] = &[
        ("queue_info_http", 60, rabbitmq::queue_info_http),
        ("parse", 49, rabbitmq::parse),
        ("vhost_path", 14, rabbitmq::vhost_path),
        ("compose", 8, rabbitmq::composed),
        ("metric_name", 1, rabbitmq::name),
    ];
    check("keda_rabbitmq", text, kind, &Expected { run, not_covered: &[] });
}

#[test]
fn keda_other_scalers() {
    let text = include_str!("../../goldens/keda_other_scalers.json");
    let not_covered = &[
        ("prometheus_parse", 12),
        ("redis_parse", 11),
        ("prometheus_query", 10),
        ("cpu_memory_parse", 3),
        ("redis_metric_name", 2),
        ("prometheus_metric_name", 1),
        ("cpu_memory_spec", 1),
    ];
    check("keda_other_scalers", text, kind, &Expected { run: &[], not_covered });
}

// Reading cases.

fn int(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap_or_else(|| panic!("{value} is a whole number"))).unwrap()
}

fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}

fn ago(age_s: &Value) -> proofload_autoscale::ClusterTime {
    proofload_autoscale::ClusterTime::from_millis(-1000 * age_s.as_i64().unwrap())
}

/// The moment of every case; ages count back from here.
const NOW: proofload_autoscale::ClusterTime = proofload_autoscale::ClusterTime::from_millis(0);
