//! The kafka trigger, and upstream's end-to-end cases from lag to replicas.

use std::collections::BTreeMap;

use proofload_autoscale::hpa::{HpaState, Observation, PodCount, Reading, Scale, Selector, sync};
use proofload_autoscale::keda::{
    Kafka, KedaState, OffsetResetPolicy, PartitionLag, Trigger, TriggerContext, Triggers, even_distribution_factor,
    factors, generated_hpa, metric_name, parse_partitions, partition_lag, request_scale,
};
use proofload_autoscale::{ClusterTime, Milli};
use serde_json::Value;

use super::{id, int};

pub(super) fn texts(value: &Value) -> BTreeMap<String, String> {
    let object = value.as_object().into_iter().flatten();
    object.map(|(key, text)| (key.clone(), text.as_str().unwrap().to_owned())).collect()
}

fn trigger(case: &Value) -> Kafka {
    Kafka::parse(&texts(&case["metadata"]), &TriggerContext::default()).unwrap()
}

pub(super) fn parse(case: &Value) {
    let expected = &case["expected"];
    let result = Kafka::parse(&texts(&case["metadata"]), &TriggerContext::default());
    assert_eq!(result.is_err(), expected["error"] == true, "{}: {result:?}", id(case));
    let Ok(kafka) = result else { return };
    let servers: Vec<&str> =
        expected["bootstrap_servers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(kafka.bootstrap_servers, servers, "{}", id(case));
    assert_eq!(kafka.consumer_group, expected["consumer_group"].as_str().unwrap(), "{}", id(case));
    assert_eq!(kafka.topic, expected["topic"].as_str().unwrap(), "{}", id(case));
    let partitions = expected["partition_limitation"].as_array().map(|list| list.iter().map(int).collect::<Vec<_>>());
    assert_eq!(kafka.partitions, partitions, "{}", id(case));
    let latest = kafka.offset_reset_policy == OffsetResetPolicy::Latest;
    assert_eq!(latest, expected["offset_reset_policy"] == "latest", "{}", id(case));
    let flags = [
        ("allow_idle_consumers", kafka.allow_idle_consumers),
        ("exclude_persistent_lag", kafka.exclude_persistent_lag),
        ("limit_to_partitions_with_lag", kafka.limit_to_partitions_with_lag),
        ("ensure_even_distribution", kafka.ensure_even_distribution),
    ];
    for (name, got) in flags {
        assert_eq!(got, expected[name].as_bool().unwrap(), "{}: {name}", id(case));
    }
}

pub(super) fn name(case: &Value) {
    let index = usize::try_from(int(&case["trigger_index"])).unwrap();
    let name = metric_name(index, &Trigger::Kafka(trigger(case)));
    assert_eq!(name, case["expected"]["name"].as_str().unwrap(), "{}", id(case));
}

fn partitions(value: &Value) -> Vec<i32> {
    value.as_array().unwrap().iter().map(int).collect()
}

pub(super) fn active_partitions(case: &Value) {
    let active = trigger(case).active_partitions(&partitions(&case["broker_partitions"]));
    assert_eq!(active, partitions(&case["expected"]["partitions"]), "{}", id(case));
}

pub(super) fn partition_limitation(case: &Value) {
    let parsed = parse_partitions(case["input"].as_str().unwrap());
    if case["expected"]["error"] == true {
        assert!(parsed.is_err(), "{}", id(case));
    } else {
        assert_eq!(parsed.unwrap(), partitions(&case["expected"]["partitions"]), "{}", id(case));
    }
}

pub(super) fn all_factors(case: &Value) {
    let want: Vec<i64> = partitions(&case["expected"]["factors"]).into_iter().map(i64::from).collect();
    assert_eq!(factors(case["n"].as_i64().unwrap()), want, "{}", id(case));
}

pub(super) fn even_factor(case: &Value) {
    let number = |name: &str| case[name].as_i64().unwrap();
    let factor = even_distribution_factor(number("total_lag"), number("partitions"), number("lag_threshold"));
    assert_eq!(factor, case["expected"]["factor"].as_i64().unwrap(), "{}", id(case));
}

pub(super) fn lag(case: &Value) {
    let earliest = case["offset_reset_policy"] == "earliest";
    let policy = if earliest { OffsetResetPolicy::Earliest } else { OffsetResetPolicy::Latest };
    let to_zero = case["scale_to_zero_on_invalid_offset"] == true;
    let lag = partition_lag(case["consumer_offset"].as_i64().unwrap(), case["latest_offset"].as_i64(), policy, to_zero);
    assert_eq!(lag, case["expected"]["lag"].as_i64().unwrap(), "{}", id(case));
}

/// From lag to replicas through everything: trigger, scale loop, generated HPA, as often as it takes to settle.
pub(super) fn total_lag_to_replicas(case: &Value) {
    let object = scaled_object(case);
    let generated = generated_hpa(&object, &TriggerContext::default(), proofload_autoscale::hpa::Controller::default());
    let generated = generated.unwrap();
    let Trigger::Kafka(kafka) = &generated.triggers[0] else { panic!("a kafka trigger") };
    let lag = |v: &Value| PartitionLag { scaling: v.as_i64().unwrap(), activation: v.as_i64().unwrap() };
    let lags: Vec<_> = case["lag_by_partition"].as_array().unwrap().iter().map(lag).collect();
    let activity = kafka.activity(&lags);
    let (mut keda, mut hpa, mut replicas) = (KedaState::default(), HpaState::default(), 0);
    for pass in 1..=10 {
        let now = ClusterTime::from_millis(pass * 400_000);
        let triggers = Triggers { active: activity.active, error: false };
        let (decision, next) = request_scale(&object, keda, triggers, replicas, now);
        keda = next;
        replicas = decision.scale_to.unwrap_or(replicas);
        let seen = Observation {
            scale: Some(Scale { spec_replicas: replicas, status_replicas: replicas, selector: Selector::Valid }),
            pods: PodCount { total: replicas, ready: replicas },
            readings: vec![Reading::Series(vec![Milli::from_scaler(activity.value)])],
        };
        let (decision, next) = sync(&generated.spec, hpa, &seen, now);
        hpa = next;
        replicas = decision.desired;
    }
    assert_eq!(replicas, int(&case["expected"]["replicas"]), "{}", id(case));
}

fn scaled_object(case: &Value) -> proofload_autoscale::keda::ScaledObject {
    let text = |name: &str| case[name].to_string();
    let topic = if case["topics"] == 1 { "my-topic" } else { "" };
    let spec = serde_json::json!({
        "scaleTargetRef": {"name": "consumer"},
        "minReplicaCount": case["min_replica_count"],
        "triggers": [{"type": "kafka", "metadata": {
            "bootstrapServers": "kafka:9092", "consumerGroup": "g", "topic": topic,
            "lagThreshold": text("lag_threshold"), "activationLagThreshold": text("activation_lag_threshold"),
            "limitToPartitionsWithLag": text("limit_to_partitions_with_lag"),
            "ensureEvenDistributionOfPartitions": text("ensure_even_distribution"),
            "allowIdleConsumers": text("allow_idle_consumers"),
        }}],
    });
    proofload_autoscale::keda::ScaledObject {
        name: "consumer".to_owned(),
        namespace: None,
        annotations: BTreeMap::new(),
        spec: serde_json::from_value(spec).unwrap(),
    }
}
