//! Rules on money: each says yes, no and "not enough", and never passes on nothing.

use proofload_core::environment::Prices;
use proofload_core::evidence::{ClusterEvidence, ReplicaPoint, RunEnd, RunRecord, ScaledWorkload};
use proofload_core::judge::judge;

use super::judging::{GOOD, Uploads, record, scenario, tell};

/// Ten cents for a second of a replica, one for a second of the rest.
const PRICES: &str = r#"{ "currency": "USD", "replicas": { "Deployment/d": "360/h" }, "fixed": { "db": "36/h" } }"#;
const FIXED: &str = r#"{ "currency": "₽", "replicas": {}, "fixed": { "db": "36/h" } }"#;

/// Thirty seconds of uploads and ten of drain.
fn run(uploads: Uploads, prices: &str, replicas: &[(i64, u32)]) -> RunRecord {
    let mut record = record(&scenario(""), &[uploads; 30]);
    record.prices = Some(serde_json::from_str::<Prices>(prices).unwrap());
    let point = |(at_ms, ready): &(i64, u32)| ReplicaPoint { at_ms: *at_ms, desired: *ready, ready: *ready };
    record.cluster = Some(ClusterEvidence {
        kind: "local".to_owned(),
        speed: 1.0,
        workloads: vec![ScaledWorkload {
            target: "Deployment/d".to_owned(),
            autoscaler: String::new(),
            replicas_min: 1,
            replicas_max: 5,
            syncs: vec![],
            replicas: replicas.iter().map(point).collect(),
        }],
    });
    record
}

/// One replica for 15 s, then three: 90 replica-seconds over the run.
fn scaled() -> RunRecord {
    run(GOOD, PRICES, &[(-500, 1), (15_000, 3)])
}

/// The line of the one rule, judged twice to the same bytes: from memory and as stored.
fn check(rule: &str, record: &RunRecord, expected: &str) {
    let scenario = scenario(&format!("slos: [{{ {rule} }}]"));
    let (now, later) = (judge(&scenario, record), judge(&scenario, &RunRecord::from_json(&record.to_json()).unwrap()));
    assert_eq!(serde_json::to_string(&now).unwrap(), serde_json::to_string(&later).unwrap(), "{rule}");
    let told = tell(&later);
    let line = told.lines().skip(1).find(|line| line.contains(" cost.")).unwrap().trim();
    assert!(line.starts_with(expected), "{rule}\n{told}");
}

#[test]
fn money_spent_over_a_stretch() {
    let told = "PASS cost.total ≤ 9.4: 90 replica-seconds and 1 fixed part over 40 s";
    check("sli: cost.total, max: 9.4", &scaled(), told);
    check("sli: cost.total, max: 9.39", &scaled(), "FAIL cost.total ≤ 9.39");
    check("sli: cost.total, max: 3.2, during: w.hold", &scaled(), "PASS");
    check("sli: cost.total, max: 3.1, during: w.hold", &scaled(), "FAIL");
    check("sli: cost.total, max: 3.1, during: w.tail", &scaled(), "PASS");
    check("sli: cost.total, max: 1.1, during: 5s..15s", &scaled(), "PASS");
    check("sli: cost.total, max: 1, during: 5s..15s", &scaled(), "FAIL");
    check("sli: cost.total, max: 0.4", &run(GOOD, FIXED, &[]), "PASS cost.total ≤ 0.4: 1 fixed part over 40 s");
    check("sli: cost.total, max: 0.3", &run(GOOD, FIXED, &[]), "FAIL");
}

#[test]
fn money_spent_per_hour() {
    check("sli: cost.hourly, max: 846", &scaled(), "PASS cost.hourly ≤ 846: 90 replica-seconds");
    check("sli: cost.hourly, max: 845", &scaled(), "FAIL");
    check("sli: cost.hourly, max: 396, during: 0s..10s", &scaled(), "PASS");
    check("sli: cost.hourly, max: 395, during: 0s..10s", &scaled(), "FAIL");
    // What the list of prices says by itself shows nothing of a run.
    let told = "INCONCLUSIVE cost.hourly ≤ 100: only fixed parts have prices";
    check("sli: cost.hourly, max: 100", &run(GOOD, FIXED, &[]), told);
}

#[test]
fn money_per_thousand_answers() {
    let told = "PASS cost.per_1000(upload) ≤ 3.14: 90 replica-seconds and 1 fixed part over 40 s for 3000 good answers";
    check("sli: cost.per_1000(upload), max: 3.14", &scaled(), told);
    check("sli: cost.per_1000(upload), max: 3.13", &scaled(), "FAIL");
    check("sli: cost.per_1000(upload), max: 1.6, during: w.hold", &scaled(), "PASS");
    check("sli: cost.per_1000(upload), max: 1.59, during: w.hold", &scaled(), "FAIL");
    check("sli: cost.per_1000(f), max: 3.14", &scaled(), "PASS cost.per_1000(f) ≤ 3.14: 90 replica-seconds and");
    check("sli: cost.per_1000(f), max: 3.13", &scaled(), "FAIL");
    // Half of the answers are wrong, and the other half pays for them.
    let half = run(Uploads { wrong: 30, broken: 20, ..GOOD }, PRICES, &[(0, 1), (15_000, 3)]);
    check("sli: cost.per_1000(upload), max: 3.14", &half, "FAIL");
    check("sli: cost.per_1000(upload), max: 6.27", &half, "PASS");
}

#[test]
fn nothing_to_divide_by_is_no_bargain() {
    let none = run(Uploads { broken: 100, ..GOOD }, PRICES, &[(0, 1)]);
    let told = "there are no good answers in this stretch, so there is nothing to divide by";
    check(
        "sli: cost.per_1000(upload), max: 1000",
        &none,
        &format!("INCONCLUSIVE cost.per_1000(upload) ≤ 1000: {told}"),
    );
    let told = "there are no jobs that succeeded in this stretch";
    check("sli: cost.per_1000(f), max: 1000", &none, &format!("INCONCLUSIVE cost.per_1000(f) ≤ 1000: {told}"));
    check("sli: cost.per_1000(upload), max: 1000, during: 38s..40s", &scaled(), "INCONCLUSIVE");
    let mut few = scaled();
    few.steps[0].seconds.truncate(1);
    few.steps[0].seconds[0].errors = 91;
    let told = "INCONCLUSIVE cost.per_1000(upload) ≤ 10000: 90 replica-seconds and 1 fixed part over 40 s for 9 good answers, too few";
    check("sli: cost.per_1000(upload), max: 10000", &few, told);
    check("sli: cost.per_1000(upload), max: 1000", &few, "FAIL");
    few.steps[0].seconds[0].errors = 90;
    check("sli: cost.per_1000(upload), max: 1000", &few, "PASS");
}

#[test]
fn replicas_that_nobody_saw_are_not_free() {
    for rule in ["sli: cost.total, max: 1000", "sli: cost.hourly, max: 1000", "sli: cost.per_1000(upload), max: 1000"] {
        let mut unwatched = scaled();
        unwatched.cluster = None;
        check(rule, &unwatched, "INCONCLUSIVE");
        check(rule, &run(GOOD, PRICES, &[]), "INCONCLUSIVE");
        check(rule, &run(GOOD, PRICES, &[(20_000, 1)]), "INCONCLUSIVE");
        let mut nothing = scaled();
        nothing.run.lasted_ms = 0;
        check(rule, &nothing, "INCONCLUSIVE");
        let mut unpriced = scaled();
        unpriced.prices = None;
        check(rule, &unpriced, "NOT JUDGED HERE");
    }
    let mut unwatched = scaled();
    unwatched.cluster = None;
    let told = "INCONCLUSIVE cost.total ≤ 9: Deployment/d has a price, and nobody watched its replicas";
    check("sli: cost.total, max: 9", &unwatched, told);
    let told = "INCONCLUSIVE cost.total ≤ 9: no replicas of Deployment/d were seen in this stretch";
    check("sli: cost.total, max: 9", &run(GOOD, PRICES, &[]), told);
    let late = run(GOOD, PRICES, &[(20_000, 1)]);
    let told = "INCONCLUSIVE cost.total ≤ 9: what was spent is known for 50 % of this stretch, too little to pass";
    check("sli: cost.total, max: 9", &late, told);
    check("sli: cost.total, max: 2", &late, "FAIL");
    let told = "NOT JUDGED HERE cost.total ≤ 9: this environment has no prices";
    let mut unpriced = scaled();
    unpriced.prices = None;
    check("sli: cost.total, max: 9", &unpriced, told);
    check(
        "sli: cost.total, max: 9, during: 50s..60s",
        &scaled(),
        "INCONCLUSIVE cost.total ≤ 9 during 50s..1m: nothing",
    );
}

#[test]
fn a_run_that_was_cut_off_is_not_cheap() {
    let mut short = scaled();
    (short.run.end, short.run.lasted_ms) = (RunEnd::Aborted, 12_000);
    check("sli: cost.total, max: 9", &short, "INCONCLUSIVE cost.total ≤ 9: what was spent is known for 40 %");
    check("sli: cost.total, max: 1", &short, "FAIL");
    check("sli: cost.total, max: 1.1, during: 0s..10s", &short, "PASS");
}

#[test]
fn compressed_time_is_paid_as_cluster_time_and_buys_no_answers() {
    let mut fast = scaled();
    fast.cluster.as_mut().unwrap().speed = 10.0;
    let told = "PASS cost.total ≤ 94: 900 replica-seconds and 1 fixed part over 400 s of cluster time";
    check("sli: cost.total, max: 94", &fast, told);
    check("sli: cost.total, max: 93", &fast, "FAIL");
    check("sli: cost.hourly, max: 846", &fast, "PASS");
    let told = "INCONCLUSIVE cost.per_1000(upload) ≤ 1000: money is spent in cluster time, which ran 10 times as fast as the load";
    check("sli: cost.per_1000(upload), max: 1000", &fast, told);
}

/// Forty seconds cost 0.1 three times over, which no sum of binary fractions hits.
#[test]
fn a_limit_that_is_met_exactly_is_not_broken_by_arithmetic() {
    let prices = r#"{ "currency": "USD", "replicas": { "Deployment/d": "9/h" }, "fixed": { "a": "9/h", "b": "9/h" } }"#;
    check("sli: cost.total, max: 0.3", &run(GOOD, prices, &[(0, 1)]), "PASS");
    check("sli: cost.hourly, max: 27", &run(GOOD, prices, &[(0, 1)]), "PASS");
}
