//! Counts and histograms, per step and second of the intended start. Owned by the generator thread, so lock-free.

use std::collections::BTreeMap;

use hdrhistogram::Histogram as Live;
use proofload_core::evidence::{GapEvidence, Histogram, SlowSample, StepKind};
use proofload_core::judge::BurnCount;
use proofload_core::scenario::Scenario;

use super::broken::Broken;
use super::gaps::Gaps;
use super::recent::{Recent, RecentTimes};
use super::second::{ClosedSecond, OpenSecond, note};
use super::slowest::Slowest;
use super::watch::Watches;

/// One timed step, all times on the run's axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it should have begun.
    pub(super) intended_ns: u64,
    /// When it was handed to the pool.
    pub(super) dispatched_ns: u64,
    /// When a connection was there to send on.
    pub(super) sent_ns: u64,
    /// When the first byte of the answer was read; of jobs there is none.
    pub(super) first_byte_ns: Option<u64>,
    /// When the whole answer was read, or given up.
    pub(super) ended_ns: u64,
    /// What came of it.
    pub(super) outcome: SampleOutcome,
    /// The status of the answer to a request, if one came.
    pub(super) status: Option<u16>,
    /// Index of the workload of its pass.
    pub(super) workload: usize,
    /// Number of its pass within the workload.
    pub(super) iteration: u64,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleOutcome {
    /// A whole answer, as expected.
    Good,
    /// A whole answer, with a wrong status or without an expected value.
    Wrong,
    /// No whole answer.
    Broken(Broken),
    /// Never started, because too many were waiting.
    Dropped,
}

/// What is timed: a request step or the jobs of a flow.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    /// Request or job.
    pub(crate) kind: StepKind,
    /// The request's name; of a job, the flow's.
    pub(crate) name: String,
    /// Limits that lateness is counted against, ns, ascending.
    pub(crate) limits_ns: Vec<u64>,
}

/// Records samples of all steps.
pub(super) struct Recorder {
    steps: Vec<Step>,
    wake_lag: Live<u64>,
    gaps: Gaps,
    recent: Recent,
    totals: Totals,
    watches: Watches,
}

/// One timed step, and those of its seconds that may still change.
struct Step {
    timed: Timed,
    seconds: BTreeMap<u32, OpenSecond>,
    /// The longest time seen so far, µs: a new second has room for it, so that no sample needs memory.
    longest_us: u64,
    slowest: Slowest,
}

/// Counts since the start, over all requests.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    /// Whole answers.
    pub(crate) answered: u64,
    /// Wrong, broken and dropped.
    pub(crate) errors: u64,
    /// Dropped.
    pub(crate) dropped: u64,
}

impl Recorder {
    pub(super) fn new(steps: Vec<Timed>) -> Self {
        let step = |timed| Step { timed, seconds: BTreeMap::new(), longest_us: 0, slowest: Slowest::new() };
        Self {
            steps: steps.into_iter().map(step).collect(),
            wake_lag: Histogram::live(),
            gaps: Gaps::default(),
            recent: Recent::new(),
            totals: Totals::default(),
            watches: Watches::default(),
        }
    }

    /// The same, counting what the abort rules of the scenario ask for.
    pub(super) fn watching(mut self, scenario: &Scenario) -> Self {
        let timed: Vec<&Timed> = self.steps.iter().map(|step| &step.timed).collect();
        self.watches = Watches::new(scenario, &timed);
        self
    }

    /// The generator's own lateness at one arrival of a workload.
    pub(super) fn woke(&mut self, workload: usize, intended_ns: u64, dispatched_ns: u64) {
        self.gaps.note(workload, intended_ns, dispatched_ns);
        note(&mut self.wake_lag, dispatched_ns.saturating_sub(intended_ns) / 1000);
    }

    /// A step became due; its second stays open until [`Recorder::end`].
    pub(super) fn begin(&mut self, step: usize, intended_ns: u64) {
        let second = self.open_second(step, intended_ns);
        second.due += 1;
        second.pending += 1;
    }

    /// A step that was begun has ended.
    pub(super) fn end(&mut self, step: usize, sample: &Sample) {
        let Step { timed, seconds, longest_us, slowest } = &mut self.steps[step];
        let is_request = timed.kind == StepKind::Request;
        let response_ns = sample.ended_ns.saturating_sub(sample.intended_ns);
        *longest_us = (*longest_us).max(response_ns / 1000);
        slowest.note(sample);
        let second = seconds.get_mut(&second_of(sample.intended_ns)).expect("a step is begun before it ends");
        second.pending -= 1;
        let answered = matches!(sample.outcome, SampleOutcome::Good | SampleOutcome::Wrong);
        // A wrong answer to a request is counted among errors; a job that ended in failure never did its work.
        let done = if is_request { answered } else { sample.outcome == SampleOutcome::Good };
        for (late, limit_ns) in second.late.iter_mut().zip(&timed.limits_ns) {
            *late += u64::from(!done || response_ns > *limit_ns);
        }
        match sample.outcome {
            SampleOutcome::Good => second.answered += 1,
            SampleOutcome::Wrong => {
                second.answered += 1;
                second.wrong += 1;
            }
            SampleOutcome::Broken(_) => second.broken += 1,
            SampleOutcome::Dropped => second.dropped += 1,
        }
        if answered {
            second.time(sample);
        }
        if is_request {
            self.totals.answered += u64::from(answered);
            self.totals.errors += u64::from(sample.outcome != SampleOutcome::Good);
            self.totals.dropped += u64::from(sample.outcome == SampleOutcome::Dropped);
            if answered {
                self.recent.note(response_ns / 1000);
            }
        }
    }

    /// Takes every second before `before_s` that has no step under way.
    pub(super) fn close(&mut self, before_s: u32) -> Vec<ClosedSecond> {
        let mut closed = Vec::new();
        for (step, Step { seconds, .. }) in self.steps.iter_mut().enumerate() {
            let done: Vec<u32> =
                seconds.range(..before_s).filter(|(_, second)| second.pending == 0).map(|(at, _)| *at).collect();
            for at in done {
                let open = seconds.remove(&at).expect("the key was just listed");
                self.watches.close(step, at, &open);
                closed.push(ClosedSecond::new(step, at, open));
            }
        }
        closed
    }

    /// Takes everything at the end of a run. What is still under way got no answer and counts as broken; it is late
    /// for the limits that have passed by now, and nothing is said of the others.
    pub(super) fn close_all(&mut self, now_ns: u64) -> Vec<ClosedSecond> {
        for Step { timed, seconds, .. } in &mut self.steps {
            for (at, second) in seconds {
                second.broken += second.pending;
                let waited_ns = now_ns.saturating_sub((u64::from(*at) + 1) * 1_000_000_000);
                for (late, limit_ns) in second.late.iter_mut().zip(&timed.limits_ns) {
                    *late += if waited_ns > *limit_ns { second.pending } else { 0 };
                }
                second.pending = 0;
            }
        }
        self.close(u32::MAX)
    }

    /// Response times of the last few ticks; asked once a tick.
    pub(super) fn take_recent(&mut self) -> RecentTimes {
        self.recent.take()
    }

    /// What the abort rules have counted by now.
    pub(super) fn burns(&self, now_ns: u64) -> Vec<BurnCount> {
        let open = |step: usize| self.steps[step].seconds.iter().map(|(at, second)| (*at, second));
        self.watches.counts(open, now_ns)
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// The slowest samples of every step that has any; workloads are named by their index.
    pub(super) fn slowest(&self, workload: impl Fn(usize) -> String) -> BTreeMap<usize, Vec<SlowSample>> {
        let told = self.steps.iter().map(|step| step.slowest.told(step.timed.kind, &workload));
        told.enumerate().filter(|(_, told)| !told.is_empty()).collect()
    }

    pub(super) fn wake_lag(&self) -> Histogram {
        Histogram::freeze(&self.wake_lag)
    }

    pub(super) fn gaps(&self) -> BTreeMap<usize, GapEvidence> {
        self.gaps.told()
    }

    fn open_second(&mut self, step: usize, intended_ns: u64) -> &mut OpenSecond {
        let at = second_of(intended_ns);
        let Step { timed, seconds, longest_us, .. } = &mut self.steps[step];
        seconds.entry(at).or_insert_with(|| OpenSecond::new(timed.limits_ns.len(), *longest_us))
    }
}

/// The second that a moment of the run's axis belongs to.
fn second_of(at_ns: u64) -> u32 {
    u32::try_from(at_ns / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proofload_core::evidence::Second;

    use super::*;

    const LIMIT_NS: u64 = 300_000_000;

    fn recorder() -> Recorder {
        Recorder::new(vec![Timed { kind: StepKind::Request, name: "upload".to_owned(), limits_ns: vec![LIMIT_NS] }])
    }

    fn sample(intended_ms: u64, ended_ms: u64, outcome: SampleOutcome) -> Sample {
        let ns = |ms: u64| ms * 1_000_000;
        Sample {
            intended_ns: ns(intended_ms),
            dispatched_ns: ns(intended_ms + 1),
            sent_ns: ns(intended_ms + 2),
            first_byte_ns: Some(ns(intended_ms + 3)),
            ended_ns: ns(ended_ms),
            outcome,
            status: None,
            workload: 0,
            iteration: 0,
        }
    }

    fn record(samples: &[Sample]) -> Vec<Second> {
        let mut recorder = recorder();
        for sample in samples {
            recorder.begin(0, sample.intended_ns);
            recorder.end(0, sample);
        }
        recorder.close_all(0).into_iter().map(|second| second.freeze()).collect()
    }

    /// What the columns of one second say, for comparison at a glance.
    fn tell(second: &Second) -> String {
        let p50_ms = |histogram: &Histogram| histogram.thaw().value_at_quantile(0.5) / 1000;
        format!(
            "{} s: {} due, {} answered, {} wrong, {} broken, {} dropped, {} late, p50 {} ms, service {} ms, wait {} ms",
            second.at,
            second.due,
            second.answered,
            second.errors,
            second.broken,
            second.dropped,
            second.late[0],
            p50_ms(&second.response),
            p50_ms(&second.service),
            p50_ms(&second.queue_wait),
        )
    }

    #[test]
    fn a_sample_counts_in_the_second_of_its_intended_start_and_at_its_true_length() {
        let seconds = record(&[sample(900, 3_400, SampleOutcome::Good), sample(1_100, 1_200, SampleOutcome::Wrong)]);
        let told: Vec<String> = seconds.iter().map(tell).collect();
        assert_eq!(
            told,
            [
                "0 s: 1 due, 1 answered, 0 wrong, 0 broken, 0 dropped, 1 late, p50 2500 ms, service 2498 ms, wait 1 ms",
                "1 s: 1 due, 1 answered, 1 wrong, 0 broken, 0 dropped, 0 late, p50 100 ms, service 98 ms, wait 1 ms",
            ]
        );
    }

    #[test]
    fn broken_and_dropped_ones_are_later_than_any_limit() {
        let broken = SampleOutcome::Broken(Broken::Reset);
        let seconds = record(&[sample(0, 1, broken), sample(10, 10, SampleOutcome::Dropped)]);
        let expected =
            "0 s: 2 due, 0 answered, 0 wrong, 1 broken, 1 dropped, 2 late, p50 0 ms, service 0 ms, wait 0 ms";
        assert_eq!(tell(&seconds[0]), expected);
    }

    #[test]
    fn a_second_stays_open_while_a_request_of_it_is_under_way() {
        let mut recorder = recorder();
        recorder.begin(0, 500_000_000);
        assert!(recorder.close(10).is_empty());
        recorder.end(0, &sample(500, 9_000, SampleOutcome::Good));
        assert_eq!(recorder.close(10).len(), 1);
    }

    #[test]
    fn what_never_ended_is_broken_at_the_end() {
        let mut recorder = recorder();
        recorder.begin(0, 0);
        let seconds: Vec<Second> =
            recorder.close_all(9_000_000_000).into_iter().map(|second| second.freeze()).collect();
        assert_eq!((seconds[0].broken, seconds[0].late[0]), (1, 1));
    }

    #[test]
    fn what_was_cut_off_before_its_limit_is_not_called_late() {
        let mut recorder = recorder();
        recorder.begin(0, 0);
        let seconds: Vec<Second> =
            recorder.close_all(1_100_000_000).into_iter().map(|second| second.freeze()).collect();
        assert_eq!((seconds[0].broken, seconds[0].late[0]), (1, 0));
    }

    #[test]
    fn a_job_that_ended_in_failure_is_later_than_any_limit() {
        let timed = Timed { kind: StepKind::Job, name: "f".to_owned(), limits_ns: vec![LIMIT_NS] };
        let mut recorder = Recorder::new(vec![timed]);
        recorder.begin(0, 0);
        recorder.end(0, &sample(0, 1, SampleOutcome::Wrong));
        let seconds: Vec<Second> = recorder.close_all(0).into_iter().map(|second| second.freeze()).collect();
        assert_eq!((seconds[0].errors, seconds[0].late[0]), (1, 1));
    }

    /// Begins and ends `count` samples of second `at_s`, evenly from 1 µs to 100 ms long.
    fn fill(recorder: &mut Recorder, at_s: u64, count: u64) {
        for number in 0..count {
            let intended_ns = at_s * 1_000_000_000 + number;
            let ended_ns = intended_ns + (number * 7_919 % 100_000 + 1) * 1_000;
            let first_byte_ns = Some(ended_ns - 500);
            let outcome = SampleOutcome::Good;
            recorder.woke(0, intended_ns, intended_ns + 40_000);
            recorder.begin(0, intended_ns);
            recorder.end(
                0,
                &Sample {
                    intended_ns,
                    dispatched_ns: intended_ns,
                    sent_ns: intended_ns,
                    first_byte_ns,
                    ended_ns,
                    outcome,
                    status: Some(200),
                    workload: 0,
                    iteration: number,
                },
            );
        }
    }

    #[test]
    fn a_sample_allocates_nothing() {
        let mut recorder = recorder();
        fill(&mut recorder, 0, 100_000);
        // The first sample of a second makes room for all of them.
        fill(&mut recorder, 1, 1);
        let counted = allocation_counter::measure(|| fill(&mut recorder, 1, 100_000));
        assert_eq!(counted.count_total, 0);
        let counted = allocation_counter::measure(|| fill(&mut recorder, 2, 1));
        assert!(counted.count_total > 0, "the counter counts nothing");
    }

    /// A measurement, not a test: `cargo test --release -p proofload-runner --lib what_a_sample_costs -- --ignored --nocapture`.
    #[test]
    #[ignore = "prints a time and asserts none"]
    #[expect(clippy::print_stdout, reason = "this is what it is for")]
    fn what_a_sample_costs() {
        const SAMPLES: u64 = 5_000_000;
        let mut recorder = recorder();
        fill(&mut recorder, 0, 100_000);
        let began = crate::clock::now();
        fill(&mut recorder, 1, SAMPLES);
        let took = crate::clock::now() - began;
        println!(
            "{} ns per sample: begun, ended and its wake lag and gap, 8 histograms",
            took.as_nanos() / u128::from(SAMPLES)
        );
    }
}
