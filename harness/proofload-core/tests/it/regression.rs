//! A run held against accepted ones: it says worse, no worse, and "cannot say", and never passes on too few.

use proofload_core::baseline::{Accepted, Baseline, BaselineRun};
use proofload_core::evidence::RunRecord;
use proofload_core::judge::{Verdict, judge, judge_against};
use proofload_core::report::Format;
use proofload_core::scenario::Scenario;

use super::judging::{GOOD, Uploads, record, scenario, tell};

const RULES: &str = "slos: [{ sli: latency(upload), p95: 300ms, claim: run }, { sli: throughput(upload), min: 1/s }]";

/// A run in which every upload took so many ms.
fn run(scenario: &Scenario, id: &str, ms: u64) -> RunRecord {
    let mut record = record(scenario, &[Uploads { ms, ..GOOD }; 30]);
    record.run.id = id.to_owned();
    record
}

fn accepted(scenario: &Scenario, times_ms: &[u64]) -> Baseline {
    let accept = |(number, ms): (usize, &u64)| {
        let record = run(scenario, &format!("run-{number}"), *ms);
        let by = Accepted { by: "ada".to_owned(), at_unix_ms: 7, commit: None };
        let run = BaselineRun::accept(&judge(scenario, &record), &record, by).unwrap();
        BaselineRun::from_json(&serde_json::to_string(&run).unwrap()).unwrap()
    };
    Baseline { runs: times_ms.iter().enumerate().map(accept).collect() }
}

fn check(times_ms: &[u64], ms: u64, expected: &str) {
    let scenario = scenario(&format!("regression: {{ tolerance: 4% }}\n{RULES}"));
    let baseline = accepted(&scenario, times_ms);
    let told = tell(&judge_against(&scenario, &run(&scenario, "new", ms), Some(&baseline)));
    assert!(told.contains(expected), "{told}");
}

#[test]
fn a_run_against_accepted_ones() {
    let alike = [100, 101, 99, 100, 101, 100];
    let rule = "latency(upload) p95 ≤ 300ms (this run) is at most 4.0 % worse than before";
    check(&alike, 100, &format!("PASS {rule}: +0.0 % against 6 earlier runs"));
    check(&alike, 80, &format!("PASS {rule}: -20"));
    check(&alike, 110, &format!("FAIL: {rule}: +10"));
    // Worse for certain, and within what is tolerated.
    check(&[100; 6], 103, &format!("PASS {rule}: +3"));
    // Worse than tolerated, and no more than these runs differ among themselves.
    let told = "runs differ so much that it may be up to";
    check(&[80, 120, 90, 100, 110, 95], 106, &format!("INCONCLUSIVE {rule}: +8"));
    check(&[80, 120, 90, 100, 110, 95], 106, told);
    check(&alike[..4], 110, "INCONCLUSIVE: no slower than the accepted runs: 4 accepted runs can be compared with");
    check(&[], 110, "INCONCLUSIVE: no slower than the accepted runs: 0 accepted runs");
}

/// Money is compared as times are: each run paid so much for a second of the same load.
#[test]
fn a_dearer_run_against_accepted_ones() {
    let rules = "slos: [{ sli: cost.per_1000(upload), max: 100 }]";
    let scenario = scenario(&format!("regression: {{ tolerance: 4% }}\n{rules}"));
    let priced = |record: RunRecord, euros: u64| {
        let prices = format!(r#"{{ "currency": "EUR", "replicas": {{}}, "fixed": {{ "all": "{euros}/s" }} }}"#);
        RunRecord { prices: Some(serde_json::from_str(&prices).unwrap()), ..record }
    };
    let before = [100, 101, 99, 100, 101, 100].map(|euros| {
        let record = priced(run(&scenario, &format!("run-{euros}"), 20), euros);
        BaselineRun::of(&judge(&scenario, &record), &record)
    });
    let baseline = Baseline { runs: before.to_vec() };
    let check = |euros: u64, expected: &str| {
        let told = tell(&judge_against(&scenario, &priced(run(&scenario, "new", 20), euros), Some(&baseline)));
        assert!(told.contains(expected), "{told}");
    };
    check(100, "PASS cost.per_1000(upload) ≤ 100 is at most 4.0 % worse than before: +0.0 %");
    check(110, "FAIL cost.per_1000(upload) ≤ 100 is at most 4.0 % worse than before: +10");
}

#[test]
fn runs_of_another_environment_are_not_compared_with() {
    let scenario = scenario(RULES);
    let mut baseline = accepted(&scenario, &[100; 6]);
    baseline.runs[1].run.environment_hash = "other".to_owned();
    baseline.runs[2].run.environment_hash = "other".to_owned();
    let told = tell(&judge_against(&scenario, &run(&scenario, "new", 100), Some(&baseline)));
    assert!(told.contains("4 accepted runs can be compared with (2 more are of another"), "{told}");
}

#[test]
fn only_a_pass_is_accepted() {
    let scenario = scenario(RULES);
    let slow = run(&scenario, "slow", 400);
    let mut report = judge(&scenario, &slow);
    report.verdict = Verdict::Inconclusive;
    let by = Accepted { by: "ada".to_owned(), at_unix_ms: 7, commit: None };
    let refused = BaselineRun::accept(&report, &slow, by).unwrap_err();
    assert_eq!(refused, "slow reads INCONCLUSIVE, and only a PASS can be a baseline");
}

/// Viewers tell cases apart by class and name: one that stands twice reads as two.
#[test]
fn a_comparison_stands_in_junit_once() {
    let scenario = scenario(RULES);
    let record = run(&scenario, "new", 100);
    let report = judge_against(&scenario, &record, Some(&accepted(&scenario, &[100; 6])));
    let mut junit = Vec::new();
    Format::Junit.write(&report, &record, None, &mut junit).unwrap();
    let junit = String::from_utf8(junit).unwrap();
    assert_eq!(junit.matches("<testsuite name=\"regression\"").count(), 1, "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), report.findings.len(), "{junit}");
}
