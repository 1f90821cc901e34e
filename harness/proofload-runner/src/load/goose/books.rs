//! What is recorded of a Goose attack, ours beside what Goose counted itself.

use std::collections::BTreeMap;

use ::goose::metrics::GooseMetrics;
use hdrhistogram::Histogram as Live;
use proofload_core::evidence::Histogram;

use super::super::broken::Broken;
use super::super::checks::Tally;
use super::super::event::{GeneratorEvent, Outcome, Tick};
use super::super::recorder::{Recorder, Sample, SampleOutcome, Timed};
use super::super::script::Script;
use super::super::second::note;
use super::super::shard::Teller;
use crate::cross_check::{CrossCheck, Figures, Row};

/// What is counted and measured while users run.
pub(super) struct Books {
    pub(super) recorder: Recorder,
    pub(super) checks: Tally,
    pub(super) due: u64,
    pub(super) passes: u64,
    pub(super) in_flight: u64,
    error_classes: BTreeMap<usize, BTreeMap<String, u64>>,
    local_failures: u64,
    /// By name of the request.
    sent: BTreeMap<String, Sent>,
}

/// What was handed to Goose of one request, and came back.
struct Sent {
    requests: u64,
    failed: u64,
    /// Until the head of the answer was there, as Goose times it, µs.
    times: Live<u64>,
}

impl Default for Sent {
    fn default() -> Self {
        Self { requests: 0, failed: 0, times: Histogram::live() }
    }
}

impl Books {
    pub(super) fn new(timed: Vec<Timed>, script: &Script) -> Self {
        Self {
            recorder: Recorder::new(timed).watching(&script.scenario),
            checks: Tally::new(&script.scenario, |request| script.prepared(request).step),
            due: 0,
            passes: 0,
            in_flight: 0,
            error_classes: BTreeMap::new(),
            local_failures: 0,
            sent: BTreeMap::new(),
        }
    }

    /// Ends a timed step and notes what went wrong, if anything did.
    pub(super) fn end(&mut self, step: usize, sample: &Sample, class: Option<String>) {
        self.recorder.end(step, sample);
        self.local_failures += u64::from(sample.outcome == SampleOutcome::Broken(Broken::Local));
        if let Some(class) = class {
            *self.error_classes.entry(step).or_default().entry(class).or_default() += 1;
        }
    }

    /// Notes a request that Goose has counted: how long its head took, and whether it was right.
    pub(super) fn sent(&mut self, name: &str, took_ns: u64, good: bool) {
        if !self.sent.contains_key(name) {
            self.sent.insert(name.to_owned(), Sent::default());
        }
        if let Some(sent) = self.sent.get_mut(name) {
            sent.requests += 1;
            sent.failed += u64::from(!good);
            note(&mut sent.times, took_ns / 1000);
        }
    }

    /// Tells the seconds that are over, and the figures of the moment.
    pub(super) fn tell(&mut self, now_ns: u64, tell: &Teller) {
        let before_s = u32::try_from(now_ns / 1_000_000_000).unwrap_or(u32::MAX).saturating_sub(1);
        let closed = self.recorder.close(before_s);
        if !closed.is_empty() {
            tell.tell(GeneratorEvent::Closed(closed));
        }
        let totals = self.recorder.totals();
        tell.tell(GeneratorEvent::Tick(Tick {
            at_ms: now_ns / 1_000_000,
            due: self.due,
            dispatched: self.due,
            dropped: totals.dropped,
            answered: totals.answered,
            errors: totals.errors,
            in_flight: self.in_flight,
            passes: self.passes,
            recent: self.recorder.take_recent(),
            jobs_open: 0,
            jobs_ended: 0,
            burns: self.recorder.burns(now_ns),
        }));
    }

    /// Hands everything over, with what Goose says if it came to that.
    pub(super) fn finish(&mut self, now_ns: u64, script: &Script, goose: Option<&GooseMetrics>, tell: &Teller) {
        tell.tell(GeneratorEvent::Closed(self.recorder.close_all(now_ns)));
        let outcome = Outcome {
            due: self.due,
            dispatched: self.due,
            dropped: self.recorder.totals().dropped,
            wake_lag: self.recorder.wake_lag(),
            local_failures: self.local_failures,
            error_classes: std::mem::take(&mut self.error_classes),
            checks: self.checks.named(&script.scenario, |request| script.prepared(request).step),
            slowest: self.recorder.slowest(|workload| script.workload_name(workload)),
            cross_check: goose.map(|goose| self.cross_check(goose)),
            ..Outcome::default()
        };
        tell.tell(GeneratorEvent::Finished(Box::new(outcome)));
    }

    /// Both engines' figures of every request that either of them has counted.
    fn cross_check(&self, goose: &GooseMetrics) -> CrossCheck {
        let mut theirs = counted_by(goose);
        let mut requests: Vec<Row> = self
            .sent
            .iter()
            .map(|(name, sent)| Row {
                name: name.clone(),
                proofload: Figures::of(sent.requests, sent.failed, &sent.times),
                goose: theirs.remove(name).unwrap_or_default(),
            })
            .collect();
        let unknown = |(name, goose)| Row { name, proofload: Figures::default(), goose };
        requests.extend(theirs.into_iter().map(unknown));
        CrossCheck { requests }
    }
}

/// Goose's own figures, by name of the request.
fn counted_by(goose: &GooseMetrics) -> BTreeMap<String, Figures> {
    let mut named = BTreeMap::new();
    for request in goose.requests.values() {
        let mut times = Histogram::live();
        for (micros, times_seen) in request.raw_data.times_us.iter() {
            times.record_n(*micros, *times_seen as u64).expect("a resizing histogram takes every value");
        }
        let failed = request.fail_count as u64;
        // A request of a flow has one name and one method, so each name is there once.
        named.insert(request.path.clone(), Figures::of(request.success_count as u64 + failed, failed, &times));
    }
    named
}
