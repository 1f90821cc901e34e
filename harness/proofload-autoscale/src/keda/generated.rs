//! The HPA that KEDA generates from a `ScaledObject`.

use crate::Milli;
use crate::hpa::{Behavior, BehaviorWritten, Controller, HpaSpec, MetricSpec, Select, Target};

use super::scaled_object::{Advanced, HpaConfig, ScaledObject, TriggerWritten};
use super::trigger::{Trigger, TriggerContext, TriggerError};
use super::vhost::query_escape;

/// The generated HPA and the triggers behind its metrics, in the same order.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedHpa {
    /// `keda-hpa-<name>`, or the configured name.
    pub name: String,
    /// The autoscaler.
    pub spec: HpaSpec,
    /// One trigger per metric.
    pub triggers: Vec<Trigger>,
}

/// Generates the HPA of a `ScaledObject`. A paused object has none: see [`ScaledObject::is_paused`].
pub fn generated_hpa(
    object: &ScaledObject,
    context: &TriggerContext,
    controller: Controller,
) -> Result<GeneratedHpa, TriggerError> {
    if object.spec.advanced.as_ref().is_some_and(|a| a.scaling_modifiers.is_some()) {
        return Err(TriggerError::Unsupported { kind: "scalingModifiers".to_owned() });
    }
    let mut triggers = Vec::new();
    let mut metrics = Vec::new();
    for (index, written) in object.spec.triggers.iter().enumerate() {
        let trigger = Trigger::parse(written, context)?;
        metrics.push(metric(index, written, &trigger)?);
        triggers.push(trigger);
    }
    let min = object.spec.min();
    let spec = HpaSpec {
        min: if min > 0 { min } else { 1 },
        max: object.spec.max(),
        metrics,
        behavior: behavior(object),
        controller,
    };
    Ok(GeneratedHpa { name: hpa_name(object), spec, triggers })
}

/// The name of the external metric of the trigger at `index`.
pub fn metric_name(index: usize, trigger: &Trigger) -> String {
    let name = match trigger {
        Trigger::RabbitMq(rabbitmq) => format!("rabbitmq-{}", query_escape(&rabbitmq.queue)),
        Trigger::Kafka(kafka) if kafka.topic.is_empty() => {
            format!("kafka-{}-topics", kafka.consumer_group)
        }
        Trigger::Kafka(kafka) => format!("kafka-{}", kafka.topic),
    };
    let plain: String = name.chars().map(|c| if "/.:%()".contains(c) { '-' } else { c }).collect();
    format!("s{index}-{plain}")
}

fn metric(index: usize, written: &TriggerWritten, trigger: &Trigger) -> Result<MetricSpec, TriggerError> {
    let number = match trigger {
        Trigger::RabbitMq(rabbitmq) => Milli::from_scaler(rabbitmq.value),
        Trigger::Kafka(kafka) => Milli::whole(kafka.lag_threshold),
    };
    Ok(MetricSpec::External { name: metric_name(index, trigger), target: target(written, number)? })
}

fn target(written: &TriggerWritten, number: Milli) -> Result<Target, TriggerError> {
    match written.metric_type.as_deref() {
        None | Some("AverageValue") => Ok(Target::AverageValue(number)),
        Some("Value") => Ok(Target::Value(number)),
        Some(other) => Err(TriggerError::Value {
            trigger: "external",
            parameter: "metricType".to_owned(),
            value: other.to_owned(),
            expected: "AverageValue or Value",
        }),
    }
}

fn config(object: &ScaledObject) -> Option<&HpaConfig> {
    object.spec.advanced.as_ref().and_then(|a: &Advanced| a.horizontal_pod_autoscaler_config.as_ref())
}

/// A paused direction is one whose policies are disabled; the HPA itself stays.
fn behavior(object: &ScaledObject) -> Option<Behavior> {
    let mut behavior = config(object).and_then(|c| c.behavior.as_ref()).map(BehaviorWritten::check);
    if object.flag("paused-scale-out") {
        behavior.get_or_insert_with(Behavior::default).scale_up.select = Select::Disabled;
    }
    if object.flag("paused-scale-in") {
        behavior.get_or_insert_with(Behavior::default).scale_down.select = Select::Disabled;
    }
    behavior
}

fn hpa_name(object: &ScaledObject) -> String {
    let configured = config(object).and_then(|c| c.name.clone()).filter(|name| !name.is_empty());
    configured.unwrap_or_else(|| format!("keda-hpa-{}", object.name))
}
