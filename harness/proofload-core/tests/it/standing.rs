//! How rules stand while a run goes: before any sample, in the middle, and against the verdict at the end.

use std::fmt::Write;

use proofload_core::judge::{SecondCounts, StandingState, Standings};

use super::fixture::{self, Run};

/// Feeds every second before `until_s` as two shards would close it; gives a line for each rule.
fn standings(run: &Run, until_s: u32) -> Vec<(StandingState, String)> {
    let mut standings = Standings::new(&run.scenario, &run.record);
    for (step, evidence) in run.record.steps.iter().enumerate() {
        for second in evidence.seconds.iter().filter(|second| second.at < until_s) {
            let (at, due, good) = (second.at, second.due, second.answered - second.errors);
            // Of two shards: half of the good ones on the first, all else on the second.
            let (half, none) = (good / 2, vec![0; second.late.len()]);
            standings.add(step, &SecondCounts { at, due: half, good: half, late: &none });
            standings.add(step, &SecondCounts { at, due: due - half, good: good - half, late: &second.late });
        }
    }
    let told = standings.at(u64::from(until_s)).into_iter();
    told.map(|rule| (rule.state, format!("{:?} | {} | {}", rule.state, rule.rule, rule.seen))).collect()
}

#[test]
fn rules_stand_by_what_has_ended_so_far() {
    let mut told = String::new();
    for (name, run) in [("pass", fixture::pass()), ("fail", fixture::fail())] {
        for until_s in [0, 25, 200] {
            writeln!(told, "{name}, second {until_s}").unwrap();
            for (_, line) in standings(&run, until_s) {
                writeln!(told, "  {line}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(told);
}

/// What stands broken at the end is not what the judge passes, and the other way round.
#[test]
fn at_the_end_rules_stand_as_they_are_judged() {
    for run in [fixture::pass(), fixture::fail()] {
        let report = run.judged();
        let standings = standings(&run, u32::MAX);
        for (slo, (state, line)) in run.scenario.slos.iter().zip(&standings) {
            let title = line.split(" | ").nth(1).unwrap();
            let finding = report.findings.iter().find(|finding| finding.title == title).unwrap();
            match state {
                StandingState::Holding => assert_ne!(finding.outcome.to_string(), "FAIL", "{slo:?}"),
                StandingState::Breaking => assert_ne!(finding.outcome.to_string(), "PASS", "{slo:?}"),
                _ => {}
            }
        }
        assert!(standings.iter().any(|(state, _)| *state == StandingState::Holding));
    }
}
