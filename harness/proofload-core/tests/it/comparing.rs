//! Runs against runs: what so many of them can show, and that nothing passes for want of runs or of values.

use proofload_core::baseline::{BaselineRun, Measured};
use proofload_core::judge::{Design, Judgement, Verdict, judge, judge_runs, pairs_least};

use super::judging::{GOOD, Uploads, record, scenario};

/// Runs with rules of these values in ms; a value of 0 was not measured.
fn runs(rules: &[&[u32]]) -> Vec<BaselineRun> {
    let scenario = scenario("slos: [{ sli: latency(upload), p95: 300ms, claim: run }]");
    let record = record(&scenario, &[Uploads { ms: 100, ..GOOD }; 30]);
    let one = BaselineRun::of(&judge(&scenario, &record), &record);
    let (_, measured) = one.values.first_key_value().unwrap();
    let run = |number: usize| {
        let of_rule = |(rule, values): (usize, &&[u32])| {
            let value = values.get(number).copied().filter(|value| *value > 0)?;
            let id = format!("rule-{rule}");
            let measured = Measured { title: id.clone(), value: f64::from(value), ..measured.clone() };
            Some((id, measured))
        };
        BaselineRun { values: rules.iter().enumerate().filter_map(of_rule).collect(), ..one.clone() }
    };
    (0..rules[0].len()).map(run).collect()
}

pub(crate) fn judged(before: &[&[u32]], after: &[&[u32]], design: Design) -> Judgement {
    let (before, after) = (runs(before), runs(after));
    judge_runs(&before.iter().collect::<Vec<_>>(), &after.iter().collect::<Vec<_>>(), design, 0.05)
}

/// One rule: pairs of these values.
fn check_pairs(before: &[u32], after: &[u32], verdict: Verdict, reason: &str) {
    let judgement = judged(&[before], &[after], Design::Pairs);
    assert_eq!(judgement.verdict, verdict, "{judgement:?}");
    assert!(judgement.reason.contains(reason), "{judgement:?}");
}

pub(crate) const ALIKE: [u32; 10] = [100, 101, 99, 100, 102, 98, 100, 101, 99, 100];
pub(crate) const SLOW: [u32; 10] = [300, 301, 299, 300, 302, 298, 300, 301, 299, 300];

#[test]
fn so_many_pairs_show_so_much() {
    for few in 0..5 {
        for after in [&ALIKE, &SLOW] {
            check_pairs(&ALIKE[..few], &after[..few], Verdict::Inconclusive, "fewer than 5 pairs show no more");
        }
    }
    for more in 5..=10 {
        check_pairs(&ALIKE[..more], &ALIKE[..more], Verdict::Pass, "no rule is more than 5.0 % worse than before");
    }
    for more in [5, 6] {
        let why = format!("{more} pairs cannot show that a rule got worse; make 7 or more");
        check_pairs(&ALIKE[..more], &SLOW[..more], Verdict::Inconclusive, &why);
    }
    for more in 7..=10 {
        let why = format!("rule-0 is at most 5.0 % worse than before: +200.0 % against {more} earlier runs");
        check_pairs(&ALIKE[..more], &SLOW[..more], Verdict::Fail, &why);
    }
}

/// The judge holds the smallest probability against all rules, so more rules need more pairs.
#[test]
fn more_rules_need_more_pairs() {
    for (rules, pairs) in [(0, 7), (1, 7), (2, 8), (3, 9), (5, 9), (6, 10), (10, 10), (11, 11)] {
        assert_eq!(pairs_least(rules), pairs, "{rules} rules");
    }
    for rules in 1..=10 {
        let least = pairs_least(rules);
        let judged = |pairs: usize| {
            // One rule is slower, the others are as they were.
            let before = vec![&ALIKE[..pairs]; rules];
            let after: Vec<&[u32]> =
                (0..rules).map(|rule| if rule == 0 { &SLOW[..pairs] } else { &ALIKE[..pairs] }).collect();
            judged(&before, &after, Design::Pairs)
        };
        assert_eq!(judged(least).verdict, Verdict::Fail, "{rules} rules, {least} pairs");
        let fewer = judged(least - 1);
        let one = if rules == 1 { "a rule".to_owned() } else { format!("one of {rules} rules") };
        let told = format!("{} pairs cannot show that {one} got worse; make {least} or more", least - 1);
        assert!(fewer.verdict == Verdict::Inconclusive && fewer.reason.contains(&told), "{fewer:?}");
    }
}

/// A later run that never answered has no time, and a rule without one must not go by unseen.
#[test]
fn what_some_runs_did_not_measure_does_not_pass() {
    let lacking = |runs: usize| {
        let mut values = ALIKE;
        values[..runs].fill(0);
        values
    };
    let check = |before: &[u32], after: &[u32], expected: Option<&str>| {
        for design in [Design::Pairs, Design::Groups] {
            let judgement = judged(&[&ALIKE, before], &[&ALIKE, after], design);
            let told = expected.map_or(judgement.reason.as_str(), |expected| expected);
            let verdict = if expected.is_some() { Verdict::Inconclusive } else { Verdict::Pass };
            assert_eq!((judgement.verdict, judgement.reason.contains(told)), (verdict, true), "{judgement:?}");
        }
    };
    check(&ALIKE, &ALIKE, None);
    check(&ALIKE, &lacking(1), Some("measured in 10 of 10 earlier and 9 of 10 later runs"));
    check(&ALIKE, &lacking(10), Some("measured in 10 of 10 earlier and 0 of 10 later runs"));
    check(&lacking(3), &ALIKE, Some("measured in 7 of 10 earlier and 10 of 10 later runs"));
    // A rule that is new.
    check(&lacking(10), &ALIKE, None);
}

#[test]
fn groups_and_single_runs_need_five_earlier_ones() {
    let few = judged(&[&ALIKE[..4]], &[&SLOW[..4]], Design::Groups);
    assert_eq!((few.verdict, few.findings.len()), (Verdict::Inconclusive, 0));
    assert_eq!(
        few.lines(),
        ["INCONCLUSIVE  4 against 4 runs show no more than how they differ; give folders of 5 runs or more"]
    );
    let slower = judged(&[&ALIKE[..5]], &[&SLOW[..1]], Design::One);
    assert_eq!(slower.verdict, Verdict::Fail);
    assert_eq!(
        slower.lines(),
        ["FAIL          rule-0 is at most 5.0 % worse than before: +200.0 % against 5 earlier runs"]
    );
    let nothing = judged(&[&[0; 5]], &[&[0; 5]], Design::Pairs);
    assert_eq!(nothing.verdict, Verdict::Inconclusive);
    assert!(nothing.reason.contains("no rule on a time or a rate was measured"), "{nothing:?}");
}
