//! One second of one step while it may still change, and once it may not. Several shards' seconds add up exactly:
//! histograms of the same resolution are added bucket by bucket.

use hdrhistogram::Histogram as Live;
use proofload_core::evidence::{Histogram, Second};
use proofload_core::judge::{BurnCount, SecondCounts};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::recorder::Sample;

/// A second that will not change any more, on this shard.
#[derive(Debug)]
pub(crate) struct ClosedSecond {
    /// Index of the step.
    pub(crate) step: usize,
    /// Seconds from the start of the run.
    pub(crate) at: u32,
    open: OpenSecond,
}

impl ClosedSecond {
    pub(super) fn new(step: usize, at: u32, mut open: OpenSecond) -> Self {
        let no_wait = std::mem::take(&mut open.no_wait);
        open.queue_wait.record_n(0, no_wait).expect("a histogram takes zero");
        Self { step, at, open }
    }

    /// Its counts, for how the rules stand.
    pub(crate) fn counts(&self) -> SecondCounts<'_> {
        let open = &self.open;
        SecondCounts { at: self.at, due: open.due, good: open.answered - open.wrong, late: &open.late }
    }

    /// The second as it is stored; compresses, so not for a generator thread.
    pub(crate) fn freeze(&self) -> Second {
        Second {
            at: self.at,
            due: self.open.due,
            answered: self.open.answered,
            errors: self.open.wrong,
            broken: self.open.broken,
            dropped: self.open.dropped,
            late: self.open.late.clone(),
            response_sum_us: self.open.response_sum_us,
            response_squares_us2: self.open.response_squares_us2,
            response: Histogram::freeze(&self.open.response),
            service: Histogram::freeze(&self.open.service),
            queue_wait: Histogram::freeze(&self.open.queue_wait),
            first_byte: Histogram::freeze(&self.open.first_byte),
            body: Histogram::freeze(&self.open.body),
        }
    }

    /// A stored second, to be added to again.
    pub(crate) fn thaw(step: usize, second: &Second) -> Self {
        let open = OpenSecond {
            due: second.due,
            pending: 0,
            answered: second.answered,
            wrong: second.errors,
            broken: second.broken,
            dropped: second.dropped,
            late: second.late.clone(),
            response_sum_us: second.response_sum_us,
            response_squares_us2: second.response_squares_us2,
            response: second.response.thaw(),
            service: second.service.thaw(),
            queue_wait: second.queue_wait.thaw(),
            no_wait: 0,
            first_byte: second.first_byte.thaw(),
            body: second.body.thaw(),
        };
        Self { step, at: second.at, open }
    }

    /// Adds the same second of another shard.
    pub(crate) fn add(&mut self, other: &ClosedSecond) {
        let (sum, more) = (&mut self.open, &other.open);
        sum.due += more.due;
        sum.answered += more.answered;
        sum.wrong += more.wrong;
        sum.broken += more.broken;
        sum.dropped += more.dropped;
        for (late, more) in sum.late.iter_mut().zip(&more.late) {
            *late += more;
        }
        sum.response_sum_us += more.response_sum_us;
        sum.response_squares_us2 += more.response_squares_us2;
        for (sum, more) in sum.histograms().into_iter().zip([
            &more.response,
            &more.service,
            &more.queue_wait,
            &more.first_byte,
            &more.body,
        ]) {
            sum.add(more).expect("a resizing histogram takes every value");
        }
    }
}

/// How a second travels: its step, and the second as it is stored.
#[derive(Serialize, Deserialize)]
struct Travelling {
    step: usize,
    second: Second,
}

impl Serialize for ClosedSecond {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Travelling { step: self.step, second: self.freeze() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClosedSecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Travelling { step, second } = Travelling::deserialize(deserializer)?;
        Ok(Self::thaw(step, &second))
    }
}

/// What is known of one second of one step so far.
#[derive(Debug)]
pub(super) struct OpenSecond {
    pub(super) due: u64,
    pub(super) pending: u64,
    pub(super) answered: u64,
    pub(super) wrong: u64,
    pub(super) broken: u64,
    pub(super) dropped: u64,
    pub(super) late: Vec<u64>,
    response_sum_us: u64,
    response_squares_us2: f64,
    response: Live<u64>,
    service: Live<u64>,
    queue_wait: Live<u64>,
    /// Those that waited for nothing, until they go into `queue_wait` together: most do, and counting is cheaper.
    no_wait: u64,
    first_byte: Live<u64>,
    body: Live<u64>,
}

impl OpenSecond {
    /// An empty second with room for times up to `longest_us`.
    pub(super) fn new(limits: usize, longest_us: u64) -> Self {
        let live = || Histogram::live_up_to(longest_us);
        Self {
            due: 0,
            pending: 0,
            answered: 0,
            wrong: 0,
            broken: 0,
            dropped: 0,
            late: vec![0; limits],
            response_sum_us: 0,
            response_squares_us2: 0.0,
            response: live(),
            service: live(),
            queue_wait: live(),
            no_wait: 0,
            first_byte: live(),
            body: live(),
        }
    }

    /// What has ended, and how much of it was late for the limit of this index, or wrong without one.
    pub(super) fn ended(&self, limit: Option<usize>) -> BurnCount {
        let known = self.answered + self.broken + self.dropped;
        let wrong = self.wrong + self.broken + self.dropped;
        BurnCount { known, bad: limit.map_or(wrong, |limit| self.late[limit]) }
    }

    /// Notes how long an answered step took.
    pub(super) fn time(&mut self, sample: &Sample) {
        let micros = sample.ended_ns.saturating_sub(sample.intended_ns) / 1000;
        self.response_sum_us += micros;
        #[expect(clippy::cast_precision_loss, reason = "µs of one request are far below 2^53")]
        let response = micros as f64;
        self.response_squares_us2 += response * response;
        note(&mut self.response, micros);
        note(&mut self.service, sample.ended_ns.saturating_sub(sample.sent_ns) / 1000);
        match sample.sent_ns.saturating_sub(sample.dispatched_ns) / 1000 {
            0 => self.no_wait += 1,
            waited_us => note(&mut self.queue_wait, waited_us),
        }
        if let Some(first_byte_ns) = sample.first_byte_ns {
            note(&mut self.first_byte, first_byte_ns.saturating_sub(sample.sent_ns) / 1000);
            note(&mut self.body, sample.ended_ns.saturating_sub(first_byte_ns) / 1000);
        }
    }

    fn histograms(&mut self) -> [&mut Live<u64>; 5] {
        [&mut self.response, &mut self.service, &mut self.queue_wait, &mut self.first_byte, &mut self.body]
    }
}

/// Longest time that is told apart from longer ones: a day.
const MICROS_MAX: u64 = 86_400_000_000;

/// Records with growth. `saturating_record` would clamp to the range the histogram happens to have.
pub(super) fn note(histogram: &mut Live<u64>, micros: u64) {
    histogram.record(micros.min(MICROS_MAX)).expect("a resizing histogram takes every value up to a day");
}

#[cfg(test)]
mod tests {
    use proofload_core::evidence::StepKind;
    use proofload_core::plan::draw;

    use super::super::broken::Broken;
    use super::super::recorder::{Recorder, SampleOutcome, Timed};
    use super::*;

    const SAMPLES: u64 = 20_000;

    /// A made-up sample: over ten seconds, from microseconds to seconds long, some of them broken.
    fn sample(number: u64) -> Sample {
        let intended_ns = number * 10_000_000_000 / SAMPLES;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to a few seconds")]
        let part = |stream: u64, longest_ns: f64| (draw(stream, number).powi(8) * longest_ns) as u64;
        let dispatched_ns = intended_ns + part(1, 1e6);
        let sent_ns = dispatched_ns + part(2, 1e9);
        let first_byte_ns = sent_ns + part(3, 5e9);
        let outcome = match number % 100 {
            0 => SampleOutcome::Broken(Broken::Reset),
            1 => SampleOutcome::Wrong,
            2 => SampleOutcome::Dropped,
            _ => SampleOutcome::Good,
        };
        let ended_ns = first_byte_ns + part(4, 1e8);
        Sample {
            intended_ns,
            dispatched_ns,
            sent_ns,
            first_byte_ns: Some(first_byte_ns),
            ended_ns,
            outcome,
            status: Some(200),
            workload: 0,
            iteration: number,
        }
    }

    /// What shard `index` of `of` closes, after a journey through the wire.
    fn closed(index: u64, of: u64) -> Vec<ClosedSecond> {
        let timed = Timed { kind: StepKind::Request, name: "get".to_owned(), limits_ns: vec![1_000_000, 100_000_000] };
        let mut recorder = Recorder::new(vec![timed]);
        for number in (0..SAMPLES).filter(|number| number % of == index) {
            let sample = sample(number);
            recorder.begin(0, sample.intended_ns);
            recorder.end(0, &sample);
        }
        let wire = serde_json::to_string(&recorder.close_all(0)).unwrap();
        serde_json::from_str(&wire).unwrap()
    }

    fn merged(of: u64) -> Vec<Second> {
        let mut seconds = closed(0, of);
        for index in 1..of {
            for more in closed(index, of) {
                seconds.iter_mut().find(|second| second.at == more.at).unwrap().add(&more);
            }
        }
        // Sums of squares are doubles, and their last bit depends on the order.
        seconds.iter().map(|second| Second { response_squares_us2: 0.0, ..second.freeze() }).collect()
    }

    #[test]
    fn seconds_of_many_shards_add_up_to_those_of_one_bucket_for_bucket() {
        let one = merged(1);
        assert_eq!(one.iter().map(|second| second.due).sum::<u64>(), SAMPLES);
        for of in [2, 3, 7, 64] {
            for (many, one) in merged(of).iter().zip(&one) {
                assert_eq!(many.response.thaw(), one.response.thaw(), "{of} shards, second {}", one.at);
                assert_eq!((many.service.thaw(), many.body.thaw()), (one.service.thaw(), one.body.thaw()));
                let counts = |second: &Second| (second.due, second.answered, second.broken, second.late.clone());
                assert_eq!(counts(many), counts(one));
            }
        }
    }

    #[test]
    fn a_sample_that_is_missing_shows() {
        let mut short = closed(0, 2);
        let more = closed(1, 2);
        short[0].add(&more[0]);
        short[1].add(&more[2]);
        assert_ne!(short[1].freeze().response.thaw(), merged(1)[1].response.thaw());
    }
}
