//! How often the comparison of runs raises a false alarm, and how often it finds a true shift.

use proofload_core::judge::{Design, compare};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::queues::{Queue, Running, real};

/// Where run-level values come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// Lognormal with this spread from run to run.
    Lognormal(f64),
    /// The same with a heavy tail: one run in ten is as much again off.
    HeavyTailed(f64),
    /// The p95 of M/M/1 runs: utilisation, requests.
    Mm1(f64, u32),
}

/// What came of many comparisons; counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    pub(crate) alarms: u32,
    pub(crate) passes: u32,
}

/// The chance of a false alarm of one rule, as the judge has it.
const ALARM: f64 = 0.01;

/// What is compared, and against which tolerance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) source: Source,
    pub(crate) design: Design,
    /// Earlier runs, and later ones unless there is one.
    pub(crate) runs: usize,
    pub(crate) tolerance: f64,
}

/// Compares so many times, the later runs longer by this share.
pub(crate) fn compare_many(case: &Case, shift: f64, times: u32) -> Found {
    let Case { source, design, runs, tolerance } = *case;
    let mut found = Found::default();
    for time in 0..times {
        let mut rng = ChaCha8Rng::seed_from_u64(1 + u64::from(time));
        let later = if design == Design::One { 1 } else { runs };
        let before: Vec<f64> = (0..runs).map(|_| source.value(&mut rng)).collect();
        let after: Vec<f64> = (0..later).map(|_| source.value(&mut rng) * (1.0 + shift)).collect();
        let Some(compared) = compare(&before, &after, design) else { continue };
        found.alarms += u32::from(compared.p <= ALARM && compared.shift > tolerance);
        found.passes += u32::from(compared.far_end <= tolerance);
    }
    found
}

impl Source {
    fn value(self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Source::Lognormal(spread) => (spread * normal(rng)).exp(),
            Source::HeavyTailed(spread) => {
                let odd = if uniform(rng) < 0.1 { 3.0 } else { 1.0 };
                (spread * odd * normal(rng)).exp()
            }
            Source::Mm1(utilisation, requests) => {
                let mut running = Running::warm(Queue::Mm1, utilisation, rng.next_u64());
                let mut times: Vec<f64> = (0..requests).map(|_| running.next().1).collect();
                let rank = times.len() * 95 / 100;
                *times.select_nth_unstable_by(rank, f64::total_cmp).1
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Lognormal(spread) => write!(f, "lognormal, {} % from run to run", spread * 100.0),
            Source::HeavyTailed(spread) => {
                write!(f, "the same, one in ten three times as far off, {} %", spread * 100.0)
            }
            Source::Mm1(utilisation, requests) => {
                write!(f, "p95 of M/M/1 at ρ = {utilisation}, {requests} requests a run")
            }
        }
    }
}

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (real(usize::try_from(rng.next_u64() >> 32).unwrap_or(0)) + 0.5) / 4_294_967_296.0
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (-2.0 * uniform(rng).ln()).sqrt() * (std::f64::consts::TAU * uniform(rng)).cos()
}
