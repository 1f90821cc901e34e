//! The local cluster: pods are child processes, replicas follow `proofload-autoscale` on really measured queue depth.
//!
//! Two loops as in KEDA: the scale loop (activity, zero and idle) every `pollingInterval`, the HPA every 15 s, both in
//! cluster time, which may run faster than wall time. It never claims to be a cluster.

use std::sync::Arc;
use std::time::Duration;

use proofload_autoscale::hpa::{self, HpaState, Observation, PodCount, Reading, Scale, Selector};
use proofload_autoscale::keda::{self, KedaState, Trigger, Triggers};
use proofload_autoscale::{ClusterTime, Milli};
use proofload_core::evidence::{ReplicaPoint, ScaledWorkload, ScalingSync};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::manifests::Autoscaled;
use super::pod::{Pod, PodTemplate};
use crate::clock::RunClock;
use crate::collector::{QueueReading, WatchedQueue};

/// The controller manager's `--horizontal-pod-autoscaler-sync-period`.
const HPA_SYNC: Duration = Duration::from_secs(15);
/// How often pods are looked after, in wall time.
const KUBELET: Duration = Duration::from_millis(100);

/// The first pause after a pod that failed, in cluster time.
const BACK_OFF_FIRST: Duration = Duration::from_secs(10);
/// The longest.
const BACK_OFF_MAX: Duration = Duration::from_mins(5);

/// What the cluster tells.
#[derive(Debug)]
pub(crate) enum ClusterEvent {
    /// The autoscaler decided.
    Sync {
        /// Index of the workload.
        workload: usize,
        /// The decision.
        sync: ScalingSync,
    },
    /// The number of pods changed.
    Replicas {
        /// Index of the workload.
        workload: usize,
        /// Wanted and ready.
        point: ReplicaPoint,
    },
    /// Something worth knowing.
    Warning(String),
}

/// Workloads of the local cluster, their first pods running.
pub(crate) struct LocalCluster {
    workloads: Vec<Workload>,
    stop: CancellationToken,
    loops: Vec<JoinHandle<()>>,
}

/// One scaled workload.
pub(crate) struct Workload {
    index: usize,
    autoscaled: Autoscaled,
    template: Arc<PodTemplate>,
    queues: Vec<WatchedQueue>,
    http: reqwest::Client,
    speed: f64,
    desired: u32,
    pods: Vec<Pod>,
    starting: JoinSet<Result<Pod, String>>,
    started: u32,
    told: Option<(u32, u32)>,
    /// Pods that failed to start, one after the other.
    failures: u32,
    /// No pod is started before this moment.
    starts_again: Option<tokio::time::Instant>,
}

/// What the loops report to, and by which clock.
struct Reporting {
    clock: RunClock,
    events: UnboundedSender<ClusterEvent>,
}

impl LocalCluster {
    /// Starts the first pods of every workload and waits until they are ready.
    ///
    /// # Errors
    /// A sentence with the last words of the container that failed.
    pub(crate) async fn start(workloads: Vec<Workload>) -> Result<Self, String> {
        let mut cluster = Self { workloads, stop: CancellationToken::new(), loops: Vec::new() };
        for index in 0..cluster.workloads.len() {
            if let Err(error) = cluster.workloads[index].start_first().await {
                cluster.end().await;
                return Err(error);
            }
        }
        Ok(cluster)
    }

    /// Lets the autoscalers work, from the start of the clock on.
    pub(crate) fn autoscale(&mut self, clock: RunClock, events: &UnboundedSender<ClusterEvent>) {
        for workload in self.workloads.drain(..) {
            let reporting = Reporting { clock, events: events.clone() };
            self.loops.push(tokio::spawn(workload.drive(reporting, self.stop.clone())));
        }
    }

    /// Every workload, before anything happened to it.
    pub(crate) fn evidence(&self) -> Vec<ScaledWorkload> {
        self.workloads.iter().map(|workload| workload.autoscaled.evidence()).collect()
    }

    /// Ends every pod.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        for workload in self.workloads {
            workload.end().await;
        }
        for driven in self.loops {
            // A panic in a loop has been told by the runtime; its pods die with it.
            let _ = driven.await;
        }
    }
}

impl Workload {
    /// A workload at its manifest's replicas, within the autoscaler's bounds; nothing is started yet.
    pub(crate) fn new(
        index: usize,
        autoscaled: Autoscaled,
        template: PodTemplate,
        queues: Vec<WatchedQueue>,
        speed: f64,
    ) -> Self {
        let bounds = autoscaled.bounds();
        Self {
            index,
            desired: autoscaled.replicas.clamp(bounds.0, bounds.1),
            autoscaled,
            http: template.spawner.http.clone(),
            template: Arc::new(template),
            queues,
            speed,
            pods: Vec::new(),
            starting: JoinSet::new(),
            started: 0,
            told: None,
            failures: 0,
            starts_again: None,
        }
    }

    async fn start_first(&mut self) -> Result<(), String> {
        self.fill_up();
        while let Some(started) = self.starting.join_next().await {
            self.pods.push(started.map_err(|error| format!("a pod could not be started: {error}"))??);
        }
        Ok(())
    }

    async fn drive(mut self, reporting: Reporting, stop: CancellationToken) {
        let (mut hpa_state, mut keda_state) = (HpaState::default(), KedaState::default());
        let polling = Duration::from_millis(self.autoscaled.object.spec.polling_interval_ms().max(1).unsigned_abs());
        let mut hpa_ticks = tokio::time::interval(HPA_SYNC.div_f64(self.speed));
        let mut keda_ticks = tokio::time::interval(polling.div_f64(self.speed));
        let mut kubelet_ticks = tokio::time::interval(KUBELET);
        for ticks in [&mut hpa_ticks, &mut keda_ticks, &mut kubelet_ticks] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = hpa_ticks.tick() => hpa_state = self.sync_hpa(hpa_state, &reporting).await,
                _ = keda_ticks.tick() => keda_state = self.scale_loop(keda_state, &reporting).await,
                _ = kubelet_ticks.tick() => self.look_after_pods(&reporting),
                Some(started) = self.starting.join_next() => self.take_in(started, &reporting),
            }
            self.tell_replicas(&reporting);
        }
        self.end().await;
    }

    /// One sync of the HPA; returns the controller's new memory.
    async fn sync_hpa(&mut self, state: HpaState, reporting: &Reporting) -> HpaState {
        let readings = self.read_triggers().await;
        let seen = Observation {
            scale: Some(Scale {
                spec_replicas: signed(self.desired),
                status_replicas: signed(self.status_replicas()),
                selector: Selector::Valid,
            }),
            pods: PodCount { total: signed(self.status_replicas()), ready: signed(self.ready()) },
            readings: readings.iter().map(|reading| as_series(*reading)).collect(),
        };
        let (decision, state) = hpa::sync(&self.autoscaled.hpa.spec, state, &seen, self.cluster_now(reporting));
        let to = u32::try_from(decision.desired).unwrap_or(0);
        let reasons: Vec<String> = decision.conditions.iter().map(|condition| condition.reason.to_string()).collect();
        self.tell_sync(readings.first().copied().flatten(), to, reasons.join(", "), reporting);
        self.scale_to(to);
        state
    }

    /// One look of KEDA's scale loop, which alone goes to and from zero.
    async fn scale_loop(&mut self, state: KedaState, reporting: &Reporting) -> KedaState {
        let mut triggers = Triggers { active: false, error: false };
        for trigger in self.autoscaled.hpa.triggers.clone() {
            match self.read_queue(&trigger).await {
                Some(reading) => triggers.active |= activity(&trigger, reading).1,
                None => triggers.error = true,
            }
        }
        let now = self.cluster_now(reporting);
        let (decision, state) =
            keda::request_scale(&self.autoscaled.object, state, triggers, signed(self.desired), now);
        if let Some(to) = decision.scale_to {
            let to = u32::try_from(to).unwrap_or(0);
            self.tell_sync(None, to, "KEDA scale loop".to_owned(), reporting);
            self.scale_to(to);
        }
        state
    }

    /// The value of every trigger; `None` where it could not be read.
    async fn read_triggers(&self) -> Vec<Option<f64>> {
        let mut values = Vec::new();
        for trigger in &self.autoscaled.hpa.triggers {
            let reading = self.read_queue(trigger).await;
            values.push(reading.map(|reading| activity(trigger, reading).0));
        }
        values
    }

    async fn read_queue(&self, trigger: &Trigger) -> Option<QueueReading> {
        let name = queue_name(trigger);
        let queue = self.queues.iter().find(|queue| queue.name == name)?;
        queue.read(&self.http).await.ok()
    }

    fn scale_to(&mut self, replicas: u32) {
        self.desired = replicas;
        self.fill_up();
        // Pods that are still starting go when they are ready; the youngest go first, as ReplicaSets do.
        while self.pods.len() > replicas as usize {
            if let Some(pod) = self.pods.pop() {
                tokio::spawn(pod.stop());
            }
        }
    }

    /// Starts as many pods as are missing, unless the last ones failed and their pause is not over.
    fn fill_up(&mut self) {
        if self.starts_again.is_some_and(|moment| tokio::time::Instant::now() < moment) {
            return;
        }
        while self.status_replicas() < self.desired {
            self.started += 1;
            let (template, number) = (Arc::clone(&self.template), self.started);
            self.starting.spawn(async move { template.start(number).await });
        }
    }

    fn take_in(&mut self, started: Result<Result<Pod, String>, tokio::task::JoinError>, reporting: &Reporting) {
        match started {
            Ok(Ok(pod)) => {
                self.failures = 0;
                if self.pods.len() < self.desired as usize {
                    self.pods.push(pod);
                } else {
                    tokio::spawn(pod.stop());
                }
            }
            Ok(Err(error)) => self.back_off(&error, reporting),
            Err(error) => self.back_off(&format!("a pod could not be started: {error}"), reporting),
        }
        self.fill_up();
    }

    /// Waits before the next start as the kubelet does: 10 s, doubled at each failure up to 5 min, in cluster time.
    fn back_off(&mut self, error: &str, reporting: &Reporting) {
        let pause = BACK_OFF_FIRST.saturating_mul(1 << self.failures.min(16)).min(BACK_OFF_MAX).div_f64(self.speed);
        self.failures += 1;
        self.starts_again = Some(tokio::time::Instant::now() + pause);
        warn(reporting, format!("{error} (failure {} in a row)", self.failures));
    }

    /// Pods whose process ended are replaced, as a ReplicaSet would; missing ones are started.
    fn look_after_pods(&mut self, reporting: &Reporting) {
        while let Some(at) = self.pods.iter_mut().position(Pod::has_ended) {
            let pod = self.pods.remove(at);
            let error = format!("pod {} ended by itself", pod.name);
            tokio::spawn(pod.stop());
            self.back_off(&error, reporting);
        }
        self.fill_up();
    }

    fn tell_sync(&self, metric: Option<f64>, desired: u32, reason: String, reporting: &Reporting) {
        let sync = ScalingSync { at_ms: reporting.clock.now_ms(), metric, current: self.desired, desired, reason };
        let _ = reporting.events.send(ClusterEvent::Sync { workload: self.index, sync });
    }

    fn tell_replicas(&mut self, reporting: &Reporting) {
        let now = (self.desired, self.ready());
        if self.told == Some(now) {
            return;
        }
        self.told = Some(now);
        let point = ReplicaPoint { at_ms: reporting.clock.now_ms(), desired: now.0, ready: now.1 };
        let _ = reporting.events.send(ClusterEvent::Replicas { workload: self.index, point });
    }

    fn status_replicas(&self) -> u32 {
        u32::try_from(self.pods.len() + self.starting.len()).unwrap_or(u32::MAX)
    }

    fn ready(&self) -> u32 {
        u32::try_from(self.pods.len()).unwrap_or(u32::MAX)
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a run is shorter than 2^53 ms")]
    fn cluster_now(&self, reporting: &Reporting) -> ClusterTime {
        ClusterTime::from_millis((reporting.clock.now_ms() as f64 * self.speed) as i64)
    }

    async fn end(mut self) {
        self.starting.abort_all();
        while let Some(started) = self.starting.join_next().await {
            if let Ok(Ok(pod)) = started {
                pod.stop().await;
            }
        }
        futures::future::join_all(self.pods.into_iter().map(Pod::stop)).await;
    }
}

/// The queue a trigger looks at.
pub(crate) fn queue_name(trigger: &Trigger) -> &str {
    match trigger {
        Trigger::RabbitMq(rabbitmq) => &rabbitmq.queue,
        Trigger::Kafka(kafka) => &kafka.topic,
    }
}

/// The scaled value and whether the trigger is active, by KEDA's own arithmetic.
fn activity(trigger: &Trigger, reading: QueueReading) -> (f64, bool) {
    match trigger {
        Trigger::RabbitMq(rabbitmq) => {
            let figures = keda::QueueFigures {
                messages: whole(reading.work()),
                messages_ready: whole(reading.ready),
                publish_rate: 0.0,
                deliver_get_rate: 0.0,
            };
            let activity = rabbitmq.activity(figures);
            (activity.value, activity.active)
        }
        Trigger::Kafka(kafka) => {
            let lag = whole(reading.ready);
            let activity = kafka.activity(&[keda::PartitionLag { scaling: lag, activation: lag }]);
            (activity.value, activity.active)
        }
    }
}

fn as_series(value: Option<f64>) -> Reading {
    value.map_or(Reading::Failed, |value| Reading::Series(vec![Milli::from_scaler(value)]))
}

fn warn(reporting: &Reporting, text: String) {
    let _ = reporting.events.send(ClusterEvent::Warning(text));
}

fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "queues hold whole numbers below 2^53")]
fn whole(value: f64) -> i64 {
    value as i64
}
