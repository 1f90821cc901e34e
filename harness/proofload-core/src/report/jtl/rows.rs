//! The samples of a second, rebuilt from its histogram and its counts.

use crate::evidence::Second;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Right,
    Wrong,
    Unanswered,
    Unsent,
}

/// One row: a sample, or several equal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// From the start of the second.
    pub(super) offset_ms: u64,
    pub(super) elapsed_ms: u64,
    pub(super) fate: Fate,
    pub(super) count: u64,
}

/// The answered of a second by time, shortest first, and those without a time.
pub(super) struct Bucketed {
    /// A time, and how many answers took at most that long.
    ends: Vec<(u64, u64)>,
    answered: u64,
    wrong: u64,
    unanswered: u64,
    unsent: u64,
    beyond_ms: u64,
}

/// How many samples a second has.
pub(super) fn samples(second: &Second) -> u64 {
    second.answered.saturating_add(second.broken).saturating_add(second.dropped)
}

impl Fate {
    pub(super) fn is_success(self) -> bool {
        self == Fate::Right
    }

    /// `responseCode` and `responseMessage`; the record does not keep which status each answer had.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Fate::Right => ("expected", "OK"),
            Fate::Wrong => ("wrong", "not the answer that was expected"),
            Fate::Unanswered => ("unanswered", "no whole answer; its time stands for longer than any"),
            Fate::Unsent => ("unsent", "too much was in flight; its time stands for longer than any"),
        }
    }
}

impl Bucketed {
    pub(super) fn of(second: &Second, beyond_ms: u64) -> Self {
        let times = second.response.thaw();
        let mut ends: Vec<(u64, u64)> = Vec::new();
        let mut answered = 0u64;
        for value in times.iter_recorded() {
            answered += value.count_at_value();
            let elapsed_ms = value.value_iterated_to().saturating_add(500) / 1000;
            match ends.last_mut() {
                Some(last) if last.0 == elapsed_ms => last.1 = answered,
                _ => ends.push((elapsed_ms, answered)),
            }
        }
        let wrong = second.errors.min(answered);
        Self { ends, answered, wrong, unanswered: second.broken, unsent: second.dropped, beyond_ms }
    }

    /// A row per sample, in the order of their moments.
    pub(super) fn single(&self) -> impl Iterator<Item = Row> + '_ {
        let all = self.answered.saturating_add(self.unanswered).saturating_add(self.unsent);
        let stride = stride(all);
        let row = move |place: u64| {
            // A walk over all ranks in which neighbours are far apart, so that no time gathers at one end of the second.
            let rank = mul_div(place, stride, 1) % u128::from(all);
            let (elapsed_ms, fate) = self.sample(u64::try_from(rank).unwrap_or(0));
            Row { offset_ms: small(mul_div(place, 1000, all)), elapsed_ms, fate, count: 1 }
        };
        (0..all).map(row)
    }

    /// A row for all samples of the same time and fate.
    pub(super) fn folded(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut push = |elapsed_ms, fate, count| {
            if count > 0 {
                rows.push(Row { offset_ms: 0, elapsed_ms, fate, count });
            }
        };
        let mut before = 0;
        for (elapsed_ms, end) in &self.ends {
            let wrong = self.wrong_before(*end) - self.wrong_before(before);
            push(*elapsed_ms, Fate::Right, end - before - wrong);
            push(*elapsed_ms, Fate::Wrong, wrong);
            before = *end;
        }
        push(self.beyond_ms, Fate::Unanswered, self.unanswered);
        push(self.beyond_ms, Fate::Unsent, self.unsent);
        let all = rows.len() as u64;
        for (place, row) in rows.iter_mut().enumerate() {
            row.offset_ms = small(mul_div(place as u64, 1000, all));
        }
        rows
    }

    /// The sample of a rank: the answered by time, then those without.
    fn sample(&self, rank: u64) -> (u64, Fate) {
        if rank < self.answered {
            let place = self.ends.partition_point(|(_, end)| *end <= rank);
            let is_wrong = self.wrong_before(rank + 1) > self.wrong_before(rank);
            (self.ends[place].0, if is_wrong { Fate::Wrong } else { Fate::Right })
        } else if rank < self.answered + self.unanswered {
            (self.beyond_ms, Fate::Unanswered)
        } else {
            (self.beyond_ms, Fate::Unsent)
        }
    }

    /// How many of the first `count` answered are taken to be wrong.
    fn wrong_before(&self, count: u64) -> u64 {
        small(mul_div(count, self.wrong, self.answered.max(1)))
    }
}

/// About 0.618 of `all`, without a common divisor, so that its multiples reach every rank once.
fn stride(all: u64) -> u64 {
    let start = small(mul_div(all, 618, 1000)).max(1);
    (start..=all.max(start)).find(|stride| gcd(*stride, all) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn mul_div(a: u64, b: u64, by: u64) -> u128 {
    u128::from(a) * u128::from(b) / u128::from(by.max(1))
}

fn small(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
