//! Percentiles of times, by the claim that a rule states: of this run, or of the system.

use std::time::Duration;

use super::super::CONFIDENCE;
use super::super::finding::{Figure, Finding, Outcome};
use super::super::statistics::{DesignEffect, at_least_late, design_effect, rank_interval};
use super::{Stretch, no_samples, steady};
use crate::evidence::{Histogram, Second, micros_to_ms};
use crate::scenario::{Claim, Slo, WarmUp};

/// The counts of one stretch.
pub(super) struct Counts {
    pub(super) due: f64,
    pub(super) late: f64,
    pub(super) total: u64,
    answered: hdrhistogram::Histogram<u64>,
    beyond: u64,
}

pub(super) fn judge(stretch: Option<&Stretch<'_>>, share: f64, limit: Duration, slo: &Slo) -> Finding {
    let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let Some((stretch, index)) = stretch.and_then(|stretch| Some((stretch, stretch.step.limit_index(limit_ns)?)))
    else {
        return no_samples("no request was measured");
    };
    let (warmed, cut_s) = match slo.warm_up {
        WarmUp::Auto => steady::without_warm_up(stretch),
        WarmUp::Given(given) => (None, given.as_secs()),
    };
    let stretch = warmed.as_ref().unwrap_or(stretch);
    let counts = Counts::of(stretch, index);
    if counts.total == 0 {
        return no_samples("no request was due in this stretch");
    }
    let effect = design_effect(&stretch.blocks(Some(index)));
    let decided = match slo.claim {
        Claim::Run => this_run(&counts, share),
        Claim::Steady => steady::judge(stretch, &counts, (share, slo.confidence), effect),
    };
    let late_percent = counts.late / counts.due * 100.0;
    let cut = if cut_s > 0 { format!("; the first {cut_s} s were left out as warm-up") } else { String::new() };
    let message =
        format!("{:.0} of {} late ({late_percent:.2} %){cut}{}", counts.late, counts.total, decided.undecided);
    Finding {
        figure: Some(Figure {
            value: counts.value_at(counts.due * share),
            interval: interval(&counts, share, effect),
            limit: limit.as_secs_f64() * 1e3,
            unit: "ms".to_owned(),
        }),
        samples: counts.total,
        needed: decided.needed,
        design_effect: (slo.claim == Claim::Steady).then_some(effect.upper),
        warm_up_s: (cut_s > 0).then_some(cut_s),
        ..no_samples(&message)
    }
    .with(decided.outcome)
}

/// What a claim says of the counts.
pub(super) struct Decided {
    pub(super) outcome: Outcome,
    /// How many more samples would decide.
    pub(super) needed: Option<u64>,
    /// Why it is not decided, to be added to the message; empty if it is.
    pub(super) undecided: String,
}

impl Decided {
    pub(super) fn sure(outcome: Outcome) -> Self {
        Self { outcome, needed: None, undecided: String::new() }
    }
}

/// Fewest samples with which a percentile rule can pass at all. This run's share needs `10/(1 − share)`; a system that
/// is never late shows it once `share^n ≤ 1 − confidence`.
pub fn samples_least(share: f64, claim: Claim, confidence: f64) -> u64 {
    let least = match claim {
        Claim::Run => (10.0 / (1.0 - share)).round(),
        Claim::Steady => (libm::log(1.0 - confidence) / libm::log(share)).ceil(),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let least = least as u64;
    least
}

/// `claim: run`: the exact share of late ones, never on fewer than `10/(1 − share)` samples.
fn this_run(counts: &Counts, share: f64) -> Decided {
    let least = samples_least(share, Claim::Run, CONFIDENCE);
    if counts.total >= least {
        // A hair of tolerance, so that exactly 5 of 100 is not above 5 %.
        let allowed = (1.0 - share) * counts.due * (1.0 + 1e-9);
        return Decided::sure(if counts.late <= allowed { Outcome::Pass } else { Outcome::Fail });
    }
    // Few samples may still show that it cannot hold.
    if at_least_late(counts.due, counts.late, share) <= 1.0 - CONFIDENCE {
        return Decided::sure(Outcome::Fail);
    }
    let needed = least - counts.total;
    let undecided = format!("; about {needed} more samples would decide");
    Decided { outcome: Outcome::Inconclusive, needed: Some(needed), undecided }
}

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    fn of(stretch: &Stretch<'_>, limit: usize) -> Self {
        let total = stretch.sum(|second| second.due);
        let late: u64 = stretch.seconds.iter().map(|second| second.late[limit]).sum();
        Self {
            due: total as f64,
            late: late as f64,
            total,
            answered: Histogram::merge(stretch.seconds.iter().map(|second| &second.response)),
            beyond: stretch.sum(|second: &Second| second.broken + second.dropped),
        }
    }

    /// The value at a rank, ms; `None` beyond all answers.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks lie within the count"
    )]
    fn value_at(&self, rank: f64) -> Option<f64> {
        let rank = rank.ceil().clamp(1.0, self.due);
        if rank as u64 > self.total - self.beyond {
            return None;
        }
        let answered = (self.total - self.beyond) as f64;
        Some(micros_to_ms(self.answered.value_at_quantile(rank / answered)))
    }
}

fn interval(counts: &Counts, share: f64, effect: DesignEffect) -> Option<(f64, f64)> {
    let (low, high) = rank_interval(counts.due, share, effect)?;
    Some((counts.value_at(low)?, counts.value_at(high)?))
}
