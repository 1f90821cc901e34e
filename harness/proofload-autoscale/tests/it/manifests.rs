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
