//! Rules on times, and on levels that are read from outside: each says yes, no and "not enough", and never passes on
//! nothing.

#![expect(clippy::cast_precision_loss, reason = "made-up numbers are small")]

use proofload_core::evidence::{
    ClusterEvidence, ExternalAnswer, ExternalEvidence, ReplicaPoint, RunRecord, ScaledWorkload,
};
use proofload_core::judge::judge;
use proofload_core::scenario::Scenario;

use super::judging::{GOOD, Uploads, record, scenario, tell};

/// Judges one rule over thirty seconds that are all alike, after `with` has put more into the record.
fn check_with(rule: &str, uploads: Uploads, with: impl Fn(&mut RunRecord), expected: &str) {
    let scenario = scenario(&format!("slos: [{{ {rule} }}]"));
    let mut record = record(&scenario, &[uploads; 30]);
    with(&mut record);
    let stored = RunRecord::from_json(&record.to_json()).unwrap();
    let told = tell(&judge(&scenario, &stored));
    assert!(told.starts_with(expected), "{rule}\n{told}");
}

#[test]
fn a_mean_and_a_longest_time() {
    let check = |rule: &str, uploads, expected: &str| check_with(rule, uploads, |_| {}, expected);
    check("sli: latency(upload), mean: 30ms", GOOD, "PASS");
    // 6 of 100 take 500 ms, the others 20 ms: 48.8 ms.
    check("sli: latency(upload), mean: 49ms", Uploads { late: 6, ..GOOD }, "PASS");
    check("sli: latency(upload), mean: 48ms", Uploads { late: 6, ..GOOD }, "FAIL");
    check("sli: latency(upload), max: 21ms", GOOD, "PASS");
    check("sli: latency(upload), max: 400ms", Uploads { late: 1, ..GOOD }, "FAIL");
    check("sli: job(f), max: 400ms", Uploads { late: 1, ..GOOD }, "FAIL");
    let unanswered = Uploads { broken: 1, ..GOOD };
    let told = "FAIL: latency(upload) mean ≤ 1s: 30 of 3000 were never answered, and are later than any time";
    check("sli: latency(upload), mean: 1s", unanswered, told);
    for (rule, title) in [("mean: 30ms", "mean ≤ 30ms"), ("max: 21ms", "max ≤ 21ms")] {
        let rule = format!("slos: [{{ sli: latency(upload), {rule} }}]");
        let undecided = |uploads: &[Uploads], why: &str| {
            let scenario = scenario(&rule);
            let told = tell(&judge(&scenario, &record(&scenario, uploads)));
            let line = format!("INCONCLUSIVE latency(upload) {title}: {why}");
            assert!(told.contains(&line), "{told}");
        };
        undecided(&[], "no request was due");
        undecided(&[Uploads { due: 1, ..GOOD }; 9], "of 9, all answered");
    }
}

#[test]
fn a_stretch_between_two_moments() {
    let slow = |record: &mut RunRecord| {
        let scenario = scenario("");
        let slow = self::record(&scenario, &[Uploads { late: 50, ..GOOD }; 30]);
        record.steps[0].seconds[10..12].clone_from_slice(&slow.steps[0].seconds[10..12]);
    };
    check_with("sli: latency(upload), p95: 300ms, during: 0s..10s", GOOD, slow, "PASS");
    check_with("sli: latency(upload), p95: 300ms, during: 9s..20s", GOOD, slow, "FAIL");
    check_with("sli: errors(upload), max: 1%, during: 40s..50s", GOOD, slow, "INCONCLUSIVE");
}

#[test]
fn a_warm_up_is_left_out() {
    let cold = |record: &mut RunRecord| {
        let slow = self::record(&scenario(""), &[Uploads { late: 50, ..GOOD }; 30]);
        record.steps[0].seconds[..4].clone_from_slice(&slow.steps[0].seconds[..4]);
    };
    let rule = "sli: latency(upload), p95: 300ms, during: w.hold, claim: steady";
    check_with(rule, GOOD, cold, "INCONCLUSIVE");
    check_with(&format!("{rule}, warm_up: 4s"), GOOD, cold, "PASS");
    check_with(&format!("{rule}, warm_up: auto"), GOOD, cold, "PASS");
    check_with(&format!("{rule}, warm_up: 15s"), GOOD, cold, "INCONCLUSIVE");
    check_with(&format!("{rule}, warm_up: 1h"), GOOD, cold, "INCONCLUSIVE");
}

#[test]
fn a_confidence_of_ones_own() {
    // 60 samples without a late one show p95 with 95 % confidence, and not with 99 %.
    let few = Uploads { due: 3, ..GOOD };
    let rule = "sli: latency(upload), p95: 300ms, during: w.hold, claim: steady";
    check_with(rule, few, |_| {}, "INCONCLUSIVE");
    check_with(&format!("{rule}, confidence: 95%"), few, |_| {}, "PASS");
}

/// A hold of a minute whose uploads take so long, second by second.
fn hold(ms: impl Fn(u64) -> u64, in_flight: impl Fn(u64) -> f64) -> String {
    let text = "apiVersion: proofload/v1
kind: Scenario
name: t
system: s
flows:
  f: [{ request: { name: upload, path: / } }]
workloads:
  w: { flow: f, executor: constant-arrival-rate, stages: [{ name: hold, rate: 100/s, for: 60s }] }
slos: [{ sli: latency(upload), p95: 300ms, during: w.hold }]
";
    let scenario = Scenario::parse("t.yaml", text).unwrap();
    let seconds: Vec<Uploads> = (0..60).map(|second| Uploads { ms: ms(second), ..GOOD }).collect();
    let mut record = record(&scenario, &seconds);
    let series = (0..60).map(|second| (second * 1000, in_flight(second))).collect();
    record.timeline.series.insert("in flight".to_owned(), series);
    tell(&judge(&scenario, &record))
}

#[test]
fn a_hold_that_never_became_steady_is_told() {
    let level = hold(|second| 20 + second * 7919 % 5, |_| 3.0);
    assert!(!level.contains("WARNING"), "{level}");
    let rising = hold(|second| 20 + second, |_| 3.0);
    assert!(rising.contains("WARNING w.hold never became steady: latency of `upload` still changed"), "{rising}");
    let overloaded = hold(|second| 20 + second, |second| 2.0 + second as f64);
    assert!(
        overloaded.contains("WARNING w.hold is saturated: latency of `upload` and requests in flight"),
        "{overloaded}"
    );
}

fn queue(points: Vec<(u64, f64)>) -> impl Fn(&mut RunRecord) {
    move |record| drop(record.timeline.series.insert("queue photos ready".to_owned(), points.clone()))
}

/// A reading every second of the whole run.
fn each_second(level: impl Fn(u64) -> f64) -> Vec<(u64, f64)> {
    (0..40).map(|second| (second * 1000, level(second))).collect()
}

#[test]
fn a_queue() {
    let spike = || each_second(|second| if second == 12 { 50.0 } else { 2.0 });
    check_with("sli: queue(photos), max: 49", GOOD, queue(spike()), "FAIL: queue(photos) ≤ 49");
    check_with("sli: queue(photos), max: 50", GOOD, queue(spike()), "PASS");
    // Over ten seconds, the spike of one second is 6.8.
    check_with("sli: queue(photos), max: 7, over: 10s", GOOD, queue(spike()), "PASS");
    check_with("sli: queue(photos), max: 6, over: 10s", GOOD, queue(spike()), "FAIL");
    check_with("sli: queue(photos), mean: 4", GOOD, queue(spike()), "PASS");
    check_with("sli: queue(photos), mean: 3", GOOD, queue(spike()), "FAIL");
    check_with("sli: queue(photos), min: 3", GOOD, queue(spike()), "FAIL");
    check_with("sli: queue(photos), max: 50, during: w.tail", GOOD, queue(spike()), "PASS");
    let holes = || vec![(0, 1.0)];
    let told = "INCONCLUSIVE: queue(photos) ≤ 5: readings cover 50 % of this stretch, too little to pass";
    check_with("sli: queue(photos), max: 5", GOOD, queue(holes()), told);
    check_with("sli: queue(photos), max: 0.5", GOOD, queue(holes()), "FAIL");
    check_with("sli: queue(photos), max: 5", GOOD, queue(vec![]), "INCONCLUSIVE");
    check_with("sli: queue(photos), max: 5", GOOD, |_| {}, "INCONCLUSIVE: queue(photos) ≤ 5: no queue `photos`");
}

#[test]
fn replicas() {
    let watched = |points: &'static [(i64, u32)]| {
        move |record: &mut RunRecord| {
            let replicas =
                points.iter().map(|(at_ms, ready)| ReplicaPoint { at_ms: *at_ms, desired: *ready, ready: *ready });
            record.cluster = Some(ClusterEvidence {
                kind: "local".to_owned(),
                speed: 1.0,
                workloads: vec![ScaledWorkload {
                    target: "Deployment/d".to_owned(),
                    autoscaler: String::new(),
                    replicas_min: 1,
                    replicas_max: 5,
                    syncs: vec![],
                    replicas: replicas.collect(),
                }],
            });
        }
    };
    let points = &[(-500, 1), (15_000, 3)];
    check_with("sli: replicas(Deployment/d), max: 3", GOOD, watched(points), "PASS");
    check_with("sli: replicas(Deployment/d), max: 2", GOOD, watched(points), "FAIL");
    check_with("sli: replicas(Deployment/d), mean: 2", GOOD, watched(points), "PASS");
    check_with("sli: replicas(Deployment/d), min: 2", GOOD, watched(points), "FAIL");
    check_with("sli: replicas(Deployment/d), min: 2, during: w.tail", GOOD, watched(points), "PASS");
    check_with("sli: replicas(Deployment/e), max: 2", GOOD, watched(points), "INCONCLUSIVE");
    check_with("sli: replicas(Deployment/d), max: 2", GOOD, watched(&[]), "INCONCLUSIVE");
    let told = "INCONCLUSIVE: no rule was judged, so nothing was shown\n  NOT JUDGED HERE replicas(Deployment/d) ≤ 2: this environment has no cluster";
    check_with("sli: replicas(Deployment/d), max: 2", GOOD, |_| {}, told);
}

fn answered(answer: ExternalAnswer) -> impl Fn(&mut RunRecord) {
    move |record| record.external = vec![ExternalEvidence { query: "depth".to_owned(), answer: answer.clone() }]
}

#[test]
fn an_answer_of_prometheus() {
    let rule = "sli: promql(depth), max: 200";
    let points = |level: f64| answered(ExternalAnswer::Points(each_second(|_| level)));
    check_with(rule, GOOD, points(200.0), "PASS");
    check_with(rule, GOOD, points(201.0), "FAIL: promql(\"depth\") ≤ 200");
    check_with("sli: promql(depth), max: 10%", GOOD, points(0.2), "FAIL");
    check_with(rule, GOOD, answered(ExternalAnswer::Points(vec![])), "INCONCLUSIVE");
    let failed = answered(ExternalAnswer::Failed("status 404".to_owned()));
    let told = "INCONCLUSIVE: promql(\"depth\") ≤ 200: Prometheus gave no figure: status 404";
    check_with(rule, GOOD, failed, told);
    check_with("sli: promql(other), max: 200", GOOD, points(1.0), "INCONCLUSIVE");
}
