//! Queues with known behaviour: a stream of (time of arrival, response time), one arrival per unit of time on average.
//! First come, first served, one server.

use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How requests come and are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Poisson arrivals, exponential service.
    Mm1,
    /// Poisson arrivals, service always the same.
    Md1,
    /// Poisson arrivals, hyperexponential service with a squared coefficient of variation of 4.
    MhyperOne,
    /// Poisson arrivals, lognormal service with a squared coefficient of variation of 4.
    MlognormalOne,
    /// Eight arrive together, exponential service.
    Bulk,
    /// Poisson arrivals, a server that takes up to 16 at once: a batch costs as much as 8 of its places, and each
    /// place a sixteenth of that again.
    BatchFormer,
}

/// All of them, with their names in tables.
pub(crate) const ALL: [(Queue, &str); 6] = [
    (Queue::Mm1, "M/M/1"),
    (Queue::Md1, "M/G/1, G constant"),
    (Queue::MhyperOne, "M/G/1, G hyperexponential"),
    (Queue::MlognormalOne, "M/G/1, G lognormal"),
    (Queue::Bulk, "batch arrivals of 8, M service"),
    (Queue::BatchFormer, "batch service of up to 16"),
];

const BULK: u32 = 8;
/// How finely response times are told apart where a percentile is looked for.
const BINS: usize = 4_000_000;
const BATCH_MAX: usize = 16;
/// Squared coefficient of variation of the services that vary much.
const VARIATION: f64 = 4.0;

/// A queue as it runs.
pub(crate) struct Running {
    queue: Queue,
    utilisation: f64,
    rng: ChaCha8Rng,
    now: f64,
    free_at: f64,
    left_of_bulk: u32,
    next_arrival: f64,
    /// By how much longer every service takes just now.
    pub(crate) slowness: f64,
    waiting: VecDeque<f64>,
    served: VecDeque<(f64, f64)>,
}

impl Running {
    pub(crate) fn new(queue: Queue, utilisation: f64, seed: u64) -> Self {
        let mut running = Self {
            queue,
            utilisation,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now: 0.0,
            free_at: 0.0,
            left_of_bulk: 0,
            next_arrival: 0.0,
            slowness: 1.0,
            waiting: VecDeque::new(),
            served: VecDeque::new(),
        };
        running.next_arrival = running.exponential();
        running
    }

    /// The same after so many arrivals that how it began no longer shows.
    pub(crate) fn warm(queue: Queue, utilisation: f64, seed: u64) -> Self {
        let mut running = Self::new(queue, utilisation, seed);
        // The relaxation time of M/M/1 is about 2/(1 − ρ)² services; sixty of these are plenty.
        for _ in 0..whole(120.0 / (1.0 - utilisation).powi(2)) {
            running.next();
        }
        running
    }

    /// The next request: when it came, and how long it took.
    pub(crate) fn next(&mut self) -> (f64, f64) {
        match self.queue {
            Queue::BatchFormer => self.next_of_batches(),
            Queue::Bulk => {
                if self.left_of_bulk == 0 {
                    self.now += self.exponential() * f64::from(BULK);
                    self.left_of_bulk = BULK;
                }
                self.left_of_bulk -= 1;
                self.serve()
            }
            _ => {
                self.now += self.exponential();
                self.serve()
            }
        }
    }

    fn serve(&mut self) -> (f64, f64) {
        let service = self.service() * self.slowness;
        self.free_at = self.free_at.max(self.now) + service;
        (self.now, self.free_at - self.now)
    }

    fn service(&mut self) -> f64 {
        let mean = self.utilisation;
        match self.queue {
            Queue::Md1 => mean,
            Queue::MhyperOne => {
                // Balanced means: each of the two kinds brings half of the work.
                let often = f64::midpoint(1.0, ((VARIATION - 1.0) / (VARIATION + 1.0)).sqrt());
                let kind = if self.uniform() < often { often } else { 1.0 - often };
                mean * self.exponential() / (2.0 * kind)
            }
            Queue::MlognormalOne => {
                let variance = (1.0 + VARIATION).ln();
                mean * (variance.sqrt() * self.normal() - variance / 2.0).exp()
            }
            _ => mean * self.exponential(),
        }
    }

    fn next_of_batches(&mut self) -> (f64, f64) {
        if let Some(served) = self.served.pop_front() {
            return served;
        }
        let full = self.utilisation * 16.0;
        if self.waiting.is_empty() {
            self.take_arrival();
        }
        let starts = self.free_at.max(self.waiting[0]);
        while self.next_arrival <= starts {
            self.take_arrival();
        }
        let size = self.waiting.len().min(BATCH_MAX);
        self.free_at = starts + full * (0.5 + 0.5 * real(size) / 16.0);
        let ends = self.free_at;
        self.served.extend(self.waiting.drain(..size).map(|came| (came, ends - came)));
        self.served.pop_front().expect("a batch holds one at least")
    }

    fn take_arrival(&mut self) {
        self.waiting.push_back(self.next_arrival);
        self.next_arrival += self.exponential();
    }

    fn uniform(&mut self) -> f64 {
        (real53(self.rng.next_u64() >> 11) + 0.5) / 9_007_199_254_740_992.0
    }

    fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// By Box & Muller (1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The response times at these shares of all requests: exact for M/M/1, else of one long run.
pub(crate) fn quantiles<const N: usize>(queue: Queue, utilisation: f64, shares: [f64; N], length: u64) -> [f64; N] {
    if queue == Queue::Mm1 {
        return shares.map(|share| -(1.0 - share).ln() * utilisation / (1.0 - utilisation));
    }
    let mut running = Running::warm(queue, utilisation, 987_654_321);
    let longest = 800.0 * utilisation / (1.0 - utilisation);
    let mut bins = vec![0u64; BINS + 1];
    for _ in 0..length {
        let bin = running.next().1 / longest * real(BINS);
        bins[usize::try_from(whole(bin)).unwrap_or(BINS).min(BINS)] += 1;
    }
    shares.map(|share| {
        let rank = whole(real53(length) * share);
        let mut below = 0;
        let bin = bins.iter().position(|count| {
            below += count;
            below >= rank
        });
        (real(bin.unwrap_or(BINS)) + 1.0) * longest / real(BINS)
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive numbers")]
fn whole(value: f64) -> u64 {
    value as u64
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn real(value: usize) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "at most 53 bits")]
fn real53(value: u64) -> f64 {
    value as f64
}
