//! Two engines, one load: what proofload and Goose counted and measured of the same requests, and whether they agree.

use serde::{Deserialize, Serialize};

/// Times that lie this near to each other agree, as a share of the longer one …
const APART_SHARE_MAX: f64 = 0.25;
/// … or as a length, µs: what a busy machine makes of any time.
const APART_US_MAX: u64 = 5_000;

/// What both engines say of one load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossCheck {
    /// One for each request of the flow that was sent.
    pub requests: Vec<Row>,
}

/// What both engines say of one request of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Ours.
    pub proofload: Figures,
    /// Goose's own.
    pub goose: Figures,
}

/// What one engine says of one request of a flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// How often it was sent.
    pub requests: u64,
    /// How often it went wrong: of Goose, by status or for want of an answer; of ours, for any reason.
    pub failed: u64,
    /// Median of the times until the answer's head was there, µs.
    pub p50_us: u64,
    /// The 95th percentile of them.
    pub p95_us: u64,
    /// The 99th. Told and not compared: of a short load it is the time of a few.
    pub p99_us: u64,
}

impl Figures {
    /// Figures of a histogram of µs.
    pub fn of(requests: u64, failed: u64, times: &hdrhistogram::Histogram<u64>) -> Self {
        let at = |quantile| times.value_at_quantile(quantile);
        Self { requests, failed, p50_us: at(0.5), p95_us: at(0.95), p99_us: at(0.99) }
    }
}

impl CrossCheck {
    /// Where the engines differ, a sentence each. Counts must be the same; of the times, median and 95th percentile must
    /// lie within a quarter or 5 ms of each other.
    pub fn disagreements(&self) -> Vec<String> {
        self.requests.iter().flat_map(Row::disagreements).collect()
    }

    /// What came of the comparison, in one line.
    pub fn told(&self) -> String {
        let differ = self.disagreements();
        if let Some(first) = differ.first() {
            let more = if differ.len() > 1 { format!(", and {} more", differ.len() - 1) } else { String::new() };
            return format!("Goose does not agree with proofload: {first}{more}; see goose.json");
        }
        let sent: u64 = self.requests.iter().map(|row| row.goose.requests).sum();
        format!("Goose counted the same {sent} requests as proofload, and timed them alike; see goose.json")
    }
}

impl Row {
    fn disagreements(&self) -> Vec<String> {
        let Row { name, proofload: ours, goose } = self;
        let mut differ = Vec::new();
        if ours.requests != goose.requests {
            differ.push(format!(
                "`{name}` was sent {} times by proofload's count and {} by Goose's",
                ours.requests, goose.requests
            ));
        }
        // A missing value is a failure only to us; a wrong status is one to both.
        if goose.failed > ours.failed {
            differ.push(format!(
                "`{name}` failed {} times by proofload's count and {} by Goose's",
                ours.failed, goose.failed
            ));
        }
        for (percentile, ours, goose) in [("p50", ours.p50_us, goose.p50_us), ("p95", ours.p95_us, goose.p95_us)] {
            if !lie_near(ours, goose) {
                differ.push(format!("{percentile} of `{name}` is {ours} µs by proofload and {goose} µs by Goose"));
            }
        }
        differ
    }
}

fn lie_near(one_us: u64, other_us: u64) -> bool {
    let apart_us = one_us.abs_diff(other_us);
    #[expect(clippy::cast_precision_loss, reason = "latencies in µs are far below 2^53")]
    let share = apart_us as f64 / one_us.max(other_us).max(1) as f64;
    apart_us <= APART_US_MAX || share <= APART_SHARE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: Figures = Figures { requests: 100, failed: 2, p50_us: 5_400, p95_us: 41_000, p99_us: 44_000 };

    fn check(goose: Figures, expected: &[&str]) {
        let both = CrossCheck { requests: vec![Row { name: "get".to_owned(), proofload: FIGURES, goose }] };
        assert_eq!(both.disagreements(), expected);
    }

    #[test]
    fn engines_that_say_the_same_agree() {
        check(FIGURES, &[]);
        check(Figures { failed: 0, p50_us: 9_900, p95_us: 32_000, p99_us: 1, ..FIGURES }, &[]);
    }

    #[test]
    fn every_difference_is_told() {
        check(
            Figures { requests: 99, ..FIGURES },
            &["`get` was sent 100 times by proofload's count and 99 by Goose's"],
        );
        check(Figures { failed: 3, ..FIGURES }, &["`get` failed 2 times by proofload's count and 3 by Goose's"]);
        check(Figures { p50_us: 11_000, ..FIGURES }, &["p50 of `get` is 5400 µs by proofload and 11000 µs by Goose"]);
        check(Figures { p95_us: 30_000, ..FIGURES }, &["p95 of `get` is 41000 µs by proofload and 30000 µs by Goose"]);
    }

    #[test]
    fn what_came_of_it_is_one_line() {
        let row = |requests| Row { name: "get".to_owned(), proofload: FIGURES, goose: Figures { requests, ..FIGURES } };
        let told =
            |requests: &[u64]| CrossCheck { requests: requests.iter().map(|count| row(*count)).collect() }.told();
        assert_eq!(
            told(&[100]),
            "Goose counted the same 100 requests as proofload, and timed them alike; see goose.json"
        );
        assert_eq!(
            told(&[99, 98]),
            "Goose does not agree with proofload: `get` was sent 100 times by proofload's count and 99 by Goose's, and 1 more; see goose.json"
        );
    }
}
