//! Contracts in a run: they pass only on checks that were carried out, and what a check saw is a fact.

use proofload_core::conformance::{ConformanceProfile, Level, Outcome, SkipReason};
use proofload_core::evidence::{CheckEvidence, ConformanceAnswer, ConformanceEvidence, RunEnd, RunRecord};
use proofload_core::judge::judge;

use super::fixture::{self, Run};
use super::judging::{self, GOOD, tell};

use Level::{May, Must, Should};
use Outcome::{Error, Fail, Inconclusive, Pass, Skip};

/// What came of a check, in an area of its own level's kind.
pub(crate) fn check_of(id: &str, level: Level, outcome: Outcome) -> CheckEvidence {
    let message = match outcome {
        Pass => "",
        Fail => "expected status 404 for GET /nowhere, saw 200 {}",
        Error => "/a b makes no URL",
        Inconclusive => "the job ended before it could be cancelled",
        Skip => "no key for tokens was given",
    };
    let sent = matches!(outcome, Pass | Fail);
    CheckEvidence {
        id: id.to_owned(),
        level,
        sentence: "A path that nobody serves is answered with 404.".to_owned(),
        source: "RFC 9110 §15.5.5".to_owned(),
        feature: id.split('.').next().unwrap_or_default().to_owned(),
        outcome,
        skip_reason: (outcome == Skip).then_some(SkipReason::Unsupported),
        message: message.to_owned(),
        repro: sent.then(|| "curl -sS -i -X GET -H \"Authorization: Bearer $TOKEN\" 'http://h/nowhere'".to_owned()),
    }
}

pub(crate) fn evidence(
    system: &str,
    profile: ConformanceProfile,
    checks: impl IntoIterator<Item = CheckEvidence>,
) -> ConformanceEvidence {
    ConformanceEvidence {
        system: system.to_owned(),
        profile,
        target: "http://h/".to_owned(),
        suite_version: "0.1.0".to_owned(),
        strict: false,
        selected: Vec::new(),
        answer: ConformanceAnswer::Checked(checks.into_iter().collect()),
    }
}

/// A sound run of a system that breaks its contract in every way there is.
pub(crate) fn broken() -> Run {
    let clauses = "conformance: [{ profile: medical-platform }, { profile: fish, select: [http] }]\n";
    let mut run = fixture::pass();
    run.scenario = fixture::scenario(clauses);
    run.record.run.id = "2026-11-21-1103-contract".to_owned();
    let checks = [
        ("http.health.json", Must, Pass),
        ("http.health.head", Should, Pass),
        ("http.path.unknown-404", Must, Fail),
        ("http.problem.instance-path", Should, Fail),
        ("gw.jwt.alg-none", Must, Pass),
        ("gw.jwt.valid-accepted", Must, Error),
        ("study.cancel.early", Must, Inconclusive),
        ("queue.figures.ready", Must, Skip),
        ("queue.figures.unacked", May, Skip),
    ];
    let checks = checks.map(|(id, level, outcome)| check_of(id, level, outcome));
    let mut part = evidence("medical-platform", ConformanceProfile::Fish, [check_of("http.health.json", Must, Pass)]);
    let left_out =
        CheckEvidence { skip_reason: Some(SkipReason::Disabled), ..check_of("predict.body.jpeg", Must, Skip) };
    part.answer = ConformanceAnswer::Checked(vec![check_of("http.health.json", Must, Pass), left_out]);
    part.selected = vec!["http".to_owned()];
    run.record.conformance = vec![evidence("medical-platform", ConformanceProfile::MedicalPlatform, checks), part];
    run
}

/// Judges a run of a scenario that asks this, whose checks came out so.
fn told(clause: &str, checks: &[(&str, Level, Outcome)], change: impl FnOnce(&mut RunRecord)) -> String {
    let scenario = judging::scenario(&format!("conformance: [{{ {clause} }}]"));
    let mut record = judging::record(&scenario, &[GOOD; 30]);
    let checks = checks.iter().map(|(id, level, outcome)| check_of(id, *level, *outcome));
    record.conformance = vec![evidence("s", ConformanceProfile::Fish, checks)];
    change(&mut record);
    let again = RunRecord::from_json(&record.to_json()).unwrap();
    assert_eq!(again, record);
    tell(&judge(&scenario, &again))
}

fn check(clause: &str, checks: &[(&str, Level, Outcome)], expected: &str) {
    let told = told(clause, checks, |_| ());
    assert_eq!(told.trim_end(), expected, "{clause} {checks:?}");
}

const WHOLE: &str = "conformance(fish) of s";

#[test]
fn a_profile_passes_on_checks_that_passed() {
    let message = "2 checks: 2 pass";
    check(
        "profile: fish",
        &[("a.b.c", Must, Pass), ("a.b.d", Should, Pass)],
        &format!("PASS: the one rule that was judged holds\n  PASS {WHOLE}: {message}"),
    );
}

#[test]
fn a_failed_must_fails_the_run_and_is_named() {
    let seen = "expected status 404 for GET /nowhere, saw 200 {}";
    check(
        "profile: fish",
        &[("a.b.c", Must, Pass), ("a.b.d", Must, Fail)],
        &format!(
            "FAIL: {WHOLE} MUST a.b.d: {seen} (and 1 more)\n  FAIL {WHOLE} MUST a.b.d: {seen}\n  FAIL {WHOLE}: 2 checks: 1 pass, 1 fail; 1 of 2 binding checks failed: a.b.d"
        ),
    );
}

#[test]
fn a_failed_should_warns_unless_the_clause_is_strict() {
    let seen = "expected status 404 for GET /nowhere, saw 200 {}";
    let checks = [("a.b.c", Must, Pass), ("a.b.d", Should, Fail), ("a.b.e", May, Fail)];
    check(
        "profile: fish",
        &checks,
        &format!(
            "PASS: the one rule that was judged holds\n  WARNING {WHOLE} SHOULD a.b.d: {seen}\n  WARNING {WHOLE} MAY a.b.e: {seen}\n  PASS {WHOLE}: 3 checks: 1 pass, 2 fail; all 1 binding checks passed"
        ),
    );
    let strict = told("profile: fish, strict: true", &checks, |_| ());
    assert!(strict.starts_with(&format!("FAIL: {WHOLE} SHOULD a.b.d: {seen}")), "{strict}");
    assert!(strict.contains(&format!("WARNING {WHOLE} MAY a.b.e")), "{strict}");
}

#[test]
fn what_was_not_decided_leaves_the_run_undecided() {
    let pass = ("a.b.c", Must, Pass);
    check(
        "profile: fish",
        &[pass, ("a.b.d", Must, Skip)],
        &format!(
            "INCONCLUSIVE: {WHOLE}: 2 checks: 1 pass, 1 skip; 1 of 2 binding checks passed; not decided: a.b.d (no key for tokens was given)\n  INCONCLUSIVE {WHOLE}: 2 checks: 1 pass, 1 skip; 1 of 2 binding checks passed; not decided: a.b.d (no key for tokens was given)"
        ),
    );
    for (outcome, expected) in [
        (Error, "the check itself could not be carried out: /a b makes no URL"),
        (Inconclusive, "nothing was proved: the job ended before it could be cancelled"),
    ] {
        let told = told("profile: fish", &[pass, ("a.b.d", Must, outcome)], |_| ());
        assert!(told.starts_with(&format!("INCONCLUSIVE: {WHOLE} MUST a.b.d: {expected}")), "{told}");
    }
    let only_should = told("profile: fish", &[pass, ("a.b.d", Should, Skip)], |_| ());
    assert!(only_should.starts_with("PASS"), "{only_should}");
}

#[test]
fn a_profile_of_which_nothing_was_carried_out_never_passes() {
    let nothing = "no binding check was carried out, so nothing is proved";
    for checks in [&[][..], &[("a.b.c", Must, Skip)], &[("a.b.c", Should, Pass)], &[("a.b.c", May, Fail)]] {
        let told = told("profile: fish", checks, |_| ());
        assert!(told.starts_with("INCONCLUSIVE"), "{told}");
        assert!(checks.is_empty() || told.contains(nothing), "{told}");
    }
    let refused = |record: &mut RunRecord| {
        record.conformance[0].answer = ConformanceAnswer::NotCarriedOut("http://h/ does not answer (none)".to_owned());
    };
    let told = told("profile: fish", &[], refused);
    assert!(told.starts_with(&format!("INCONCLUSIVE: {WHOLE}: http://h/ does not answer (none)")), "{told}");
}

/// A part that holds is told as a part: it must not read as the whole.
#[test]
fn what_was_not_asked_for_is_told_and_decides_nothing() {
    let leave_out = |record: &mut RunRecord| {
        let ConformanceAnswer::Checked(checks) = &mut record.conformance[0].answer else { panic!("nothing checked") };
        checks[1].skip_reason = Some(SkipReason::Disabled);
    };
    let checks = [("a.b.c", Must, Pass), ("d.e.f", Must, Skip)];
    assert_eq!(
        told("profile: fish, select: [a.b]", &checks, leave_out),
        format!(
            "PASS: the one rule that was judged holds\n  PASS {WHOLE}, only a.b: 1 check: 1 pass; not asked for: 1\n"
        )
    );
}

#[test]
fn a_run_that_was_stopped_says_that_its_contracts_were_not_looked_at() {
    for (end, expected) in [
        (RunEnd::Interrupted, "the run was stopped before its checks were carried out"),
        (RunEnd::Running, "the run was stopped before its checks were carried out"),
        (RunEnd::Aborted, "the run was ended early, before its checks were carried out"),
        (RunEnd::Completed, "the run ended before its checks were carried out"),
    ] {
        let stopped = |record: &mut RunRecord| (record.run.end, record.conformance) = (end, Vec::new());
        let told = told("profile: fish", &[], stopped);
        assert!(told.starts_with("INCONCLUSIVE"), "{told}");
        assert!(told.contains(&format!("INCONCLUSIVE {WHOLE}: {expected}")), "{told}");
    }
    let mut run = broken();
    (run.record.run.end, run.record.conformance) = (RunEnd::Interrupted, Vec::new());
    let said = "the run was stopped before its checks were carried out";
    assert!(run.text("report.html").contains(&format!("<p>Asked for, and not looked at: {said}.</p>")));
    assert!(run.text("summary.md").contains(&format!("- Conformance: not looked at: {said}\n")));
}

#[test]
fn a_run_that_was_stopped_among_its_checks_keeps_what_they_saw() {
    let stopped = |record: &mut RunRecord| record.run.end = RunEnd::Interrupted;
    let with = |outcome| told("profile: fish", &[("a.b.c", Must, outcome), ("a.b.d", Must, Skip)], stopped);
    assert!(
        with(Pass).starts_with("INCONCLUSIVE: the run was stopped before all checks were made\n"),
        "{}",
        with(Pass)
    );
    assert!(with(Fail).starts_with(&format!("FAIL: {WHOLE} MUST a.b.c")), "{}", with(Fail));
}

#[test]
fn a_failed_must_outranks_failed_instruments_and_a_pass_does_not() {
    let late = |record: &mut RunRecord| {
        record.generator.wake_lag = judging::wake_lag(record.generator.due, 25_000);
    };
    let with = |outcome| told("profile: fish", &[("a.b.c", Must, outcome)], late);
    assert!(with(Fail).starts_with(&format!("FAIL: {WHOLE} MUST a.b.c")), "{}", with(Fail));
    assert!(with(Pass).starts_with("INVALID: wake lag p99"), "{}", with(Pass));
    assert!(with(Inconclusive).starts_with("INVALID: wake lag p99"), "{}", with(Inconclusive));
}

/// Records and reports of an older proofload know nothing of contracts.
#[test]
fn a_record_without_contracts_still_reads() {
    let run = fixture::pass();
    let mut json: serde_json::Value = serde_json::from_str(&run.record.to_json()).unwrap();
    assert!(json.as_object_mut().unwrap().remove("conformance").is_some());
    assert_eq!(RunRecord::from_json(&json.to_string()).unwrap(), run.record);
    let mut json = serde_json::to_value(run.judged()).unwrap();
    assert!(json.as_object_mut().unwrap().remove("conformance").is_some());
    assert_eq!(proofload_core::report::Report::from_json(&json.to_string()).unwrap(), run.judged());
}

#[test]
fn a_page_leads_to_the_pages_of_its_contracts_and_asks_for_none_of_them() {
    let run = broken();
    let html = run.text("report.html");
    for link in ["conformance/1-medical-platform/conformance.html", "conformance/2-fish/conformance.html"] {
        assert!(html.contains(&format!("<a href=\"{link}\">")), "{link}");
    }
    let mut alone = broken();
    alone.record.conformance.truncate(1);
    assert!(alone.text("report.html").contains("<a href=\"conformance.html\">"));
    assert!(alone.text("summary.md").contains("every check is told in `conformance.md`"));
    alone.record.conformance[0].answer = ConformanceAnswer::NotCarriedOut("it does not answer".to_owned());
    assert!(!alone.text("report.html").contains("<a href=\"conformance"));
}
