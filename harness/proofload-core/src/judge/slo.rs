//! Service level objectives: percentiles of this run or of the system, shares, rates.

use super::finding::{Figure, Finding, Group, Outcome};
use super::stats::{at_least_late, at_most_late, mean_variance};
use super::{Abilities, CONFIDENCE};
use crate::evidence::{Histogram, RunRecord, Second, StepEvidence, StepKind};
use crate::plan::window_ns;
use crate::scenario::units::Span;
use crate::scenario::{Bound, Claim, Flow, Follow, Scenario, Sli, Slo, Window};

/// Fewest one-second windows from which dependence can be estimated.
const WINDOWS_MIN: usize = 8;
/// Two-sided normal quantile at [`CONFIDENCE`].
const Z: f64 = 2.5758;

pub(super) fn judge_slo(slo: &Slo, scenario: &Scenario, record: &RunRecord, abilities: Abilities) -> Finding {
    let title = title(slo, scenario);
    let id = id(slo, scenario);
    if let Some(lacking) = slo.needs.iter().find(|need| !abilities.has(need)) {
        let message = format!("this environment has no {lacking}");
        return Finding::plain(Group::Slo, &id, title, Outcome::NotJudged, message);
    }
    let window = judged_ns(record, &slo.during);
    let finding = match (&slo.sli, slo.bound) {
        (Sli::Latency(step), Bound::Percentile { share, limit }) => {
            percentile(record.step(StepKind::Request, step), window, share, limit, slo.claim)
        }
        (Sli::Job(flow), Bound::Percentile { share, limit }) => {
            percentile(record.step(StepKind::Job, flow), window, share, limit, slo.claim)
        }
        (Sli::Errors(name), Bound::Max(max)) => errors(step_or_job(record, name), window, max),
        (Sli::Checks(step), Bound::Max(max)) => super::checks::judge(record.step(StepKind::Request, step), max),
        (Sli::Throughput(step), Bound::MinPerSecond(min)) => {
            throughput(record.step(StepKind::Request, step), window_ns(&record.plan, &slo.during), min)
        }
        (sli @ (Sli::LedgerLost | Sli::LedgerDuplicated | Sli::LedgerUnsettled), Bound::Max(max)) => {
            return super::ledger::judge_count(sli, max, record);
        }
        _ => no_samples("no instrument of this environment measures it"),
    };
    let message = finding.message.clone() + &polled(slo, scenario);
    Finding { id, title, message, ..finding }
}

/// A polled job's time is known only as well as it is polled.
fn polled(slo: &Slo, scenario: &Scenario) -> String {
    let Sli::Job(flow) = &slo.sli else { return String::new() };
    let jobs = scenario.flows.iter().filter(|candidate| candidate.name == *flow).flat_map(Flow::jobs);
    let every = jobs.filter_map(|job| match job.follow {
        Follow::Poll { every } => Some(every),
        Follow::Webhook { .. } | Follow::Websocket { .. } => None,
    });
    match every.max() {
        Some(every) => format!("; ends are seen by polling every {} or as Retry-After asks", Span(every)),
        None => String::new(),
    }
}

/// Steps that went wrong for more than one in a hundred and that no rule on errors covers: nothing says that this is
/// right, so the run cannot pass on the others alone.
pub(super) fn uncovered_errors(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    let covered = |name: &str| scenario.slos.iter().any(|slo| matches!(&slo.sli, Sli::Errors(rule) if rule == name));
    let uncovered = record.steps.iter().filter(|step| !covered(&step.name));
    uncovered
        .filter_map(|step| {
            let sum = |pick: fn(&Second) -> u64| step.seconds.iter().map(pick).sum::<u64>();
            let (due, bad) = (sum(|second| second.due), sum(|second| second.errors + second.broken + second.dropped));
            let name = &step.name;
            let message = format!(
                "{bad} of {due} went wrong, and no rule says how many may; add {{ sli: errors({name}), max: … }}"
            );
            let title = format!("errors({name}) are covered by a rule");
            (bad * 100 > due).then(|| {
                Finding::plain(Group::Slo, &format!("uncovered.{name}"), title, Outcome::Inconclusive, message)
            })
        })
        .collect()
}

/// A request step of that name, else the jobs of a flow of that name.
fn step_or_job<'r>(record: &'r RunRecord, name: &str) -> Option<&'r StepEvidence> {
    record.step(StepKind::Request, name).or_else(|| record.step(StepKind::Job, name))
}

/// The stretch a rule looks at. A rule on the whole run takes every second in which anything was due, those after the
/// last planned arrival too: later steps of a flow begin there.
fn judged_ns(record: &RunRecord, window: &Window) -> (u64, u64) {
    match window {
        Window::Run => {
            let last = record.steps.iter().flat_map(|step| &step.seconds).map(|second| u64::from(second.at) + 1).max();
            let (from, to) = window_ns(&record.plan, window);
            (from, to.max(last.unwrap_or(0) * 1_000_000_000))
        }
        _ => window_ns(&record.plan, window),
    }
}

/// The rule in words, as the scenario states it.
pub(super) fn title(slo: &Slo, scenario: &Scenario) -> String {
    let bound = match slo.bound {
        Bound::Percentile { share, limit } => {
            format!("{} ≤ {}", percent_name(share), Span(limit))
        }
        Bound::Max(max) if matches!(slo.sli, Sli::Errors(_) | Sli::Checks(_)) => format!("≤ {}%", trim(max * 100.0)),
        Bound::Max(max) => format!("≤ {}", trim(max)),
        Bound::MinPerSecond(min) => format!("≥ {}/s", trim(min)),
    };
    let claim = match (slo.bound, slo.claim) {
        (Bound::Percentile { .. }, Claim::Steady) => " (steady)",
        (Bound::Percentile { .. }, Claim::Run) => " (this run)",
        _ => "",
    };
    match &slo.during {
        Window::Run => format!("{} {bound}{claim}", slo.sli),
        window => format!("{} {bound} during {}{claim}", slo.sli, scenario.window_name(window)),
    }
}

fn id(slo: &Slo, scenario: &Scenario) -> String {
    let key = match slo.bound {
        Bound::Percentile { share, .. } => percent_name(share),
        Bound::Max(_) => "max".to_owned(),
        Bound::MinPerSecond(_) => "min".to_owned(),
    };
    format!("slo.{}.{key}.{}", slo.sli, scenario.window_name(&slo.during))
}

/// `p95` of 0.95.
pub(crate) fn percent_name(share: f64) -> String {
    format!("p{}", trim(share * 100.0))
}

fn trim(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn no_samples(message: &str) -> Finding {
    Finding::plain(Group::Slo, "", String::new(), Outcome::Inconclusive, message.to_owned())
}

/// The counts of one window.
struct Counts {
    due: f64,
    late: f64,
    answered: Histogram0,
    beyond: u64,
    total: u64,
}

type Histogram0 = hdrhistogram::Histogram<u64>;

fn percentile(
    step: Option<&StepEvidence>,
    window: (u64, u64),
    share: f64,
    limit: std::time::Duration,
    claim: Claim,
) -> Finding {
    let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let Some((step, index)) = step.and_then(|step| Some((step, step.limit_index(limit_ns)?))) else {
        return no_samples("no request was measured");
    };
    let seconds: Vec<&Second> = step.within(window).filter(|second| second.due > 0).collect();
    let counts = count(&seconds, index);
    if counts.total == 0 {
        return no_samples("no request was due in this stretch");
    }
    let effect = match claim {
        Claim::Run => 1.0,
        Claim::Steady => design_effect(&seconds, index),
    };
    let (outcome, needed) = match claim {
        Claim::Run => judge_run(&counts, share),
        Claim::Steady if seconds.len() < WINDOWS_MIN => (Outcome::Inconclusive, None),
        Claim::Steady => judge_steady(&counts, share, effect),
    };
    let late_percent = counts.late / counts.due * 100.0;
    let mut message = format!("{:.0} of {} late ({late_percent:.2} %)", counts.late, counts.total);
    if outcome == Outcome::Inconclusive {
        message += &undecided(needed, seconds.len());
    }
    Finding {
        figure: Some(Figure {
            value: value_at(&counts, share, 0.0),
            interval: interval(&counts, share, effect),
            limit: limit.as_secs_f64() * 1e3,
            unit: "ms".to_owned(),
        }),
        samples: counts.total,
        needed,
        design_effect: (claim == Claim::Steady).then_some(effect),
        ..no_samples(&message)
    }
    .with(outcome)
}

/// What it would take to decide.
fn undecided(needed: Option<u64>, windows: usize) -> String {
    match needed {
        Some(needed) => format!("; about {needed} more samples would decide"),
        None if windows < WINDOWS_MIN => format!("; a steady claim needs {WINDOWS_MIN} seconds or more of hold"),
        None => "; the share lies too near the limit for any number of samples to decide soon".to_owned(),
    }
}

impl Finding {
    fn with(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(seconds: &[&Second], index: usize) -> Counts {
    let total: u64 = seconds.iter().map(|second| second.due).sum();
    let late: u64 = seconds.iter().map(|second| second.late[index]).sum();
    Counts {
        due: total as f64,
        late: late as f64,
        answered: Histogram::merge(seconds.iter().map(|second| &second.response)),
        beyond: seconds.iter().map(|second| second.broken + second.dropped).sum(),
        total,
    }
}

/// Fewest samples with which a percentile rule can pass at all. This run's share needs `10/(1 − share)`; a system that
/// is never late shows it once `share^n ≤ 1 − confidence`.
pub fn samples_least(share: f64, claim: Claim) -> u64 {
    let least = match claim {
        Claim::Run => (10.0 / (1.0 - share)).round(),
        Claim::Steady => (libm::log(1.0 - CONFIDENCE) / libm::log(share)).ceil(),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let least = least as u64;
    least
}

/// `claim: run`: the exact share of late ones, never on fewer than `10/(1 − share)` samples.
fn judge_run(counts: &Counts, share: f64) -> (Outcome, Option<u64>) {
    let least = samples_least(share, Claim::Run);
    if counts.total < least {
        // Too few to pass; but so many late that no larger sample of a good run would show them, is a failure.
        let outcome = if at_least_late(counts.due, counts.late, share) <= 1.0 - CONFIDENCE {
            Outcome::Fail
        } else {
            Outcome::Inconclusive
        };
        return (outcome, Some(least - counts.total));
    }
    // A hair of tolerance, so that exactly 5 of 100 is not above 5 %.
    let allowed = (1.0 - share) * counts.due * (1.0 + 1e-9);
    (if counts.late <= allowed { Outcome::Pass } else { Outcome::Fail }, None)
}

/// `claim: steady`: MLPerf's early-stopping rule on effective sample sizes (`design.md` §4): pass if so few late ones
/// would be improbable for a system exactly at its limit, fail by the mirror test, else undecided.
fn judge_steady(counts: &Counts, share: f64, effect: f64) -> (Outcome, Option<u64>) {
    let (n, t) = (counts.due / effect, counts.late / effect);
    if at_most_late(n, t, share) <= 1.0 - CONFIDENCE {
        return (Outcome::Pass, None);
    }
    if at_least_late(n, t, share) <= 1.0 - CONFIDENCE {
        return (Outcome::Fail, None);
    }
    (Outcome::Inconclusive, needed_more(counts, share, effect))
}

/// How many more samples would pass, should the late share stay as it is.
fn needed_more(counts: &Counts, share: f64, effect: f64) -> Option<u64> {
    let ratio = counts.late / counts.due;
    let mut n = counts.due;
    while n < 1e9 {
        n *= 1.05;
        if at_most_late(n / effect, ratio * n / effect, share) <= 1.0 - CONFIDENCE {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^9")]
            return Some((n - counts.due).ceil() as u64);
        }
    }
    None
}

/// By how much dependence thins the samples: the larger of what the window means of latency and the late counts per
/// window show, never below 1 (`facts/load-tools.md` §4). Windows are the seconds of the hold.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn design_effect(seconds: &[&Second], index: usize) -> f64 {
    let answered: Vec<&&Second> = seconds.iter().filter(|second| second.answered > 0).collect();
    let n: f64 = answered.iter().map(|second| second.answered as f64).sum();
    if answered.len() < 2 {
        return 1.0;
    }
    let m = n / answered.len() as f64;
    let sum: f64 = answered.iter().map(|second| second.response_sum_us as f64).sum();
    let squares: f64 = answered.iter().map(|second| second.response_squares_us2).sum();
    let variance = (squares / n - (sum / n) * (sum / n)).max(0.0);
    let means: Vec<f64> =
        answered.iter().map(|second| second.response_sum_us as f64 / second.answered as f64).collect();
    let by_latency = if variance > 0.0 { m * mean_variance(&means).1 / variance } else { 1.0 };
    let late: Vec<f64> = seconds.iter().map(|second| second.late[index] as f64).collect();
    let (late_mean, late_variance) = mean_variance(&late);
    let per_window = seconds.iter().map(|second| second.due as f64).sum::<f64>() / seconds.len() as f64;
    let p = late_mean / per_window;
    let by_late = if p > 0.0 && p < 1.0 { late_variance / (per_window * p * (1.0 - p)) } else { 1.0 };
    by_latency.max(by_late).max(1.0)
}

/// The value at a rank shifted by `shift` standard deviations of the rank, ms; `None` beyond all answers.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks lie within the count"
)]
fn value_at(counts: &Counts, share: f64, shift: f64) -> Option<f64> {
    let rank = (counts.due * share + shift).ceil().clamp(1.0, counts.due);
    if rank as u64 > counts.total - counts.beyond {
        return None;
    }
    let answered = (counts.total - counts.beyond) as f64;
    Some(counts.answered.value_at_quantile(rank / answered) as f64 / 1e3)
}

/// Interval of a percentile by order statistics on the effective sample size (Hahn & Meeker 1991, §5.2).
fn interval(counts: &Counts, share: f64, effect: f64) -> Option<(f64, f64)> {
    let shift = Z * (counts.due * share * (1.0 - share) * effect).sqrt();
    if counts.due * share + shift > counts.due {
        return None;
    }
    Some((value_at(counts, share, -shift)?, value_at(counts, share, shift)?))
}

fn errors(step: Option<&StepEvidence>, window: (u64, u64), max: f64) -> Finding {
    let seconds: Vec<&Second> = step.into_iter().flat_map(|step| step.within(window)).collect();
    let due: u64 = seconds.iter().map(|second| second.due).sum();
    let bad: u64 = seconds.iter().map(|second| second.errors + second.broken + second.dropped).sum();
    if due == 0 {
        return no_samples("no request was due in this stretch");
    }
    share_at_most(bad, due, max, &format!("{bad} of {due} went wrong"))
}

/// Judges the share of bad ones among `due`, which must not be 0.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(super) fn share_at_most(bad: u64, due: u64, max: f64, message: &str) -> Finding {
    let share = bad as f64 / due as f64;
    // Below 1/max samples a single error would break the rule, so none shows little.
    let enough = max <= 0.0 || due as f64 * max >= 1.0;
    let outcome = match (share > max * (1.0 + 1e-9), enough) {
        (true, true) => Outcome::Fail,
        (true, false) if at_least_late(due as f64, bad as f64, 1.0 - max) <= 1.0 - CONFIDENCE => Outcome::Fail,
        (false, true) => Outcome::Pass,
        _ => Outcome::Inconclusive,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 10^9")]
    let needed = (!enough).then(|| (1.0 / max).ceil() as u64 - due);
    Finding {
        figure: Some(Figure {
            value: Some(share * 100.0),
            interval: Some(wilson(share, due as f64)),
            limit: max * 100.0,
            unit: "%".to_owned(),
        }),
        samples: due,
        needed,
        ..no_samples(message)
    }
    .with(outcome)
}

/// Wilson's score interval of a share (Wilson 1927), in percent.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0) * 100.0, (centre + half).min(1.0) * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn throughput(step: Option<&StepEvidence>, window: (u64, u64), min: f64) -> Finding {
    let seconds: Vec<&Second> = step.into_iter().flat_map(|step| step.within(window)).collect();
    let length_s = (window.1 / 1_000_000_000).saturating_sub(window.0.div_ceil(1_000_000_000)) as f64;
    let good: u64 = seconds.iter().map(|second| second.answered - second.errors).sum();
    if length_s < 1.0 || seconds.iter().all(|second| second.due == 0) {
        return no_samples("no request was due in this stretch");
    }
    let rate = good as f64 / length_s;
    Finding {
        figure: Some(Figure { value: Some(rate), interval: None, limit: min, unit: "/s".to_owned() }),
        samples: good,
        ..no_samples(&format!("{good} good answers in {length_s:.0} s"))
    }
    .with(if rate >= min { Outcome::Pass } else { Outcome::Fail })
}
