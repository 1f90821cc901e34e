//! Student's t distribution.

use super::beta::incomplete_beta;

/// Probability that t with so many degrees of freedom lies above this (Abramowitz & Stegun 26.7.1).
pub fn above(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5);
    if t > 0.0 { tail } else { 1.0 - tail }
}

/// The value that t lies above with this probability, which is below a half; by bisection.
pub fn quantile_above(probability: f64, freedom: f64) -> f64 {
    const STEPS: u32 = 200;
    let (mut low, mut high) = (0.0, 1.0);
    while above(high, freedom) > probability && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if above(middle, freedom) > probability { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(probability: f64, freedom: f64, expected: f64) {
        let got = quantile_above(probability, freedom);
        assert!((got - expected).abs() < 0.001, "{probability} {freedom}: {got}");
        assert!((above(expected, freedom) - probability).abs() < 1e-4);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Abramowitz & Stegun, table 26.10.
        check(0.01, 4.0, 3.747);
        check(0.05, 9.0, 1.833);
        check(0.005, 9.0, 3.250);
        check(0.01, 30.0, 2.457);
        assert!((above(0.0, 7.0) - 0.5).abs() < 1e-12);
        assert!((above(-1.833, 9.0) - 0.95).abs() < 1e-4);
    }
}
