//! A series of pairs, and what `pairs.json` says of it.

use proofload_core::judge::turns::Side;
use proofload_core::judge::{Design, Verdict};
use proofload_core::pairs::{LeftOut, Pair, PairRun, Pairs, PairsEnd, System};

use super::comparing::{ALIKE, SLOW, judged};

fn series(pairs: usize) -> Pairs {
    let system = |environment: &str| System { environment: environment.to_owned(), target: None };
    let mut series = Pairs::new("t", (system("old"), system("new")), 0.05, 10);
    let run = |verdict| PairRun { folder: String::new(), verdict, reason: String::new() };
    let pair = Pair { seed: 1, first: Side::Before, before: run(Verdict::Pass), after: run(Verdict::Fail) };
    series.pairs = vec![pair; pairs];
    series
}

#[test]
fn only_a_whole_series_passes_or_fails() {
    let check = |pairs: usize, end: PairsEnd, after: &[u32], expected: (u8, Verdict, &str)| {
        let mut series = series(pairs);
        let left_out = LeftOut { pair: 4, side: Side::After, folder: None, why: "it stood still".to_owned() };
        series.left_out.push(left_out);
        let code = series.conclude(end, &judged(&[&ALIKE[..pairs]], &[&after[..pairs]], Design::Pairs));
        assert_eq!((code, series.verdict, series.exit_code), (expected.0, Some(expected.1), Some(code)), "{series:?}");
        assert!(series.reason.contains(expected.2), "{}", series.reason);
        let read: Pairs = serde_json::from_str(&series.to_json()).unwrap();
        assert_eq!((&read.pairs, &read.left_out, &read.reason), (&series.pairs, &series.left_out, &series.reason));
        series
    };
    check(10, PairsEnd::Completed, &ALIKE, (0, Verdict::Pass, "no rule is more than"));
    let slower = check(10, PairsEnd::Completed, &SLOW, (1, Verdict::Fail, "rule-0 is at most 5.0 % worse"));
    let shift = slower.rules[0].shift_percent.unwrap();
    let (low, high) = slower.rules[0].interval_percent.unwrap();
    assert!(low <= shift && shift <= high && (shift - 200.0).abs() < 0.1, "{slower:?}");
    assert_eq!((slower.failed(Side::Before), slower.failed(Side::After)), (0, 10));
    check(10, PairsEnd::Interrupted, &SLOW, (130, Verdict::Inconclusive, "stopped after 10 of 10 pairs"));
    check(0, PairsEnd::Interrupted, &SLOW, (130, Verdict::Inconclusive, "stopped after 0 of 10 pairs"));
    let why = "pair 4 could not be measured, twice; after: it stood still";
    check(8, PairsEnd::Invalid, &SLOW, (3, Verdict::Invalid, why));
    check(4, PairsEnd::Completed, &SLOW, (4, Verdict::Inconclusive, "fewer than 5 pairs"));
}
