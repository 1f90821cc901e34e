//! Reading manifests: what is understood, and how a broken file is reported.

use proofload_autoscale::hpa::{Controller, SpecError, Target};
use proofload_autoscale::keda::{TriggerContext, generated_hpa};
use proofload_autoscale::manifest::{Typed, parse};
use proofload_autoscale::{Milli, hpa};

use super::files::rendered;

#[test]
fn the_queue_worker_of_medical_platform_is_understood() {
    let resources = rendered("medical-platform/base").unwrap();
    let find = |kind: &str, name: &str| {
        resources.iter().find(|r| r.document.kind() == kind && r.document.name() == name).unwrap()
    };
    let workload = find("Deployment", "ml-inference").workload().unwrap();
    assert_eq!(workload.replicas, Some(2));
    assert_eq!(workload.namespace.as_deref(), Some("medical-platform"));
    let names: Vec<&str> = workload.containers.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["serving", "worker"]);
    assert_eq!(workload.containers[0].request("cpu"), Some(Milli::whole(2)));
    assert_eq!(workload.containers[0].limit("nvidia.com/gpu"), Some(Milli::whole(1)));
    assert_eq!(workload.containers[1].command, ["proofload", "stack", "worker"]);
    assert!(matches!(find("ConfigMap", "platform-config").typed, Typed::Opaque));

    let object = find("ScaledObject", "ml-inference").scaled_object().unwrap();
    let generated = generated_hpa(object, &TriggerContext::default(), Controller::default()).unwrap();
    assert_eq!(generated.name, "keda-hpa-ml-inference");
    assert_eq!((generated.spec.min, generated.spec.max), (1, 5));
    let hpa::MetricSpec::External { name, target } = &generated.spec.metrics[0] else { panic!("an external metric") };
    assert_eq!(name, "s0-rabbitmq-medical_data");
    assert_eq!(*target, Target::AverageValue(Milli::whole(10)));
}

#[test]
fn a_cpu_autoscaler_is_refused_by_name_until_it_is_emulated() {
    let resources = rendered("fish/base").unwrap();
    let written = resources.iter().find_map(|r| r.hpa()).unwrap();
    let refused = written.check("HorizontalPodAutoscaler/fish-api", Controller::default()).unwrap_err();
    assert!(matches!(refused, SpecError::MetricType { index: 0, .. }));
    assert_eq!(
        refused.to_string(),
        "HorizontalPodAutoscaler/fish-api: metrics[0] is of type Resource, which is not emulated yet; External and Object \
         metrics are"
    );
}

fn check_error(yaml: &str, expected: &str) {
    assert_eq!(parse("m.yaml", yaml).unwrap_err().to_string(), expected);
}

#[test]
fn errors_name_the_place() {
    check_error(
        "# nothing else\n\nkind: Service\n",
        "m.yaml:3: this document has no kind or no metadata.name; every Kubernetes object needs both",
    );
    check_error(
        "kind: Service\nmetadata: {name: a}\n---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: b}\nspec: {}\n",
        "m.yaml:4: ScaledObject/b: spec: missing field `scaleTargetRef`",
    );
    let unclosed = parse("m.yaml", "a: 1\nkind: [Service\nb: c\n").unwrap_err().to_string();
    assert!(unclosed.starts_with("m.yaml:"), "{unclosed}");
}

#[test]
fn quoted_numbers_stay_texts_and_only_true_and_false_are_booleans() {
    let resources =
        parse("m.yaml", "kind: ConfigMap\nmetadata: {name: a}\ndata: {n: \"10\", y: yes, b: true, i: 10}\n").unwrap();
    assert_eq!(resources[0].document.value["data"].to_string(), r#"{"n":"10","y":"yes","b":true,"i":10}"#);
}

#[test]
fn behavior_replaces_the_defaults_field_by_field() {
    let yaml = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {kind: Deployment, name: a}
  maxReplicas: 3
  metrics:
  - {type: External, external: {metric: {name: m}, target: {type: Value, value: 1500m}}}
  - {type: Object, object: {metric: {name: o}, target: {type: AverageValue, averageValue: 2k}}}
  behavior:
    scaleDown: {tolerance: 50m, policies: [{type: Pods, value: 1, periodSeconds: 60}]}
";
    let resources = parse("m.yaml", yaml).unwrap();
    let spec = resources[0].hpa().unwrap().check("a", Controller::default()).unwrap();
    let behavior = spec.behavior.as_ref().unwrap();
    assert_eq!(behavior.scale_up, hpa::Rules::default_up());
    assert_eq!(behavior.scale_down.stabilization_ms, None, "the controller's flag");
    assert_eq!(behavior.scale_down.policies.len(), 1);
    assert_eq!((spec.tolerance().down, spec.tolerance().up), (Milli(50), Milli(100)));
    let targets = spec.metrics.iter().map(|metric| match metric {
        hpa::MetricSpec::External { target, .. } | hpa::MetricSpec::Object { target, .. } => *target,
        hpa::MetricSpec::Unknown { kind } => panic!("{kind}"),
    });
    assert_eq!(targets.collect::<Vec<_>>(), [Target::Value(Milli(1500)), Target::AverageValue(Milli::whole(2000))]);
}

#[test]
fn credentials_of_a_broker_show_nowhere() {
    let yaml = "
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a, annotations: {autoscaling.keda.sh/paused-scale-in: 'true'}}
spec:
  scaleTargetRef: {name: a}
  triggers: [{type: rabbitmq, metadata: {queueName: q, hostFromEnv: URL}}]
";
    let context =
        |url: &str| TriggerContext { env: [("URL".to_owned(), url.to_owned())].into(), ..TriggerContext::default() };
    let resources = parse("m.yaml", yaml).unwrap();
    let object = resources[0].scaled_object().unwrap();
    let good = context("amqp://u:hunter2@b:5672/v");
    let generated = generated_hpa(object, &good, Controller::default()).unwrap();
    let bad = generated_hpa(object, &context("hunter2"), Controller::default()).unwrap_err();
    assert!(!format!("{generated:?} {good:?} {bad:?} {bad}").contains("hunter2"));
    let behavior = generated.spec.behavior.unwrap();
    assert_eq!(behavior.scale_down.select, hpa::Select::Disabled, "scaling in is paused");
    assert_eq!(behavior.scale_up.select, hpa::Select::Max);
}
