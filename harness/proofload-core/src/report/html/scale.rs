//! From values to places in a drawing, and the ticks beside it. Whatever comes in, a finite place comes out.

/// Width of every drawing, in its own units; all time axes share it, so that moments stand above each other.
pub(super) const WIDTH: f64 = 1000.0;
/// Room for the labels on the left.
pub(super) const LEFT: f64 = 72.0;
/// Room on the right.
pub(super) const RIGHT: f64 = 12.0;
/// Room above.
pub(super) const TOP: f64 = 12.0;
/// Room for the labels below.
pub(super) const BOTTOM: f64 = 22.0;

/// Maps values onto a stretch of the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

/// A place on an axis with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) at: String,
    pub(super) label: String,
}

impl Scale {
    /// Time from left to right.
    pub(super) fn across(high: f64) -> Self {
        Self { low: 0.0, high: high.max(f64::MIN_POSITIVE), from: LEFT, to: WIDTH - RIGHT, log: false }
    }

    /// Values from 0 upwards in a drawing of this height.
    pub(super) fn up(high: f64, height: f64) -> Self {
        let high = if high.is_finite() && high > 0.0 { high } else { 1.0 };
        Self { low: 0.0, high, from: height - BOTTOM, to: TOP, log: false }
    }

    /// Positive values upwards, each decade of the same height.
    pub(super) fn up_log(low: f64, high: f64, height: f64) -> Self {
        let low = if low.is_finite() && low > 0.0 { low } else { 0.1 };
        let high = if high.is_finite() && high > low * 2.0 { high } else { low * 2.0 };
        Self { low: libm::log10(low), high: libm::log10(high), from: height - BOTTOM, to: TOP, log: true }
    }

    /// The place of a value; values beyond the axis stand at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.log { libm::log10(value.max(f64::MIN_POSITIVE)) } else { value };
        let share = (value - self.low) / (self.high - self.low);
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.from + share * (self.to - self.from)
    }

    /// The place of a value, as the drawing writes it.
    pub(super) fn at(&self, value: f64) -> String {
        px(self.place(value))
    }

    /// Ticks where the labels say them.
    pub(super) fn ticks(&self, values: &[f64], label: impl Fn(f64) -> String) -> Vec<Tick> {
        values.iter().map(|value| Tick { at: self.at(*value), label: label(*value) }).collect()
    }
}

/// A length in a drawing, to a tenth.
pub(super) fn px(length: f64) -> String {
    let length = if length.is_finite() { length } else { 0.0 };
    let text = format!("{length:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// About four round steps from 0; the last is at or above `high`.
pub(super) fn round_steps(high: f64) -> Vec<f64> {
    let high = if high.is_finite() && high > 0.0 { high } else { 1.0 };
    let size = libm::pow(10.0, libm::floor(libm::log10(high / 4.0)));
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * size).find(|step| high / step <= 4.0);
    let step = step.unwrap_or(high).max(f64::MIN_POSITIVE);
    let mut steps = vec![0.0];
    while steps.len() < 7 && steps[steps.len() - 1] < high {
        #[expect(clippy::cast_precision_loss, reason = "at most seven")]
        steps.push(steps.len() as f64 * step);
    }
    steps
}

/// The same for things that come whole: no half a replica.
pub(super) fn whole_steps(high: f64) -> Vec<f64> {
    if high > 4.0 {
        round_steps(high)
    } else {
        (0..=4u8).map(f64::from).take_while(|step| *step < high.max(1.0) + 1.0).collect()
    }
}

/// 1, 2, 5, 10 … around `low..=high`; the more decades, the fewer steps in each.
pub(super) fn log_steps(low: f64, high: f64) -> Vec<f64> {
    let low = if low.is_finite() && low > 0.0 { low } else { 0.1 };
    let high = if high.is_finite() && high > low { high } else { low * 2.0 };
    let factors: &[f64] = match high / low {
        ratio if ratio > 3000.0 => &[1.0],
        ratio if ratio > 20.0 => &[1.0, 3.0],
        _ => &[1.0, 2.0, 5.0],
    };
    let decades = |value: f64| libm::floor(libm::log10(value));
    let mut steps = Vec::new();
    let mut decade = decades(low);
    while decade <= decades(high) + 1.0 && steps.len() < 40 {
        steps.extend(factors.iter().map(|factor| factor * libm::pow(10.0, decade)));
        decade += 1.0;
    }
    let first = steps.iter().rposition(|step| *step <= low).unwrap_or(0);
    let last = steps.iter().position(|step| *step >= high * 0.999).unwrap_or(steps.len() - 1);
    steps[first..=last.max(first)].to_vec()
}

/// Steps of a time axis in seconds, at most eleven.
pub(super) fn time_steps(high_s: f64) -> Vec<f64> {
    const STEPS: &[f64] =
        &[1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0];
    let step = STEPS.iter().copied().find(|step| high_s / step <= 10.0).unwrap_or(high_s / 10.0);
    (0..=10u8).map(|index| f64::from(index) * step).filter(|at| *at <= high_s).collect()
}

/// A moment of the run: `8 s`, `1:20`, `1:05:00`.
pub(super) fn clock(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is only shown")]
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min}:{s:02}"),
        (h, min, s) => format!("{h}:{min:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_cover_the_values() {
        assert_eq!(round_steps(43.0), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(round_steps(0.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(round_steps(5.0), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!([whole_steps(0.0), whole_steps(3.0)], [vec![0.0, 1.0], vec![0.0, 1.0, 2.0, 3.0]]);
        assert_eq!(log_steps(24.0, 300.0), [20.0, 50.0, 100.0, 200.0, 500.0]);
        assert_eq!(log_steps(24.0, 2000.0), [10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]);
        assert_eq!(log_steps(f64::NAN, -1.0), [0.1, 0.2]);
        assert_eq!(time_steps(148.3), [0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 105.0, 120.0, 135.0]);
        assert_eq!([clock(8.0), clock(80.0), clock(3900.0)], ["8 s", "1:20", "1:05:00"]);
    }

    #[test]
    fn the_template_draws_on_the_same_sheet() {
        // `templates/panel.svg` writes these as they are.
        assert_eq!([LEFT, WIDTH - RIGHT, TOP, WIDTH].map(px), ["72", "988", "12", "1000"]);
    }

    #[test]
    fn every_place_is_finite() {
        for scale in [Scale::across(0.0), Scale::up(f64::NAN, 100.0), Scale::up_log(0.0, 0.0, 100.0)] {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -3.0, 1e300] {
                assert!(scale.place(value).is_finite(), "{scale:?} {value}");
            }
        }
    }
}
