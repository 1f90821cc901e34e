//! The area under a stage's rate, and the moment at which it reaches a value: exact, both ways.

use std::f64::consts::TAU;

use crate::scenario::{Curve, Stage};

/// Halvings after which a bracket of a year is narrower than a nanosecond, and some to spare.
const ROUNDS_MAX: u32 = 64;

/// Arrivals expected in a stage: the area under its rate.
pub(super) fn area(stage: &Stage) -> f64 {
    let length_s = stage.duration.as_secs_f64();
    match stage.curve {
        Curve::Linear => f64::midpoint(stage.from_per_second, stage.to_per_second) * length_s,
        Curve::Sine { amplitude_per_second, period } => {
            Sine { mean: stage.from_per_second, amplitude: amplitude_per_second, period_s: period.as_secs_f64() }
                .area(length_s)
        }
    }
}

/// Seconds into the stage at which the area under its rate is `area`.
pub(super) fn time_at_area(stage: &Stage, area: f64) -> f64 {
    let length_s = stage.duration.as_secs_f64();
    let time = match stage.curve {
        Curve::Linear => linear_time(stage, area),
        Curve::Sine { amplitude_per_second, period } => {
            Sine { mean: stage.from_per_second, amplitude: amplitude_per_second, period_s: period.as_secs_f64() }
                .time(area)
        }
    };
    if time.is_finite() { time.min(length_s) } else { 0.0 }
}

/// The root of `from·t + (to − from)/(2·duration)·t² = area`, in the form that does not cancel.
fn linear_time(stage: &Stage, area: f64) -> f64 {
    let slope = (stage.to_per_second - stage.from_per_second) / stage.duration.as_secs_f64();
    let root = (stage.from_per_second * stage.from_per_second + 2.0 * slope * area).max(0.0).sqrt();
    2.0 * area / (stage.from_per_second + root)
}

/// The rate `mean + amplitude · sin(2π · t / period)`.
struct Sine {
    mean: f64,
    amplitude: f64,
    period_s: f64,
}

impl Sine {
    /// The area from 0 to `time`. Whole periods are taken out first, so that the cosine keeps its digits.
    fn area(&self, time_s: f64) -> f64 {
        let periods = (time_s / self.period_s).floor();
        periods * self.mean * self.period_s + self.area_within(time_s - periods * self.period_s)
    }

    fn area_within(&self, time_s: f64) -> f64 {
        let turn = TAU * time_s / self.period_s;
        self.mean * time_s + self.amplitude * self.period_s / TAU * (1.0 - libm::cos(turn))
    }

    /// Where the area reaches a value: Newton's method, halving where it would leave the bracket. The area never
    /// falls, for the amplitude is at most the mean.
    fn time(&self, area: f64) -> f64 {
        let in_period = self.mean * self.period_s;
        let periods = (area / in_period).floor();
        let wanted = area - periods * in_period;
        let (mut low, mut high) = (0.0, self.period_s);
        let mut time = wanted / self.mean;
        for _ in 0..ROUNDS_MAX {
            let missing = wanted - self.area_within(time);
            if missing > 0.0 {
                low = time;
            } else {
                high = time;
            }
            let rate = self.mean + self.amplitude * libm::sin(TAU * time / self.period_s);
            let newton = time + missing / rate;
            let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
            // A tenth of the nanosecond that times are rounded to.
            if (next - time).abs() < 1e-10 {
                time = next;
                break;
            }
            time = next;
        }
        periods * self.period_s + time
    }
}
