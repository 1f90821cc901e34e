//! The page of a run of a hundred million samples: ten steps, an hour, and no second like the one before it.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up numbers are small"
)]

use std::time::Instant;

use proofload_core::evidence::{Histogram, RunRecord, Second, StepEvidence, StepKind};
use proofload_core::plan::draw;
use proofload_core::report::page;

use super::fixture;

const STEPS: u64 = 10;
const SECONDS: u32 = 3600;
/// Samples of one step in one second; 100,008,000 in all.
const PER_SECOND: u64 = 2778;
/// Different seconds; each comes back after as many.
const KINDS: u32 = 120;

/// One second of one step: times around a median that goes up and down, with a tail to a hundred times as much.
fn second(step: u64, at: u32) -> Second {
    let mut second = fixture::empty_second(at, 2);
    let (mut response, mut wait) = (Histogram::live(), Histogram::live());
    let median_us = 3000.0 * (step + 1) as f64 * (1.0 + 4.0 * draw(step, at.into()));
    for sample in 0..PER_SECOND {
        let share = draw(1000 * step + u64::from(at), sample);
        let us = median_us * (0.5 + share) * if share > 0.97 { 1.0 + 3000.0 * (share - 0.97) } else { 1.0 };
        response.record(us as u64).unwrap();
        wait.record((us * 0.02) as u64).unwrap();
    }
    (second.due, second.answered) = (PER_SECOND, PER_SECOND);
    second.response = Histogram::freeze(&response);
    second.service = second.response.clone();
    second.queue_wait = Histogram::freeze(&wait);
    second
}

fn hour() -> RunRecord {
    let mut record = fixture::pass().record;
    let step = |index: u64| {
        let kinds: Vec<Second> = (0..KINDS).map(|kind| second(index, kind)).collect();
        StepEvidence {
            kind: if index == 9 { StepKind::Job } else { StepKind::Request },
            name: format!("step-{index}"),
            limits_ns: vec![300_000_000, 2_000_000_000],
            seconds: (0..SECONDS).map(|at| Second { at, ..kinds[(at % KINDS) as usize].clone() }).collect(),
            slowest: record.steps[0].slowest.clone(),
            ..record.steps[0].clone()
        }
    };
    record.steps = (0..STEPS).map(step).collect();
    record.run.lasted_ms = u64::from(SECONDS) * 1000;
    record
}

/// Time that this process has computed, ms, all threads: what neighbours of the machine leave as it is.
fn computed_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    // The kernel counts in hundredths of a second here.
    fields.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}

/// Asserts the size; prints the time, which counts in a release build alone.
#[test]
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement for a person, by a real clock")]
fn a_page_of_a_hundred_million_samples_is_small() {
    let mut run = fixture::pass();
    run.record = hour();
    let report = run.judged();
    let before = run.as_baseline();
    for (name, baseline) in [("without a baseline", None), ("with a baseline", Some(&before))] {
        let (began, computed_before_ms) = (Instant::now(), computed_ms());
        let page = page(&report, &run.record, baseline);
        let (took, computed_ms) = (began.elapsed().as_millis(), computed_ms() - computed_before_ms);
        println!("{name}: {} bytes in {took} ms, {computed_ms} ms of processor time", page.len());
        assert!(page.len() <= 2_000_000, "{} bytes", page.len());
    }
}
