//! The rabbitmq trigger.

use std::collections::BTreeMap;

use proofload_autoscale::keda::{
    Operation, QueueFigures, RabbitMq, Trigger, TriggerContext, compose, metric_name, vhost_and_path,
};
use serde_json::Value;

use super::id;
use super::kafka::texts;

fn context(case: &Value) -> TriggerContext {
    TriggerContext { auth: texts(&case["auth_params"]), env: texts(&case["resolved_env"]) }
}

pub(super) fn parse(case: &Value) {
    let result = RabbitMq::parse(&texts(&case["metadata"]), &context(case));
    let expected = &case["expected"];
    assert_eq!(result.is_err(), expected["error"] == true, "{}: {result:?}", id(case));
    let Ok(trigger) = result else { return };
    if let Some(mode) = expected["mode"].as_str() {
        assert_eq!(format!("{:?}", trigger.mode), mode, "{}", id(case));
        assert_eq!(Some(trigger.value), expected["value"].as_f64(), "{}", id(case));
    }
    if let Some(tls) = expected["tls"].as_str() {
        assert_eq!(trigger.tls, tls == "enable", "{}", id(case));
    }
}

/// Upstream's server listens at an address of its own; any HTTP address serves here.
pub(super) fn queue_info_http(case: &Value) {
    let host = |name: &str| (name.to_owned(), "http://broker.example:15672".to_owned());
    let context =
        TriggerContext { env: BTreeMap::from([host("myHostSecret"), host("plainHost")]), ..TriggerContext::default() };
    let trigger = RabbitMq::parse(&texts(&case["metadata"]), &context).unwrap();
    let status = u16::try_from(case["http_status"].as_u64().unwrap()).unwrap();
    let result = trigger.read_http(status, &case["body"]);
    let expected = &case["expected"];
    assert_eq!(result.is_err(), expected["error"] == true, "{}: {result:?}", id(case));
    let Ok(activity) = result else { return };
    if let Some(active) = expected["active"].as_bool() {
        assert_eq!(activity.active, active, "{}", id(case));
    }
    if let Some(milli) = expected["metric_milli"].as_i64() {
        assert_eq!(proofload_autoscale::Milli::from_scaler(activity.value).0, milli, "{}", id(case));
    }
}

pub(super) fn vhost_path(case: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (vhost, path) = vhost_and_path(&text(&case["raw_path"]), &text(&case["vhost_override"]));
    assert_eq!(vhost, text(&case["expected"]["vhost_path"]), "{}", id(case));
    assert_eq!(path, text(&case["expected"]["path"]), "{}", id(case));
}

pub(super) fn composed(case: &Value) {
    let figures = |q: &Value| QueueFigures {
        messages: q["messages"].as_i64().unwrap(),
        messages_ready: q["messages_ready"].as_i64().unwrap(),
        publish_rate: q["publish_rate"].as_f64().unwrap(),
        deliver_get_rate: q["deliver_get_rate"].as_f64().unwrap(),
    };
    let queues: Vec<QueueFigures> = case["queues"].as_array().unwrap().iter().map(figures).collect();
    let operation = match case["operation"].as_str().unwrap() {
        "sum" => Operation::Sum,
        "avg" => Operation::Avg,
        "max" => Operation::Max,
        other => return refused_operation(case, other),
    };
    assert_eq!(compose(operation, &queues), figures(&case["expected"]), "{}", id(case));
}

/// An unknown operation never gets as far as the figures: the trigger is refused.
fn refused_operation(case: &Value, operation: &str) {
    assert_eq!(case["expected"]["error"], true, "{}", id(case));
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let metadata = BTreeMap::from([text("queueName", "q"), text("host", "http://b"), text("operation", operation)]);
    assert!(RabbitMq::parse(&metadata, &TriggerContext::default()).is_err(), "{}", id(case));
}

pub(super) fn name(case: &Value) {
    let trigger = RabbitMq::parse(&texts(&case["metadata"]), &context(case)).unwrap();
    assert_eq!(metric_name(0, &Trigger::RabbitMq(trigger)), case["expected"]["name"].as_str().unwrap(), "{}", id(case));
}
