//! The gaps between arrivals in operational time, where the rate is always 1: even, exponential or gamma.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::draw::unit_open;
use crate::scenario::Gaps;

/// Gives one gap after the other.
pub(super) struct GapSource {
    gaps: Gaps,
    rng: ChaCha8Rng,
}

impl GapSource {
    /// One stream of the seed for each workload, so that one more workload changes no other.
    pub(super) fn new(gaps: Gaps, seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { gaps, rng }
    }

    /// From the start to the first arrival: as if the process had always been going on, so that the number of
    /// arrivals expected until any moment is the area under the rate until then.
    pub(super) fn first(&mut self) -> f64 {
        match self.gaps {
            Gaps::Even => 0.5,
            Gaps::Exponential => self.exponential(),
            // The start falls into a gap in proportion to the gap's length, and evenly within it (Cox 1962, §5.2);
            // length-biased gamma of shape k is gamma of shape k + 1.
            Gaps::Gamma { shape } => self.unit() * self.gamma(shape + 1.0) / shape,
        }
    }

    /// From one arrival to the next; 1 on average.
    pub(super) fn next(&mut self) -> f64 {
        match self.gaps {
            Gaps::Even => 1.0,
            Gaps::Exponential => self.exponential(),
            Gaps::Gamma { shape } => self.gamma(shape) / shape,
        }
    }

    fn unit(&mut self) -> f64 {
        unit_open(self.rng.next_u64())
    }

    /// By inversion.
    fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// A standard normal deviate (Box and Muller 1958); the second of each pair is not used.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A gamma deviate of scale 1 (Marsaglia and Tsang 2000); a shape below 1 goes by way of shape + 1.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boosted = self.gamma(shape + 1.0);
            return boosted * libm::pow(self.unit(), 1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        // At least 95 % of the tries are taken.
        loop {
            let x = self.normal();
            let cube_root = 1.0 + c * x;
            if cube_root <= 0.0 {
                continue;
            }
            let v = cube_root * cube_root * cube_root;
            if libm::log(self.unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}
