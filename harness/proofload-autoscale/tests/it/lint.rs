//! Each finding fires where it should and is silent where it should be; the texts are snapshots, for people read them.

use proofload_autoscale::lint::lint;
use proofload_autoscale::manifest::{Resource, parse};

use super::files::rendered;

fn text(resources: &[Resource]) -> String {
    lint(resources).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The findings of one text.
fn found(yaml: &str) -> String {
    text(&parse("m.yaml", yaml).unwrap())
}

fn silent(yaml: &str) {
    assert_eq!(found(yaml), "");
}

fn hpa(target: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: api}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: api}}
  maxReplicas: 4
  metrics: [{{type: Resource, resource: {{name: cpu, target: {target}}}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
      - {{name: api, resources: {{requests: {{cpu: 100m}}}}}}
      - {{name: sidecar, resources: {{requests: {{memory: 64Mi}}}}}}
      - {{name: limited, resources: {{limits: {{cpu: 1}}}}}}
"
    )
}

fn scaled_object(spec: &str, annotations: &str, trigger: &str) -> String {
    format!(
        "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: worker, annotations: {annotations}}}
spec:
  scaleTargetRef: {{name: worker}}
  {spec}
  triggers: [{trigger}]
"
    )
}

const QUEUE: &str = "{type: rabbitmq, metadata: {queueName: q, mode: QueueLength, value: '10', host: 'http://b'}}";
const TOPIC: &str = "{type: kafka, metadata: {bootstrapServers: 'k:9092', consumerGroup: g, topic: t}}";

#[test]
fn missing_requests() {
    insta::assert_snapshot!(found(&hpa("{type: Utilization, averageUtilization: 70}")));
    silent(&hpa("{type: AverageValue, averageValue: 500m}"));
    silent(&hpa("{type: Utilization, averageUtilization: 70}").replace("memory: 64Mi", "cpu: 10m"));
    let without = hpa("{}").replace("  metrics: [{type: Resource, resource: {name: cpu, target: {}}}]\n", "");
    assert!(found(&without).contains("missing-requests"), "the default is 80 % cpu");
    let keda = "{type: cpu, metricType: Utilization, metadata: {value: '50'}}";
    let object =
        scaled_object("scaleTargetRef: {name: api}", "{}", keda).replacen("  scaleTargetRef: {name: worker}\n", "", 1);
    let deployment = hpa("{}");
    let deployment = deployment.split_once("---\n").unwrap().1;
    assert!(found(&format!("{object}---\n{deployment}")).contains("missing-requests"));
}

#[test]
fn kafka_max_above_partitions() {
    let three = "{proofload.dev/partitions: '3'}";
    insta::assert_snapshot!(found(&scaled_object("maxReplicaCount: 10", three, TOPIC)));
    silent(&scaled_object("maxReplicaCount: 3", three, TOPIC));
    silent(&scaled_object("maxReplicaCount: 10", "{}", TOPIC));
    silent(&scaled_object("maxReplicaCount: 10", three, QUEUE));
    let wrong = found(&scaled_object("maxReplicaCount: 10", "{proofload.dev/partitions: three}", TOPIC));
    assert!(wrong.contains("error[kafka-max-above-partitions]"), "{wrong}");
}

#[test]
fn rabbitmq_counts_ready_only() {
    let amqp = QUEUE.replace("http://b", "amqp://b:5672");
    insta::assert_snapshot!(found(&scaled_object("maxReplicaCount: 5", "{}", &amqp)));
    silent(&scaled_object("maxReplicaCount: 5", "{}", QUEUE));
    let from_secret = "{type: rabbitmq, metadata: {queueName: q, queueLength: '10', hostFromEnv: H}}";
    silent(&scaled_object("maxReplicaCount: 5", "{}", from_secret));
    let told = from_secret.replace("hostFromEnv", "protocol: amqp, hostFromEnv");
    assert!(found(&scaled_object("maxReplicaCount: 5", "{}", &told)).contains("ready-only"));
}

#[test]
fn keda_inert_fields() {
    let spec = |rest: &str| format!("pollingInterval: 5\n  cooldownPeriod: 60\n  {rest}");
    insta::assert_snapshot!(found(&scaled_object(&spec("minReplicaCount: 2"), "{}", QUEUE)));
    silent(&scaled_object(&spec("minReplicaCount: 0"), "{}", QUEUE));
    silent(&scaled_object(&spec("minReplicaCount: 2\n  idleReplicaCount: 0"), "{}", QUEUE));
    silent(&scaled_object("minReplicaCount: 2", "{}", QUEUE));
    let cached = QUEUE.replace("{type", "{useCachedMetrics: true, type");
    silent(&scaled_object("pollingInterval: 5\n  minReplicaCount: 2", "{}", &cached));
}

#[test]
fn two_autoscalers() {
    let object = scaled_object("minReplicaCount: 1", "{}", QUEUE);
    let same =
        hpa("{type: AverageValue, averageValue: 1}").replace("Deployment, name: api", "Deployment, name: worker");
    insta::assert_snapshot!(found(&format!("{object}---\n{same}")));
    silent(&format!("{object}---\n{}", hpa("{type: AverageValue, averageValue: 1}")));
    silent(&format!("{object}---\n{}", object.replace("name: worker,", "name: worker, namespace: other,")));
    assert!(
        found(&format!("{object}---\n{}", object.replace("name: worker,", "name: second,"))).contains("error[two-auto")
    );
    let handed_over =
        scaled_object("minReplicaCount: 1", "{scaledobject.keda.sh/transfer-hpa-ownership: 'true'}", QUEUE);
    silent(&format!("{handed_over}---\n{same}"));
}

#[test]
fn our_own_manifests_keep_the_flaws_of_their_contracts() {
    insta::assert_snapshot!("medical-platform", text(&rendered("medical-platform/overlays/local").unwrap()));
    insta::assert_snapshot!("fish", text(&rendered("fish/overlays/local").unwrap()));
}
