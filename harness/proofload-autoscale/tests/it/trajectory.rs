//! Whole trajectories on the virtual clock: scale loop and HPA together, as a cluster would run them.

use std::fmt::Write as _;

use proofload_autoscale::hpa::{Controller, HpaState, Observation, PodCount, Reading, Scale, Selector, sync};
use proofload_autoscale::keda::{
    GeneratedHpa, KedaState, PartitionLag, QueueFigures, ScaledObject, Trigger, TriggerContext, Triggers,
    generated_hpa, request_scale,
};
use proofload_autoscale::manifest::{Resource, parse};
use proofload_autoscale::{ClusterTime, Milli};

use super::files::rendered;

const SYNC_MS: i64 = 15_000;

/// One object on its own clock. Pods are ready at once.
struct Simulated {
    object: ScaledObject,
    generated: GeneratedHpa,
    hpa: HpaState,
    keda: KedaState,
    replicas: i32,
}

impl Simulated {
    fn new(object: &ScaledObject, replicas: i32) -> Self {
        let generated = generated_hpa(object, &TriggerContext::default(), Controller::default()).unwrap();
        let keda = KedaState { created: ClusterTime::from_millis(-1), last_active: None };
        Self { object: object.clone(), generated, hpa: HpaState::default(), keda, replicas }
    }

    /// One HPA sync, and a pass of the scale loop where its period falls on it.
    fn step(&mut self, now_ms: i64, backlog: i64) {
        let now = ClusterTime::from_millis(now_ms);
        let activity = match &self.generated.triggers[0] {
            Trigger::RabbitMq(rabbitmq) => rabbitmq.activity(QueueFigures {
                messages: backlog,
                messages_ready: backlog,
                ..QueueFigures::default()
            }),
            Trigger::Kafka(kafka) => {
                let part = |_| PartitionLag { scaling: backlog / 3, activation: backlog / 3 };
                kafka.activity(&(0..3).map(part).collect::<Vec<_>>())
            }
        };
        if now_ms % self.object.spec.polling_interval_ms() == 0 {
            let triggers = Triggers { active: activity.active, error: false };
            let (decision, keda) = request_scale(&self.object, self.keda, triggers, self.replicas, now);
            self.keda = keda;
            self.replicas = decision.scale_to.unwrap_or(self.replicas);
        }
        let scale = Scale { spec_replicas: self.replicas, status_replicas: self.replicas, selector: Selector::Valid };
        let seen = Observation {
            scale: Some(scale),
            pods: PodCount { total: self.replicas, ready: self.replicas },
            readings: vec![Reading::Series(vec![Milli::from_scaler(activity.value)])],
        };
        let (decision, hpa) = sync(&self.generated.spec, std::mem::take(&mut self.hpa), &seen, now);
        self.hpa = hpa;
        self.replicas = decision.desired;
    }
}

/// The moments at which the replicas change, under a backlog that is a function of time in seconds.
fn check(object: &ScaledObject, start: i32, backlog: fn(i64) -> i64, expected: &str) {
    let mut simulated = Simulated::new(object, start);
    let mut text = format!("{start}");
    for now_ms in (0..1_200_000).step_by(usize::try_from(SYNC_MS).unwrap()) {
        let before = simulated.replicas;
        simulated.step(now_ms, backlog(now_ms / 1000));
        if simulated.replicas != before {
            write!(text, " {}s:{}", now_ms / 1000, simulated.replicas).unwrap();
        }
    }
    assert_eq!(text, expected);
}

fn first(resources: &[Resource]) -> &ScaledObject {
    resources.iter().find_map(Resource::scaled_object).unwrap()
}

fn backlog_of_48_until_100_s(s: i64) -> i64 {
    if s < 100 { 48 } else { 0 }
}

#[test]
fn medical_platform_needs_two_syncs_up_and_a_whole_window_down() {
    let resources = rendered("medical-platform/overlays/local").unwrap();
    check(first(&resources), 1, backlog_of_48_until_100_s, "1 0s:4 15s:5 405s:1");
}

#[test]
fn fish_stays_at_three_of_ten() {
    let resources = rendered("fish/base").unwrap();
    check(first(&resources), 1, |_| 300, "1 0s:3");
}

fn queue(spec: &str) -> ScaledObject {
    let yaml = format!(
        "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: worker}}
spec:
  scaleTargetRef: {{name: worker}}
  {spec}
  triggers: [{{type: rabbitmq, metadata: {{queueName: q, mode: QueueLength, value: '10', host: 'http://b'}}}}]
"
    );
    first(&parse("m.yaml", &yaml).unwrap()).clone()
}

/// Seen on a real cluster (Kubernetes 1.34, KEDA 2.21): 48 messages took 1 to 5 in one decision, and back after 5 s.
#[test]
fn with_behavior_one_sync_reaches_five() {
    let behavior =
        "advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 5}}}}";
    let object = queue(&format!("{behavior}\n  minReplicaCount: 1\n  maxReplicaCount: 5"));
    check(&object, 1, backlog_of_48_until_100_s, "1 0s:5 105s:1");
}

/// From and to zero: the scale loop lifts 0 to 1 and, once cooled, takes N to 0 past every HPA rule.
#[test]
fn zero_is_the_scale_loops_business() {
    let object = queue("cooldownPeriod: 60\n  maxReplicaCount: 4");
    check(&object, 0, backlog_of_48_until_100_s, "0 0s:4 180s:0");
    check(&object, 0, |_| 0, "0");
    check(&queue("idleReplicaCount: 0\n  minReplicaCount: 2"), 2, |_| 0, "2 0s:0");
}

#[test]
fn paused_objects_stand_still() {
    let mut object = queue("maxReplicaCount: 4");
    object.annotations.insert("autoscaling.keda.sh/paused-replicas".to_owned(), "3".to_owned());
    let triggers = Triggers { active: true, error: false };
    let (decision, _) = request_scale(&object, KedaState::default(), triggers, 0, ClusterTime::from_millis(0));
    assert_eq!((decision.scale_to, decision.active), (Some(3), None));
    assert!(object.is_paused());
    object.annotations.clear();
    object.annotations.insert("autoscaling.keda.sh/paused".to_owned(), "false".to_owned());
    assert!(!object.is_paused());
    object.annotations.insert("autoscaling.keda.sh/paused".to_owned(), "yes, please".to_owned());
    assert!(object.is_paused(), "a value that is no boolean counts as true");
}

/// The drained queue with every replica at work: over AMQP it reads 0, over HTTP it does not.
#[test]
fn unacknowledged_messages_count_over_http_only() {
    let figures = QueueFigures { messages: 5, messages_ready: 0, ..QueueFigures::default() };
    let read = |object: &ScaledObject| {
        let generated = generated_hpa(object, &TriggerContext::default(), Controller::default()).unwrap();
        let Trigger::RabbitMq(rabbitmq) = &generated.triggers[0] else { panic!("a rabbitmq trigger") };
        let activity = rabbitmq.activity(figures);
        format!("{} {}", activity.value, activity.active)
    };
    assert_eq!(read(first(&rendered("medical-platform/base").unwrap())), "0 false");
    assert_eq!(read(&queue("maxReplicaCount: 5")), "5 true");
}
