//! Records that nobody would wish to read: odd names, endless texts, an hour of many steps, broken numbers.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up numbers are small"
)]

use std::collections::BTreeMap;

use proofload_core::conformance::{ConformanceProfile, Level, Outcome as Came};
use proofload_core::evidence::{
    CheckCounts, CheckEvidence, ConformanceEvidence, Fate, LedgerEntry, LedgerEvidence, Mark, ReplicaPoint, SlowSample,
    StepEvidence, StepKind,
};
use proofload_core::judge::{Finding, Outcome};
use proofload_core::report::{Format, closing_lines, files};

use super::fixture::{self, Run};

/// Every text is markup, control characters and an attempt to leave its place.
pub(crate) const ODD: &str = "<script>alert(1)</script>\"'&amp;`|*_\u{0}\u{1b}[31m]]>\u{fffe}--> {{x}} \u{202e}é\n# ,";

/// Every text from outside is odd.
pub(crate) fn odd() -> Run {
    let mut run = fixture::fail();
    let odd = || ODD.to_owned();
    let record = &mut run.record;
    let info = &mut record.run;
    for text in [
        &mut info.id,
        &mut info.scenario,
        &mut info.description,
        &mut info.environment,
        &mut info.environment_hash,
        &mut info.version,
        &mut info.command,
        &mut info.machine,
    ] {
        *text = odd();
    }
    for workload in &mut record.plan {
        workload.name = odd();
        workload.stages.iter_mut().for_each(|stage| stage.name = odd());
    }
    for step in &mut record.steps {
        step.name = odd();
        step.error_classes = BTreeMap::from([(odd(), 3)]);
        step.checks = BTreeMap::from([(odd(), CheckCounts { passed: 1, failed: 9 })]);
        step.slowest = vec![slow(ODD)];
    }
    for ledger in &mut record.ledgers {
        ledger.flow = odd();
        ledger.notable.iter_mut().for_each(|entry| (entry.id, entry.last_state) = (odd(), odd()));
    }
    let points = vec![(1000, f64::NAN), (2000, f64::INFINITY), (3000, -4.0), (4000, 1e300)];
    record.timeline.series = BTreeMap::from([(odd(), points), ("broken".to_owned(), vec![(5, f64::NAN)])]);
    record.timeline.marks = vec![Mark { at_ms: 7000, text: odd() }];
    let mut prices = fixture::prices();
    prices.currency = odd();
    prices.replicas = BTreeMap::from([(odd(), prices.replicas.into_values().next().unwrap())]);
    prices.fixed = BTreeMap::from([(odd(), prices.fixed.into_values().next().unwrap())]);
    record.prices = Some(prices);
    let cluster = record.cluster.as_mut().unwrap();
    cluster.kind = odd();
    for workload in &mut cluster.workloads {
        (workload.target, workload.autoscaler) = (odd(), odd());
        workload.syncs.iter_mut().for_each(|sync| (sync.reason, sync.metric) = (odd(), Some(f64::INFINITY)));
    }
    record.conformance = vec![contract(3, ODD)];
    run
}

/// A contract with so many checks of each outcome, whose every text is this one.
fn contract(checks: usize, text: &str) -> ConformanceEvidence {
    let outcomes = [Came::Pass, Came::Fail, Came::Error, Came::Inconclusive, Came::Skip];
    let check = |index: usize| {
        let own = || format!("{index}{text}");
        let text = || text.to_owned();
        CheckEvidence {
            id: own(),
            sentence: text(),
            source: text(),
            feature: own(),
            message: own(),
            repro: Some(text()),
            ..super::contracts::check_of("", Level::Must, outcomes[index % outcomes.len()])
        }
    };
    let checks = (0..checks * outcomes.len()).map(check);
    ConformanceEvidence {
        target: text.to_owned(),
        suite_version: text.to_owned(),
        selected: vec![text.to_owned()],
        ..super::contracts::evidence(text, ConformanceProfile::Fish, checks)
    }
}

fn slow(text: &str) -> SlowSample {
    let (outcome, workload) = (text.to_owned(), text.to_owned());
    SlowSample { at_ms: u64::MAX, response_ms: f64::INFINITY, service_ms: f64::NAN, outcome, workload, iteration: 9 }
}

/// An hour of ten steps with everything there can be, each text long.
pub(crate) fn huge() -> Run {
    let mut run = fixture::fail();
    let long = |index: usize| format!("{index}-{}", "long ".repeat(2000));
    let record = &mut run.record;
    let second = record.steps[0].seconds[50].clone();
    let step = |index: usize| StepEvidence {
        kind: StepKind::Request,
        name: long(index),
        limits_ns: vec![300_000_000, 2_000_000_000],
        seconds: (0..240).map(|at| proofload_core::evidence::Second { at: at * 15, ..second.clone() }).collect(),
        error_classes: (0..100).map(|class| (long(class), 1)).collect(),
        checks: (0..100).map(|check| (long(check), CheckCounts { passed: 0, failed: 1 })).collect(),
        slowest: vec![slow(&long(index)); 20],
    };
    record.steps.extend((0..10).map(step));
    record.run.lasted_ms = 3_600_000;
    let entry = |index: usize| LedgerEntry { id: long(index), fate: Fate::Lost, at_ms: 1, last_state: long(index) };
    let ledger = |index: usize| {
        let notable = (0..50).map(entry).collect();
        LedgerEvidence { flow: long(index), accepted: 50, lost: 50, notable, ..LedgerEvidence::default() }
    };
    record.ledgers = (0..30).map(ledger).collect();
    let points = |index: u64| (0..36_000u64).map(|at| (at * 100, ((at * (index + 7)) % 1000) as f64)).collect();
    record.timeline.series = (0..40u64).map(|index| (format!("{index}.{}", long(1)), points(index))).collect();
    record.timeline.marks = (0..500).map(|at| Mark { at_ms: at * 7000, text: long(3) }).collect();
    let mut prices = fixture::prices();
    let price = prices.replicas["Deployment/ml-inference"];
    prices.replicas = (0..1000).map(|index| (long(index), price)).collect();
    prices.fixed = prices.replicas.clone();
    record.prices = Some(prices);
    let cluster = record.cluster.as_mut().unwrap();
    let mut workload = cluster.workloads[0].clone();
    workload.replicas =
        (0..30_000).map(|at| ReplicaPoint { at_ms: at * 120, desired: at as u32 % 7, ready: at as u32 % 5 }).collect();
    cluster.workloads = vec![workload; 30];
    run.record.conformance = vec![contract(300, &long(4)); 30];
    run
}

/// One second, one request.
pub(crate) fn single() -> Run {
    let mut run = fixture::pass();
    for step in &mut run.record.steps {
        step.seconds.truncate(1);
    }
    let due = run.record.steps[0].seconds[0].due;
    (run.record.generator.due, run.record.generator.dispatched) = (due, due);
    run.record.timeline.series.values_mut().for_each(|points| points.truncate(1));
    run.record.cluster.as_mut().unwrap().workloads[0].replicas.truncate(1);
    run.record.run.lasted_ms = 900;
    run.record.plan.clear();
    run.scenario.slos.clear();
    run.scenario.scaling.clear();
    run
}

#[test]
fn a_page_stays_small_whatever_the_record_holds() {
    let run = huge();
    let mut report = run.judged();
    let long = "long ".repeat(2000);
    let finding = Finding { title: long.clone(), message: long, ..report.findings[0].clone() };
    report.findings.extend(vec![finding; 2000]);
    for file in files(&report, &run.record, None) {
        let text = String::from_utf8(file.content).unwrap();
        match file.name {
            "report.html" => assert!(text.len() <= 2_000_000, "{} bytes", text.len()),
            "summary.md" => assert!(text.lines().count() <= 60 && text.len() < 100_000, "{}", text.len()),
            "metrics.txt" => assert!(text.len() < 1_000_000, "{}", text.len()),
            "performance.json" => assert!(text.len() < 10_000, "{}", text.len()),
            "junit.xml" => names_of(&text).for_each(|name| assert!(name.chars().count() < 256, "{name}")),
            _ => {}
        }
    }
    let closing = closing_lines(&report);
    assert!(closing.len() == 6 && closing.iter().all(|line| line.chars().count() < 500), "{closing:?}");
}

/// The names that viewers keep in columns of a bounded width.
fn names_of(junit: &str) -> impl Iterator<Item = &str> {
    junit.split("name=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn labels_in_other_tools_files_are_inert() {
    for run in [odd(), huge()] {
        let metrics = String::from_utf8(run.rendered(Format::OpenMetrics)).unwrap();
        let samples = || metrics.lines().filter(|line| !line.starts_with('#'));
        for line in samples() {
            assert!(!line.contains(['#', '\\', '\'', '`', '$']) && line.matches('"').count() % 2 == 0, "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().unwrap().is_finite(), "{line}");
        }
        let mut named: Vec<&str> = samples().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), all, "each name with its labels stands once");
        assert!(metrics.ends_with("\n# EOF\n"));

        let jtl = String::from_utf8(run.rendered(Format::Jtl)).unwrap();
        for line in jtl.lines().skip(1) {
            let fields = line.split('"').step_by(2).map(|part| part.matches(',').count()).sum::<usize>() + 1;
            let ended = line.ends_with(",0,1,1,0,0");
            assert!(fields == 13 && ended && !line.contains(char::is_control), "{line}");
        }
        let otlp: serde_json::Value = serde_json::from_slice(&run.rendered(Format::Otlp)).unwrap();
        let text = otlp.to_string();
        assert!(!text.contains("null") && text.len() < 20_000_000, "{}", text.len());
    }
}

#[test]
fn no_drawing_holds_a_number_that_is_none() {
    let mut nameless = odd();
    nameless.record.cluster.as_mut().unwrap().speed = f64::NAN;
    for (kind, run) in [("odd", nameless), ("single", single()), ("empty", fixture::empty())] {
        let html = run.text("report.html");
        for attribute in [" d=\"", " x=\"", " y=\"", " width=\"", " height=\"", " viewBox=\""] {
            for value in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(!value.contains("NaN") && !value.contains("inf"), "{kind}: {attribute}{value}");
            }
        }
    }
}

#[test]
fn texts_from_outside_are_inert() {
    let run = odd();
    let html = run.text("report.html");
    assert!(!html.contains("<script"), "markup came through");
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "the text itself is shown");
    // Between the tags, no quotation mark can have ended an attribute.
    assert!(!html.contains("alert(1)</script>"));
    let summary = run.text("summary.md");
    // Within a code span, markup is text.
    assert!(summary.lines().all(|line| line.starts_with("Again: `` <") || !line.contains("<script")), "{summary}");
    assert!(!run.text("junit.xml").contains("<script"));
    assert!(run.text("latency.hlog").lines().all(|line| line.starts_with('#') || line.split(',').count() == 5));
}

#[test]
fn times_of_a_run_with_failed_instruments_are_marked_void() {
    let mut run = fixture::invalid();
    let html = run.text("report.html");
    assert!(html.contains("void (PASS)") && html.contains("instruments failed"), "{html}");
    // A lost job is a fact: the verdict is FAIL, and the times stay void.
    run.record.ledgers[0].lost = 1;
    let report = run.judged();
    assert!(report.findings.iter().any(|finding| finding.outcome == Outcome::Invalid));
    let html = run.text("report.html");
    assert!(html.contains("<title>FAIL") && html.contains("void (PASS)") && html.contains("Its counts of jobs, yes"));
}
