//! The slowest samples of a step while they come: as many as a report names, in memory that was there from the start.

use std::cmp::Reverse;

use proofload_core::evidence::{SLOWEST_MAX, SlowSample, StepKind, micros_to_ms};

use super::broken::Broken;
use super::recorder::{Sample, SampleOutcome};

/// The slowest samples so far.
pub(super) struct Slowest {
    kept: Vec<Sample>,
    /// Nothing faster than this is among them, µs; 0 while there is room.
    threshold_us: u64,
}

impl Slowest {
    pub(super) fn new() -> Self {
        Self { kept: Vec::with_capacity(SLOWEST_MAX), threshold_us: 0 }
    }

    /// Keeps a sample that is among the slowest. Almost none is, so one comparison has to be enough for the others.
    #[inline]
    pub(super) fn note(&mut self, sample: &Sample) {
        if response_us(sample) >= self.threshold_us {
            self.keep(sample);
        }
    }

    #[cold]
    fn keep(&mut self, sample: &Sample) {
        // What was never sent waited for others, and says nothing of its own slowness.
        let never_sent = [Broken::NotReached, Broken::NotSent].map(SampleOutcome::Broken);
        if sample.outcome == SampleOutcome::Dropped || never_sent.contains(&sample.outcome) {
            return;
        }
        if self.kept.len() == SLOWEST_MAX {
            let least = self.kept.iter_mut().max_by_key(|kept| rank(kept)).expect("it is full, so not empty");
            if rank(sample) >= rank(least) {
                return;
            }
            *least = *sample;
        } else {
            self.kept.push(*sample);
        }
        if self.kept.len() == SLOWEST_MAX {
            self.threshold_us = self.kept.iter().map(response_us).min().unwrap_or(0);
        }
    }

    /// What is kept, as it is stored.
    pub(super) fn told(&self, kind: StepKind, workload: impl Fn(usize) -> String) -> Vec<SlowSample> {
        let mut told: Vec<SlowSample> = self.kept.iter().map(|sample| tell(sample, kind, &workload)).collect();
        proofload_core::evidence::keep_slowest(&mut told);
        told
    }
}

/// The slowest first; among equals as `keep_slowest` has it.
fn rank(sample: &Sample) -> (Reverse<u64>, u64, usize, u64) {
    (Reverse(response_us(sample)), sample.intended_ns / 1_000_000, sample.workload, sample.iteration)
}

fn response_us(sample: &Sample) -> u64 {
    sample.ended_ns.saturating_sub(sample.intended_ns) / 1000
}

fn tell(sample: &Sample, kind: StepKind, workload: impl Fn(usize) -> String) -> SlowSample {
    SlowSample {
        at_ms: sample.intended_ns / 1_000_000,
        response_ms: micros_to_ms(response_us(sample)),
        service_ms: micros_to_ms(sample.ended_ns.saturating_sub(sample.sent_ns) / 1000),
        outcome: outcome(sample, kind),
        workload: workload(sample.workload),
        iteration: sample.iteration,
    }
}

fn outcome(sample: &Sample, kind: StepKind) -> String {
    let status = sample.status.map_or_else(|| "answered".to_owned(), |status| format!("status {status}"));
    match (sample.outcome, kind) {
        (SampleOutcome::Good, StepKind::Request) => status,
        (SampleOutcome::Wrong, StepKind::Request) => format!("{status}, not as expected"),
        (SampleOutcome::Good, StepKind::Job) => "succeeded".to_owned(),
        (SampleOutcome::Wrong, StepKind::Job) => "ended in failure".to_owned(),
        (SampleOutcome::Broken(Broken::TimedOut), StepKind::Job) => "not seen to end".to_owned(),
        (SampleOutcome::Broken(broken), _) => broken.word().to_owned(),
        (SampleOutcome::Dropped, _) => "dropped".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proofload_core::evidence::keep_slowest;
    use proofload_core::plan::draw;

    use super::*;

    const SAMPLES: u64 = 30_000;

    /// A made-up sample. Lengths come in whole ms, so that many are equal.
    fn sample(iteration: u64) -> Sample {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
        let took_ms = (draw(1, iteration) * 400.0) as u64;
        let intended_ns = iteration * 333_333;
        let outcome = match iteration % 50 {
            0 => SampleOutcome::Dropped,
            1 => SampleOutcome::Broken(Broken::NotReached),
            2 => SampleOutcome::Broken(Broken::TimedOut),
            3 => SampleOutcome::Wrong,
            _ => SampleOutcome::Good,
        };
        Sample {
            intended_ns,
            dispatched_ns: intended_ns,
            sent_ns: intended_ns + 1_000_000,
            first_byte_ns: None,
            ended_ns: intended_ns + took_ms * 1_000_000,
            outcome,
            status: Some(200),
            workload: 0,
            iteration,
        }
    }

    /// What `of` shards keep between them.
    fn kept_by(of: u64) -> Vec<SlowSample> {
        let mut all = Vec::new();
        for shard in 0..of {
            let mut slowest = Slowest::new();
            let own = (0..SAMPLES).filter(|number| number % of == shard);
            own.for_each(|number| slowest.note(&sample(number)));
            all.extend(slowest.told(StepKind::Request, |_| "w".to_owned()));
        }
        keep_slowest(&mut all);
        all
    }

    #[test]
    fn the_slowest_are_those_that_sorting_all_would_find() {
        let never_sent = |number: &u64| number % 50 < 2;
        let sent = (0..SAMPLES).filter(|number| !never_sent(number));
        let mut sorted: Vec<SlowSample> =
            sent.map(|number| tell(&sample(number), StepKind::Request, |_| "w".to_owned())).collect();
        keep_slowest(&mut sorted);
        assert_eq!((sorted.len(), sorted[0].response_ms), (SLOWEST_MAX, 399.0));
        for of in [1, 2, 7, 64] {
            assert_eq!(kept_by(of), sorted, "{of} shards");
        }
    }

    #[test]
    fn a_sample_tells_what_came_of_it() {
        let told = |outcome, kind| super::outcome(&Sample { outcome, ..sample(4) }, kind);
        let broken = SampleOutcome::Broken(Broken::TimedOut);
        let outcomes = [SampleOutcome::Good, SampleOutcome::Wrong, broken];
        let requests = outcomes.map(|outcome| told(outcome, StepKind::Request));
        assert_eq!(requests, ["status 200", "status 200, not as expected", "timed-out"]);
        let jobs = outcomes.map(|outcome| told(outcome, StepKind::Job));
        assert_eq!(jobs, ["succeeded", "ended in failure", "not seen to end"]);
    }

    #[test]
    fn keeping_allocates_nothing() {
        let mut slowest = Slowest::new();
        let counted = allocation_counter::measure(|| {
            // Ever slower ones: each of them is kept.
            for number in 0..1_000 {
                let ended_ns = 1_000_000_000_000 + number * 1_000_000;
                slowest.note(&Sample { ended_ns, ..sample(4) });
            }
        });
        assert_eq!((counted.count_total, slowest.kept.len()), (0, SLOWEST_MAX));
        assert!(slowest.threshold_us > 900_000_000, "each was kept");
    }
}
