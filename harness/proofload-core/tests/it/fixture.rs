//! Records of runs that never happened: same arrivals, same numbers, every time.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up numbers are small"
)]

use std::collections::BTreeMap;

use proofload_core::baseline::{Baseline, BaselineRun};
use proofload_core::environment::Prices;
use proofload_core::evidence::{
    AuditEvidence, Calibration, CheckCounts, ClusterEvidence, Fate, GeneratorEvidence, Histogram, LedgerEntry,
    LedgerEvidence, Mark, ReplicaPoint, RunEnd, RunInfo, RunRecord, ScaledWorkload, ScalingSync, Second, SlowSample,
    Standstill, StepEvidence, StepKind, Timeline, keep_slowest,
};
use proofload_core::judge::judge;
use proofload_core::plan::Plan;
use proofload_core::report::{Format, Report, RunFile, closing_lines, files};
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;

const SCENARIO: &str = r#"
apiVersion: proofload/v1
kind: Scenario
name: medical-platform.upload-peak
description: The morning peak of radiology uploads; every accepted study is diagnosed in time.
system: medical-platform
payloads:
  studies: { files: ../payloads/xray/*.png, pick: zipf, exponent: 1.1 }
flows:
  upload-study:
    - request:
        name: upload
        method: POST
        path: /api/v1/studies
        auth: clinician
        multipart: { file: "{{payload studies}}", patient_id: "p-{{iteration}}" }
        expect: { status: 202 }
        extract: { study: { json: /id }, status_url: { header: Location } }
    - job:
        id: "{{study}}"
        poll: { path: "{{status_url}}", every: 250ms, timeout: 60s }
        done: { json: /state, in: [succeeded] }
        failed: { json: /state, in: [failed, dead-lettered] }
workloads:
  uploads:
    flow: upload-study
    executor: ramping-arrival-rate
    start_rate: 5/s
    stages:
      - { name: rise, rate: 40/s, for: 20s }
      - { name: peak, rate: 40/s, for: 60s }
      - { name: fall, rate: 2/s, for: 40s }
slos:
  - { sli: latency(upload), p95: 300ms, during: uploads.peak, claim: steady }
  - { sli: latency(upload), p99: 2s, claim: run }
  - { sli: errors(upload), max: 0.1% }
  - { sli: job(upload-study), p95: 10s, claim: run }
  - { sli: ledger.lost, max: 0 }
  - { sli: 'promql("max(rabbitmq_queue_messages_ready)")', max: 200, needs: [prometheus] }
scaling:
  - target: Deployment/ml-inference
    reaches: { replicas: 5, within: 600s, after: uploads.peak }
    returns: { replicas: 1, within: 10m, after: uploads.end }
    flaps: 0
"#;

/// A run and what it was judged by.
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) record: RunRecord,
}

impl Run {
    pub(crate) fn judged(&self) -> Report {
        judge(&self.scenario, &self.record)
    }

    /// The run as later ones are held against it.
    pub(crate) fn as_baseline(&self) -> Baseline {
        Baseline { runs: vec![BaselineRun::of(&self.judged(), &self.record)] }
    }

    pub(crate) fn files(&self) -> Vec<RunFile> {
        files(&self.judged(), &self.record, None)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        let file = self.files().into_iter().find(|file| file.name == name).unwrap();
        String::from_utf8(file.content).unwrap()
    }

    pub(crate) fn rendered(&self, format: Format) -> Vec<u8> {
        let mut content = Vec::new();
        format.write(&self.judged(), &self.record, None, &mut content).unwrap();
        content
    }

    pub(crate) fn closing(&self) -> String {
        closing_lines(&self.judged()).join("\n")
    }
}

/// How a made-up system behaves.
struct Behaviour {
    /// Median response time, ms, by second of the run.
    median_ms: fn(u32) -> f64,
    errors_at: &'static [u32],
    broken_at: &'static [u32],
    lost: usize,
    wake_lag_us: u64,
}

impl Behaviour {
    fn classes(&self) -> BTreeMap<String, u64> {
        let classes = [("status 503", self.errors_at.len() as u64), ("timed-out", 10 * self.broken_at.len() as u64)];
        classes.into_iter().filter(|(_, count)| *count > 0).map(|(class, count)| (class.to_owned(), count)).collect()
    }
}

const HEALTHY: Behaviour = Behaviour { median_ms: |_| 24.0, errors_at: &[], broken_at: &[], lost: 0, wake_lag_us: 60 };

/// Everything holds; replicas go from 1 to 5 and back.
pub(crate) fn pass() -> Run {
    run(&HEALTHY, "2026-11-21-0948-pass")
}

/// Slow at the peak, two wrong answers, a stall without answers, and three jobs lost.
pub(crate) fn fail() -> Run {
    let slow = |at| if (40..62).contains(&at) { 420.0 } else { 26.0 };
    let behaviour = Behaviour { median_ms: slow, errors_at: &[44, 45], broken_at: &[50, 51, 52], lost: 3, ..HEALTHY };
    run(&behaviour, "2026-11-21-1012-fail")
}

/// The prices of medical-platform, a month of one replica each (shared/systems.md): the run holds its latencies and
/// costs more than it may.
pub(crate) fn priced() -> Run {
    let mut run = run(&HEALTHY, "2026-11-21-1055-priced");
    let rules = "slos:
  - { sli: cost.total, max: 0.15 }
  - { sli: cost.hourly, max: 2.5, during: uploads.peak }
  - { sli: cost.per_1000(upload), max: 0.05 }
  - { sli: cost.per_1000(upload-study), max: 0.00005 }";
    run.scenario = Scenario::parse("upload-peak.yaml", &SCENARIO.replace("slos:", rules)).unwrap();
    run.record.cluster.as_mut().unwrap().speed = 1.0;
    run.record.prices = Some(prices());
    run
}

pub(crate) fn prices() -> Prices {
    let prices = r#"{
        "currency": "USD",
        "replicas": { "Deployment/ml-inference": "400/month" },
        "fixed": { "api-gateway": "150/month", "postgres": "200/month", "rabbitmq": "150/month", "redis": "100/month" }
    }"#;
    serde_json::from_str(prices).unwrap()
}

/// proofload itself was late.
pub(crate) fn invalid() -> Run {
    let mut run = run(&Behaviour { wake_lag_us: 45_000, ..HEALTHY }, "2026-11-21-1030-invalid");
    run.record.generator.thread_busy = (0..120u32).map(|at| if at < 60 { 0.4 } else { 0.97 }).collect();
    run.record.generator.audit.as_mut().unwrap().run_queue = vec![0.081; 120];
    run.record.generator.cpu_pressure = Some(71.3);
    run
}

/// Sound and fast, and too short for the percentile that a rule is about.
pub(crate) fn undecided() -> Run {
    let mut run = run(&HEALTHY, "2026-11-21-1041-undecided");
    run.scenario = Scenario::parse("upload-peak.yaml", &SCENARIO.replace("p95: 300ms", "p99.9: 300ms")).unwrap();
    run
}

/// Stopped in the middle of the rise.
pub(crate) fn interrupted() -> Run {
    let mut run = pass();
    run.record.run.end = RunEnd::Interrupted;
    run.record.run.lasted_ms = 12_400;
    for step in &mut run.record.steps {
        step.seconds.retain(|second| second.at < 12);
    }
    let due: u64 = run.record.steps[0].seconds.iter().map(|second| second.due).sum();
    (run.record.generator.due, run.record.generator.dispatched) = (due, due);
    run.record.generator.polls = due * 3;
    run.record.ledgers = vec![ledger(due, 0)];
    run.record.timeline.marks.clear();
    for points in run.record.timeline.series.values_mut() {
        points.retain(|(at_ms, _)| *at_ms < 12_400);
    }
    let workload = &mut run.record.cluster.as_mut().unwrap().workloads[0];
    workload.syncs.retain(|sync| sync.at_ms < 12_400);
    workload.replicas.retain(|point| point.at_ms < 12_400);
    run
}

/// Not one answer.
pub(crate) fn all_broken() -> Run {
    let mut run = pass();
    run.record.cluster = None;
    run.record.ledgers = vec![LedgerEvidence { flow: "upload-study".to_owned(), ..LedgerEvidence::default() }];
    run.record.steps.retain(|step| step.kind == StepKind::Request);
    for second in &mut run.record.steps[0].seconds {
        let due = second.due;
        *second = empty_second(second.at, second.late.len());
        (second.due, second.broken) = (due, due);
        second.late.fill(due);
    }
    run
}

/// Nothing at all.
pub(crate) fn empty() -> Run {
    let mut run = pass();
    run.record.plan.clear();
    run.record.steps.clear();
    run.record.ledgers.clear();
    run.record.timeline = Timeline::default();
    run.record.cluster = None;
    run.record.run.lasted_ms = 0;
    run.record.run.end = RunEnd::Running;
    run.record.generator = GeneratorEvidence { due: 0, dispatched: 0, ..generator(0, 0) };
    run.record.generator.thread_busy.clear();
    run.scenario.slos.clear();
    run.scenario.scaling.clear();
    run
}

/// The scenario of all these runs, and something more.
pub(crate) fn scenario(more: &str) -> Scenario {
    Scenario::parse("upload-peak.yaml", &format!("{SCENARIO}{more}")).unwrap()
}

fn run(behaviour: &Behaviour, id: &str) -> Run {
    let scenario = scenario("");
    let plan = Plan::new(&scenario, &Traces::default(), 7).unwrap();
    let mut upload = StepEvidence {
        kind: StepKind::Request,
        name: "upload".to_owned(),
        limits_ns: vec![300_000_000, 2_000_000_000],
        seconds: vec![],
        error_classes: behaviour.classes(),
        checks: BTreeMap::new(),
        slowest: vec![],
    };
    let mut study = StepEvidence {
        kind: StepKind::Job,
        name: "upload-study".to_owned(),
        limits_ns: vec![10_000_000_000],
        seconds: vec![],
        error_classes: BTreeMap::new(),
        checks: BTreeMap::new(),
        slowest: vec![],
    };
    let mut noise = Noise(0x5EED);
    for at in 0..120u32 {
        let within = |ns: u64| ns / 1_000_000_000 == u64::from(at);
        let due = plan.arrivals.iter().filter(|arrival| within(arrival.at_ns)).count() as u64;
        upload.seconds.push(second(at, due, behaviour, &mut noise, &upload.limits_ns));
        let slow = Behaviour { median_ms: job_ms, errors_at: &[], broken_at: &[], ..*behaviour };
        study.seconds.push(second(at, due, &slow, &mut noise, &study.limits_ns));
    }
    let due = plan.arrivals.len() as u64;
    upload.checks = checks(&upload.seconds);
    upload.slowest = slowest(&upload.seconds, "status 202");
    study.slowest = slowest(&study.seconds, "succeeded");
    let record = RunRecord {
        api_version: proofload_core::API_VERSION.to_owned(),
        run: info(id),
        plan: plan.workloads,
        steps: vec![upload, study],
        ledgers: vec![ledger(due, behaviour.lost)],
        timeline: timeline(behaviour),
        generator: generator(due, behaviour.wake_lag_us),
        cluster: Some(cluster()),
        external: Vec::new(),
        prices: None,
        aborted: None,
        conformance: Vec::new(),
    };
    Run { scenario, record }
}

fn info(id: &str) -> RunInfo {
    RunInfo {
        id: id.to_owned(),
        started_unix_ms: 1_795_254_492_123,
        lasted_ms: 148_300,
        end: RunEnd::Completed,
        scenario: "medical-platform.upload-peak".to_owned(),
        description: "The morning peak of radiology uploads; every accepted study is diagnosed in time.".to_owned(),
        environment: "local".to_owned(),
        environment_hash: "9f2c4e1ab0d73c5511e8a9d60f4b2c7783ab19e0c4d5f60718293a4b5c6d7e8f".to_owned(),
        seed: 7,
        version: "0.1.0".to_owned(),
        command: "proofload run scenarios/medical-platform/upload-peak.yaml -e local --seed 7".to_owned(),
        machine: "4 cores, Linux 6.1, 16 GiB".to_owned(),
        confidence: None,
    }
}

/// Jobs wait while one replica serves the peak.
fn job_ms(at: u32) -> f64 {
    match at {
        0..15 => 400.0,
        15..40 => 400.0 + f64::from(at - 15) * 180.0,
        40..60 => 4_900.0 - f64::from(at - 40) * 220.0,
        _ => 480.0,
    }
}

fn second(at: u32, due: u64, behaviour: &Behaviour, noise: &mut Noise, limits_ns: &[u64]) -> Second {
    let mut second = empty_second(at, limits_ns.len());
    let (mut response, mut service, mut queue_wait) = (Histogram::live(), Histogram::live(), Histogram::live());
    let broken = if behaviour.broken_at.contains(&at) { due / 4 } else { 0 };
    second.due = due;
    second.broken = broken;
    second.errors = u64::from(behaviour.errors_at.contains(&at));
    second.late.fill(broken);
    for _ in broken..due {
        let us = noise.response_us((behaviour.median_ms)(at));
        response.record(us).unwrap();
        service.record(us - us / 20).unwrap();
        queue_wait.record(us / 20).unwrap();
        second.answered += 1;
        second.response_sum_us += us;
        second.response_squares_us2 += (us as f64).powi(2);
        for (late, limit_ns) in second.late.iter_mut().zip(limits_ns) {
            *late += u64::from(us * 1000 > *limit_ns);
        }
    }
    second.response = Histogram::freeze(&response);
    second.service = Histogram::freeze(&service);
    second.queue_wait = Histogram::freeze(&queue_wait);
    second
}

/// What the answers were looked at for.
fn checks(seconds: &[Second]) -> BTreeMap<String, CheckCounts> {
    let sum = |pick: fn(&Second) -> u64| seconds.iter().map(pick).sum::<u64>();
    let (due, unanswered, wrong) = (sum(|it| it.due), sum(|it| it.broken), sum(|it| it.errors));
    let counts = |failed| CheckCounts { passed: due - failed, failed };
    BTreeMap::from([
        ("/state is queued".to_owned(), counts(unanswered)),
        ("status is 202".to_owned(), counts(unanswered + wrong)),
    ])
}

/// The slowest of each second, as if there had been no others.
fn slowest(seconds: &[Second], outcome: &str) -> Vec<SlowSample> {
    let of = |second: &Second| {
        let response_us = second.response.thaw().max();
        SlowSample {
            at_ms: u64::from(second.at) * 1000 + 137,
            response_ms: response_us as f64 / 1e3,
            service_ms: (response_us - response_us / 20) as f64 / 1e3,
            outcome: outcome.to_owned(),
            workload: "uploads".to_owned(),
            iteration: u64::from(second.at) * 38,
        }
    };
    let mut slowest = seconds.iter().map(of).collect();
    keep_slowest(&mut slowest);
    slowest
}

pub(crate) fn empty_second(at: u32, limits: usize) -> Second {
    Second {
        at,
        due: 0,
        answered: 0,
        errors: 0,
        broken: 0,
        dropped: 0,
        late: vec![0; limits],
        response_sum_us: 0,
        response_squares_us2: 0.0,
        response: Histogram::default(),
        service: Histogram::default(),
        queue_wait: Histogram::default(),
        first_byte: Histogram::default(),
        body: Histogram::default(),
    }
}

fn ledger(accepted: u64, lost: usize) -> LedgerEvidence {
    let mut ledger = LedgerEvidence { flow: "upload-study".to_owned(), work_shown: Some(0), ..Default::default() };
    for job in 0..accepted {
        let late = job >= 900 && job < 900 + lost as u64;
        ledger.enter(LedgerEntry {
            id: format!("study-{job:05}"),
            fate: if late { Fate::Lost } else { Fate::Succeeded },
            at_ms: job * 30,
            last_state: if late { "running" } else { "succeeded" }.to_owned(),
        });
    }
    ledger
}

fn generator(due: u64, lag_us: u64) -> GeneratorEvidence {
    let mut lag = Histogram::live();
    for arrival in 0..due {
        lag.record(lag_us / 2 + lag_us * (arrival % 100) / 100).unwrap();
    }
    GeneratorEvidence {
        due,
        dispatched: due,
        dropped: 0,
        wake_lag: Histogram::freeze(&lag),
        gaps: BTreeMap::new(),
        thread_busy: (0..120u32).map(|at| 0.08 + 0.04 * f64::from(at % 7)).collect(),
        run_queue_delay: Some(0.004),
        cpu_pressure: None,
        local_failures: 0,
        polls: due * 3,
        poll_failures: 0,
        collector_failures: 0,
        collector_readings: 148,
        shards: 1,
        lost: 0,
        audit: Some(audit()),
        calibration: Some(Calibration::Rate {
            per_second: 41.0,
            wake_lag_p50_ms: 0.04,
            wake_lag_p99_ms: 0.18,
            busy: Some(0.03),
        }),
    }
}

/// A quiet machine of four cores, in a control group without a quota, so that nobody counts throttling.
fn audit() -> AuditEvidence {
    AuditEvidence {
        run_queue: (0..120u32).map(|at| 0.001 * f64::from(at % 5)).collect(),
        steal: vec![0.0; 120],
        throttled: None,
        standstill: Some(Standstill { at_ms: 61_000, lasted_ms: 12.4 }),
        clock_step_ms: Some(0.03),
        clock_drift: Some(0.000_001),
        host_clock_ms: None,
        ports: Some(0.002),
        descriptors: Some(0.001),
        listen_overflows: Some(0),
    }
}

fn timeline(behaviour: &Behaviour) -> Timeline {
    let depth = |at: u64| match at {
        0..15 => 2.0,
        15..40 => (at - 15) as f64 * 7.0,
        40..60 => 175.0 - (at - 40) as f64 * 8.5,
        _ => 1.0,
    };
    let ready: Vec<(u64, f64)> = (0..148).map(|at| (at * 1000 + 200, depth(at))).collect();
    let unacked: Vec<(u64, f64)> = ready.iter().map(|(at, depth)| (*at, depth.min(10.0))).collect();
    // As many as arrive in the time that one takes.
    let in_flight = |at: u32| (40.0 * (behaviour.median_ms)(at) / 1000.0).ceil();
    let in_flight = (0..120).map(|at| (u64::from(at) * 1000 + 250, in_flight(at))).collect();
    Timeline {
        series: BTreeMap::from([
            ("in flight".to_owned(), in_flight),
            ("queue medical_data ready".to_owned(), ready),
            ("queue medical_data unacked".to_owned(), unacked),
        ]),
        marks: vec![
            Mark { at_ms: 55_000, text: "pod ml-inference-3 killed (planned fault)".to_owned() },
            Mark { at_ms: 120_000, text: "last arrival; draining".to_owned() },
        ],
    }
}

fn cluster() -> ClusterEvidence {
    let levels = [(0, 1), (24_000, 2), (30_000, 4), (36_000, 5), (96_000, 3), (112_000, 1)];
    let mut replicas = vec![];
    let mut syncs = vec![];
    let mut current = 1;
    for at_ms in (0..148_000).step_by(1_500) {
        let desired = levels.iter().rev().find(|(from, _)| *from <= at_ms).unwrap().1;
        let reason = if desired > current { "queue above target" } else { "within tolerance" };
        let reason = if desired < current { "stabilised, below target" } else { reason };
        let metric = (at_ms % 30_000 != 0).then(|| f64::from(desired) * 9.5);
        syncs.push(ScalingSync { at_ms, metric, current, desired, reason: reason.to_owned() });
        replicas.push(ReplicaPoint { at_ms, desired, ready: current });
        current = desired;
    }
    let autoscaler = "keda-hpa-ml-inference 1–5 on s0-rabbitmq-medical_data = 10".to_owned();
    ClusterEvidence {
        kind: "local".to_owned(),
        speed: 10.0,
        workloads: vec![ScaledWorkload {
            target: "Deployment/ml-inference".to_owned(),
            autoscaler,
            replicas_min: 1,
            replicas_max: 5,
            syncs,
            replicas,
        }],
    }
}

/// A small generator of repeatable numbers (Knuth's MMIX constants).
struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around the median, with a long tail to the right; sums of uniforms, so no platform's `exp` is involved.
    fn response_us(&mut self, median_ms: f64) -> u64 {
        let body = 0.6 + 0.8 * (self.unit() + self.unit()) / 2.0;
        let tail = self.unit();
        let stretch = if tail > 0.98 { 1.0 + 3.0 * (tail - 0.98) / 0.02 } else { 1.0 };
        (median_ms * body * stretch * 1000.0) as u64
    }
}
