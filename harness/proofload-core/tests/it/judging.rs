//! Every kind of rule is seen to say yes, no and "not enough", and never passes on nothing.

#![expect(clippy::cast_precision_loss, reason = "made-up numbers are small")]

use std::collections::BTreeMap;
use std::fmt::Write;

use proofload_core::evidence::{
    CheckCounts, ClusterEvidence, Fate, GeneratorEvidence, Histogram, LedgerEntry, LedgerEvidence, ReplicaPoint,
    RunEnd, RunInfo, RunRecord, ScaledWorkload, ScalingSync, Second, StepEvidence, StepKind, Timeline,
};
use proofload_core::judge::judge;
use proofload_core::plan::Plan;
use proofload_core::report::Report;
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;

const LIMIT_NS: u64 = 300_000_000;

pub(crate) fn scenario(rules: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1
kind: Scenario
name: t
system: s
flows:
  f:
    - request: {{ name: upload, path: /, checks: [{{ status: 200 }}, {{ json: /state, equals: done }}], extract: {{ id: {{ json: /id }} }} }}
    - job: {{ id: '{{{{id}}}}', poll: {{ path: /, every: 1s, timeout: 9s }}, done: {{ json: /state, in: [done] }} }}
workloads:
  w: {{ flow: f, executor: constant-arrival-rate, stages: [{{ name: hold, rate: 100/s, for: 20s }}, {{ name: tail, rate: 10/s, for: 10s }}] }}
{rules}
"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

/// One second of uploads: so many due, so many of them late, wrong or broken; the good ones take `ms`.
#[derive(Clone, Copy)]
pub(crate) struct Uploads {
    pub(crate) due: u64,
    pub(crate) late: u64,
    pub(crate) wrong: u64,
    pub(crate) broken: u64,
    pub(crate) ms: u64,
}

pub(crate) const GOOD: Uploads = Uploads { due: 100, late: 0, wrong: 0, broken: 0, ms: 20 };

fn second(at: u32, uploads: Uploads) -> Second {
    let answered = uploads.due - uploads.broken;
    let mut response = Histogram::live();
    let late = uploads.late.min(answered);
    response.record_n(uploads.ms * 1000, answered - late).unwrap();
    response.record_n(500_000, late).unwrap();
    let sum = (answered - late) * uploads.ms * 1000 + late * 500_000;
    let squares = (answered - late) as f64 * (uploads.ms as f64 * 1e3).powi(2) + late as f64 * 500e3f64.powi(2);
    Second {
        at,
        due: uploads.due,
        answered,
        errors: uploads.wrong,
        broken: uploads.broken,
        dropped: 0,
        late: vec![uploads.late.max(uploads.broken)],
        response_sum_us: sum,
        response_squares_us2: squares,
        service: Histogram::freeze(&response),
        response: Histogram::freeze(&response),
        queue_wait: Histogram::default(),
        first_byte: Histogram::default(),
        body: Histogram::default(),
    }
}

pub(crate) fn record(scenario: &Scenario, seconds: &[Uploads]) -> RunRecord {
    let mut plan = Plan::new(scenario, &Traces::default(), 1).unwrap();
    let timed = |kind: StepKind, name: &str| StepEvidence {
        kind,
        name: name.to_owned(),
        limits_ns: vec![LIMIT_NS],
        seconds: (0u32..).zip(seconds).map(|(at, uploads)| second(at, *uploads)).collect(),
        error_classes: BTreeMap::new(),
        checks: BTreeMap::new(),
        slowest: vec![],
    };
    let due: u64 = seconds.iter().map(|uploads| uploads.due).sum();
    plan.workloads[0].arrivals = due;
    RunRecord {
        api_version: proofload_core::API_VERSION.to_owned(),
        run: RunInfo {
            id: "run-1".to_owned(),
            started_unix_ms: 0,
            lasted_ms: 40_000,
            end: RunEnd::Completed,
            scenario: "t".to_owned(),
            description: String::new(),
            environment: "local".to_owned(),
            environment_hash: String::new(),
            seed: 1,
            version: String::new(),
            command: String::new(),
            machine: String::new(),
            confidence: None,
        },
        plan: plan.workloads,
        steps: vec![timed(StepKind::Request, "upload"), timed(StepKind::Job, "f")],
        ledgers: Vec::new(),
        timeline: Timeline::default(),
        generator: GeneratorEvidence {
            due,
            dispatched: due,
            dropped: 0,
            wake_lag: wake_lag(due, 40),
            gaps: BTreeMap::new(),
            thread_busy: vec![0.1; 30],
            run_queue_delay: Some(0.0),
            cpu_pressure: None,
            local_failures: 0,
            polls: 0,
            poll_failures: 0,
            collector_failures: 0,
            collector_readings: 0,
            shards: 1,
            lost: 0,
            audit: None,
            calibration: None,
        },
        cluster: None,
        external: Vec::new(),
        prices: None,
        aborted: None,
        conformance: Vec::new(),
    }
}

/// Every arrival left so many µs after its time.
pub(crate) fn wake_lag(due: u64, lag_us: u64) -> Histogram {
    let mut lag = Histogram::live();
    lag.record_n(lag_us, due).unwrap();
    Histogram::freeze(&lag)
}

pub(crate) fn tell(report: &Report) -> String {
    let mut told = format!("{}: {}\n", report.verdict, report.reason);
    for finding in &report.findings {
        writeln!(told, "  {} {}: {}", finding.outcome, finding.title, finding.message).unwrap();
    }
    told
}

/// Judges one rule over a run of 30 seconds that are all alike.
fn check(rule: &str, uploads: Uploads, expected: &str) {
    check_seconds(rule, &[uploads; 30], expected);
}

fn check_seconds(rule: &str, seconds: &[Uploads], expected: &str) {
    let scenario = scenario(&format!("slos: [{{ {rule} }}]"));
    let told = tell(&judge(&scenario, &record(&scenario, seconds)));
    assert!(told.starts_with(expected), "{rule}\n{told}");
}

#[test]
fn a_percentile_of_this_run() {
    let rule = "sli: latency(upload), p95: 300ms, claim: run";
    check(rule, GOOD, "PASS");
    check(rule, Uploads { late: 5, ..GOOD }, "PASS");
    check(rule, Uploads { late: 6, ..GOOD }, "FAIL");
    check(rule, Uploads { broken: 6, ..GOOD }, "FAIL");
    check(rule, Uploads { due: 6, ..GOOD }, "INCONCLUSIVE");
    check(rule, Uploads { due: 6, late: 3, ..GOOD }, "FAIL");
    check_seconds(rule, &[], "INCONCLUSIVE");
}

#[test]
fn a_percentile_of_the_system() {
    let rule = "sli: latency(upload), p95: 300ms, during: w.hold, claim: steady";
    check(rule, GOOD, "PASS");
    check(rule, Uploads { late: 3, ..GOOD }, "PASS");
    // Exactly at the limit nothing can be said, whatever the run's own share was.
    check(rule, Uploads { late: 5, ..GOOD }, "INCONCLUSIVE");
    check(rule, Uploads { late: 9, ..GOOD }, "FAIL");
    check(rule, Uploads { due: 4, ..GOOD }, "INCONCLUSIVE");
    check_seconds(rule, &[], "INCONCLUSIVE");
    check_seconds(rule, &[GOOD; 6], "INCONCLUSIVE");
}

#[test]
fn dependence_between_requests_thins_the_samples() {
    // The same 2 % late: spread evenly they pass, in one clump they do not show a steady system.
    let even = [Uploads { late: 2, ..GOOD }; 30];
    let mut clumped = [GOOD; 30];
    clumped[7].late = 40;
    let rule = "sli: latency(upload), p95: 300ms, during: w.hold, claim: steady";
    check_seconds(rule, &even, "PASS");
    check_seconds(rule, &clumped, "INCONCLUSIVE");
}

#[test]
fn a_share_of_errors() {
    let rule = "sli: errors(upload), max: 1%";
    check(rule, GOOD, "PASS");
    check(rule, Uploads { wrong: 1, ..GOOD }, "PASS");
    check(rule, Uploads { wrong: 2, ..GOOD }, "FAIL");
    check(rule, Uploads { broken: 2, ..GOOD }, "FAIL");
    check(rule, Uploads { due: 3, ..GOOD }, "INCONCLUSIVE");
    check_seconds(rule, &[], "INCONCLUSIVE");
}

#[test]
fn errors_that_no_rule_covers_do_not_pass() {
    let rule = "sli: latency(upload), p95: 300ms, claim: run";
    check(rule, Uploads { wrong: 1, ..GOOD }, "PASS");
    check(
        rule,
        Uploads { wrong: 2, ..GOOD },
        "INCONCLUSIVE: errors(upload) are covered by a rule: 60 of 3000 went wrong",
    );
    check("sli: errors(f), max: 1%", Uploads { wrong: 2, ..GOOD }, "FAIL: errors(f) ≤ 1%");
}

/// Judges one rule over a run whose answers were checked; each pair is how often one check held and did not.
fn check_checked(rule: &str, counts: &[(u64, u64)], expected: &str) {
    let scenario = scenario(&format!("slos: [{{ {rule} }}]"));
    let mut record = record(&scenario, &[GOOD; 30]);
    let names = ["status 200", "json /state equals done"];
    let counts = names
        .iter()
        .zip(counts)
        .map(|(name, (passed, failed))| ((*name).to_owned(), CheckCounts { passed: *passed, failed: *failed }));
    record.steps[0].checks = counts.collect();
    let again = RunRecord::from_json(&record.to_json()).unwrap();
    let told = tell(&judge(&scenario, &again));
    assert!(told.starts_with(expected), "{rule}\n{told}");
}

#[test]
fn a_share_of_checks() {
    let rule = "sli: checks(upload), max: 1%";
    check_checked(rule, &[(3000, 0), (3000, 0)], "PASS");
    check_checked(rule, &[(3000, 0), (2940, 60)], "PASS");
    check_checked(
        rule,
        &[(3000, 0), (2939, 61)],
        "FAIL: checks(upload) ≤ 1%: 61 of 6000 checks did not hold: `json /state equals done` 61×",
    );
    check_checked(rule, &[(20, 0)], "INCONCLUSIVE");
    check_checked(rule, &[(10, 10)], "FAIL");
    check_checked(rule, &[], "INCONCLUSIVE: checks(upload) ≤ 1%: nothing was checked");
    check_checked("sli: checks(upload), max: 0", &[(3000, 1)], "FAIL");
}

#[test]
fn checks_that_no_rule_covers_do_not_pass() {
    let rule = "sli: latency(upload), p95: 300ms, claim: run";
    check_checked(rule, &[(2970, 30)], "PASS");
    check_checked(rule, &[(2969, 31)], "INCONCLUSIVE: checks(upload) are covered by a rule: 31 of 3000");
}

#[test]
fn a_throughput() {
    let rule = "sli: throughput(upload), min: 90/s, during: w.hold";
    check(rule, GOOD, "PASS");
    check(rule, Uploads { wrong: 20, ..GOOD }, "FAIL");
    check_seconds(rule, &[], "INCONCLUSIVE");
}

#[test]
fn a_rule_on_what_the_environment_lacks_is_not_judged_and_never_passes() {
    let rule = "sli: 'promql(\"up\")', max: 1, needs: [prometheus]";
    let scenario = scenario(&format!("slos: [{{ {rule} }}]"));
    let report = judge(&scenario, &record(&scenario, &[GOOD; 30]));
    assert_eq!(
        tell(&report),
        "INCONCLUSIVE: no rule was judged, so nothing was shown\n  NOT JUDGED HERE promql(\"up\") ≤ 1: this environment has no prometheus\n"
    );
    check("sli: 'promql(\"up\")', max: 1", GOOD, "INCONCLUSIVE: no rule was judged");
}

fn ledger(fates: &[Fate]) -> LedgerEvidence {
    let mut ledger = LedgerEvidence { flow: "f".to_owned(), ..LedgerEvidence::default() };
    for (number, fate) in fates.iter().enumerate() {
        let entry = LedgerEntry { id: format!("job-{number}"), fate: *fate, at_ms: 0, last_state: "queued".to_owned() };
        ledger.enter(entry);
    }
    ledger
}

fn judge_ledger(rule: &str, ledger: LedgerEvidence, wake_lag_ms: u64) -> String {
    let scenario = scenario(rule);
    let mut record = record(&scenario, &[GOOD; 30]);
    record.ledgers = vec![ledger];
    record.generator.wake_lag = wake_lag(record.generator.due, wake_lag_ms * 1000);
    tell(&judge(&scenario, &record))
}

#[test]
fn the_ledger_is_judged_whether_asked_or_not() {
    let rule = "slos: [{ sli: ledger.lost, max: 0 }]";
    let lost = [Fate::Succeeded, Fate::Lost];
    let check = |told: String, expected: &str| assert!(told.starts_with(expected), "{told}");
    check(judge_ledger(rule, ledger(&[Fate::Succeeded]), 0), "PASS");
    check(
        judge_ledger(rule, ledger(&lost), 0),
        "FAIL: ledger.lost ≤ 0: 1 of 2 accepted jobs lost: job-1 (last seen `queued`)",
    );
    check(judge_ledger("slos: []", ledger(&lost), 0), "FAIL");
    check(judge_ledger("slos: []", ledger(&[Fate::Succeeded]), 0), "PASS");
    check(judge_ledger(rule, ledger(&[]), 0), "INCONCLUSIVE");
    check(judge_ledger(rule, ledger(&[Fate::Succeeded, Fate::Unsettled]), 0), "INCONCLUSIVE");
    let doubled = LedgerEvidence { duplicated: 1, ..ledger(&[Fate::Succeeded]) };
    check(judge_ledger(rule, doubled, 0), "FAIL");
}

#[test]
fn a_failed_instrument_outranks_timing_but_not_a_lost_job() {
    let rule = "slos: [{ sli: latency(upload), p95: 300ms }]";
    let check = |told: String, expected: &str| assert!(told.starts_with(expected), "{told}");
    check(judge_ledger(rule, ledger(&[Fate::Succeeded]), 0), "PASS");
    check(judge_ledger(rule, ledger(&[Fate::Succeeded]), 25), "INVALID: wake lag p99");
    check(judge_ledger(rule, ledger(&[Fate::Lost]), 25), "FAIL: ledger.lost");
}

/// Looks of the autoscaler that changed nothing, so many ms apart.
pub(crate) fn looks(every_ms: i64, lasted_ms: u64) -> Vec<ScalingSync> {
    let look = |at_ms| ScalingSync { at_ms, metric: Some(1.0), current: 1, desired: 1, reason: String::new() };
    (0..i64::try_from(lasted_ms).unwrap() / every_ms).map(|number| look(number * every_ms)).collect()
}

fn scaled(ready: &[(i64, u32)], lasted_ms: u64) -> String {
    let rule = "scaling: [{ target: Deployment/d, reaches: { replicas: 4, within: 100s, after: w.tail }, returns: { replicas: 1, within: 200s, after: w.end }, flaps: 0 }]";
    let scenario = scenario(rule);
    let mut record = record(&scenario, &[GOOD; 30]);
    record.run.lasted_ms = lasted_ms;
    let replicas = ready.iter().map(|(at_ms, ready)| ReplicaPoint { at_ms: *at_ms, desired: *ready, ready: *ready });
    record.cluster = Some(ClusterEvidence {
        kind: "local".to_owned(),
        speed: 10.0,
        workloads: vec![ScaledWorkload {
            target: "Deployment/d".to_owned(),
            autoscaler: String::new(),
            replicas_min: 1,
            replicas_max: 5,
            syncs: looks(1_500, lasted_ms),
            replicas: replicas.collect(),
        }],
    });
    tell(&judge(&scenario, &record))
}

#[test]
fn scaling_is_judged_in_cluster_time() {
    let check = |told: String, expected: &str| assert!(told.starts_with(expected), "{told}");
    // The tail begins at 20 s, the plan ends at 30 s; ten cluster seconds pass in one.
    check(scaled(&[(0, 1), (25_000, 4), (45_000, 1)], 50_000), "PASS");
    check(scaled(&[(0, 4), (45_000, 1)], 50_000), "PASS");
    check(scaled(&[(0, 1), (31_000, 4), (45_000, 1)], 50_000), "FAIL: Deployment/d reaches 4");
    check(
        scaled(&[(0, 1), (25_000, 3)], 50_000),
        "FAIL: Deployment/d reaches 4 replicas within 100 s: 4 replicas were not seen in 300 s of cluster time; 3 was",
    );
    check(scaled(&[(0, 1), (25_000, 3)], 26_000), "INCONCLUSIVE");
    check(scaled(&[(0, 1), (25_000, 4)], 55_000), "FAIL: Deployment/d returns to 1");
    let flapping = [(0, 1), (25_000, 4), (26_000, 2), (27_000, 4), (45_000, 1)];
    check(scaled(&flapping, 50_000), "FAIL: Deployment/d flaps at most 0 times");
}

#[test]
fn a_workload_that_nobody_watched_is_not_judged() {
    let scenario = scenario("scaling: [{ target: Deployment/d, flaps: 0 }]");
    let told = tell(&judge(&scenario, &record(&scenario, &[GOOD; 30])));
    assert!(told.starts_with("INCONCLUSIVE: no rule was judged"), "{told}");
}

#[test]
fn a_stored_record_is_judged_to_the_same_bytes() {
    let scenario =
        scenario("slos: [{ sli: latency(upload), p95: 300ms, during: w.hold }, { sli: errors(upload), max: 1% }]");
    let record = record(&scenario, &[Uploads { late: 2, wrong: 1, ..GOOD }; 30]);
    let again = RunRecord::from_json(&record.to_json()).unwrap();
    let bytes = |record: &RunRecord| serde_json::to_vec(&judge(&scenario, record)).unwrap();
    assert_eq!(bytes(&record), bytes(&again));
}
