//! An autoscaler as a manifest writes it (`spec` of autoscaling/v2), and the way from there to a checked [`HpaSpec`].

use serde::Deserialize;

use crate::{Milli, seconds};

use super::spec::{Behavior, Controller, HpaSpec, MetricSpec, Policy, PolicyType, Rules, Select, SpecError, Target};

/// `spec` of a `HorizontalPodAutoscaler`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaWritten {
    /// What is scaled.
    pub scale_target_ref: ObjectRef,
    /// `minReplicas`.
    pub min_replicas: Option<i32>,
    /// `maxReplicas`.
    pub max_replicas: i32,
    /// `metrics`.
    #[serde(default)]
    pub metrics: Vec<MetricWritten>,
    /// `behavior`.
    pub behavior: Option<BehaviorWritten>,
}

/// A reference to an object of the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `apiVersion`.
    #[serde(default)]
    pub api_version: String,
    /// `kind`; KEDA takes `Deployment` when it is absent.
    #[serde(default = "deployment")]
    pub kind: String,
    /// `name`.
    pub name: String,
}

fn deployment() -> String {
    "Deployment".to_owned()
}

/// One entry of `metrics`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricWritten {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `resource`.
    pub resource: Option<ResourceMetric>,
    /// `containerResource`.
    pub container_resource: Option<ResourceMetric>,
    /// `external`.
    pub external: Option<NamedMetric>,
    /// `object`.
    pub object: Option<NamedMetric>,
}

/// A CPU or memory metric.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ResourceMetric {
    /// `cpu` or `memory`.
    pub name: String,
    /// The container, for `ContainerResource`.
    pub container: Option<String>,
    /// `target`.
    pub target: TargetWritten,
}

/// An External or Object metric.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct NamedMetric {
    metric: MetricName,
    /// `target`.
    pub target: TargetWritten,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct MetricName {
    name: String,
}

/// `target` of a metric.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetWritten {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `value`.
    pub value: Option<Milli>,
    /// `averageValue`.
    pub average_value: Option<Milli>,
    /// `averageUtilization` in percent.
    pub average_utilization: Option<i32>,
}

/// `behavior`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BehaviorWritten {
    /// `scaleUp`.
    pub scale_up: Option<RulesWritten>,
    /// `scaleDown`.
    pub scale_down: Option<RulesWritten>,
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RulesWritten {
    /// `stabilizationWindowSeconds`.
    pub stabilization_window_seconds: Option<i32>,
    /// `selectPolicy`.
    pub select_policy: Option<Select>,
    /// `policies`.
    pub policies: Option<Vec<PolicyWritten>>,
    /// `tolerance`.
    pub tolerance: Option<Milli>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyWritten {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: PolicyType,
    /// `value`.
    pub value: i32,
    /// `periodSeconds`.
    pub period_seconds: i32,
}

impl NamedMetric {
    /// The metric's name.
    pub fn name(&self) -> &str {
        &self.metric.name
    }
}

impl HpaWritten {
    /// Checks the spec and fills in upstream's defaults; `name` is for the messages.
    pub fn check(&self, name: &str, controller: Controller) -> Result<HpaSpec, SpecError> {
        let min = self.min_replicas.unwrap_or(1);
        if min > self.max_replicas {
            let message = format!("minReplicas {min} is above maxReplicas {}; lower one of them", self.max_replicas);
            return Err(SpecError::Field { hpa: name.to_owned(), message });
        }
        if self.metrics.is_empty() {
            let kind = "Resource (cpu at 80 %, the default when metrics are absent)".to_owned();
            return Err(SpecError::MetricType { hpa: name.to_owned(), index: 0, kind });
        }
        let metrics = self.metrics.iter().enumerate().map(|(index, metric)| metric.check(name, index));
        Ok(HpaSpec {
            min,
            max: self.max_replicas,
            metrics: metrics.collect::<Result<_, _>>()?,
            behavior: self.behavior.as_ref().map(BehaviorWritten::check),
            controller,
        })
    }
}

impl MetricWritten {
    fn check(&self, hpa: &str, index: usize) -> Result<MetricSpec, SpecError> {
        let fields = |target: Option<Target>, metric: &NamedMetric| {
            target.map(|target| (metric.name().to_owned(), target)).ok_or_else(|| SpecError::Field {
                hpa: hpa.to_owned(),
                message: format!("metrics[{index}] has no target value; write value or averageValue"),
            })
        };
        match (self.kind.as_str(), &self.external, &self.object) {
            ("External", Some(metric), _) => {
                let (name, target) = fields(metric.target.external(), metric)?;
                Ok(MetricSpec::External { name, target })
            }
            ("Object", _, Some(metric)) => {
                let (name, target) = fields(metric.target.object(), metric)?;
                Ok(MetricSpec::Object { name, target })
            }
            (kind, _, _) => Err(SpecError::MetricType { hpa: hpa.to_owned(), index, kind: kind.to_owned() }),
        }
    }
}

impl TargetWritten {
    /// External metrics use averageValue when both are set.
    fn external(&self) -> Option<Target> {
        self.average_value.map(Target::AverageValue).or(self.value.map(Target::Value))
    }

    /// Object metrics obey `type`.
    fn object(&self) -> Option<Target> {
        match self.kind.as_str() {
            "Value" => self.value.map(Target::Value),
            "AverageValue" => self.average_value.map(Target::AverageValue),
            _ => None,
        }
    }
}

impl BehaviorWritten {
    /// Either direction present fills in both.
    pub fn check(&self) -> Behavior {
        let fill = |written: &Option<RulesWritten>, defaults: Rules| match written {
            Some(written) => written.check(defaults),
            None => defaults,
        };
        Behavior {
            scale_up: fill(&self.scale_up, Rules::default_up()),
            scale_down: fill(&self.scale_down, Rules::default_down()),
        }
    }
}

impl RulesWritten {
    /// What is written replaces the default field by field; `policies` as a whole.
    fn check(&self, defaults: Rules) -> Rules {
        let policy = |p: &PolicyWritten| Policy { kind: p.kind, value: p.value, period_ms: seconds(p.period_seconds) };
        Rules {
            stabilization_ms: self.stabilization_window_seconds.map(seconds).or(defaults.stabilization_ms),
            select: self.select_policy.unwrap_or(defaults.select),
            policies: self.policies.as_ref().map_or(defaults.policies, |list| list.iter().map(policy).collect()),
            tolerance: self.tolerance.or(defaults.tolerance),
        }
    }
}
