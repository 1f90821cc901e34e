//! The binomial tails of percentile rules, on real counts as effective sample sizes are.

/// Probability that at most `late` of `total` values are late, if each is late with probability `1 − share`:
/// the binomial distribution function as a regularised incomplete beta, `I_share(total − late, late + 1)`
/// (Abramowitz & Stegun 26.5.24). Takes real counts, as effective sample sizes are.
pub fn at_most_late(total: f64, late: f64, share: f64) -> f64 {
    if late >= total {
        return 1.0;
    }
    incomplete_beta(share, total - late, late + 1.0)
}

/// Probability that at least `late` of `total` values are late, if each is late with probability `1 − share`.
pub fn at_least_late(total: f64, late: f64, share: f64) -> f64 {
    if late <= 0.0 {
        return 1.0;
    }
    incomplete_beta(1.0 - share, late, total - late + 1.0)
}

/// The regularised incomplete beta function `I_x(a, b)`, by the continued fraction of Lentz's method
/// (Press et al., Numerical Recipes, 3rd ed., §6.4).
pub(super) fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let front = libm::exp(ln_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

#[expect(clippy::many_single_char_names, reason = "the names of the formula's source")]
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // The fraction needs about √max(a, b) terms; this serves effective sample sizes up to 10^10.
    const TERMS_MAX: u32 = 200_000;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (sum, above, below) = (a + b, a + 1.0, a - 1.0);
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - sum * x / above);
    let mut result = d;
    for term in 1..=TERMS_MAX {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((below + 2.0 * m) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (sum + m) * x / ((a + 2.0 * m) * (above + 2.0 * m));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let step = d * c;
        result *= step;
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smallest n that passes with `late` late values: the tables of `facts/load-tools.md` §4, whose t = 1, c = 0.99
    /// column is mlcommons/endpoints' own.
    fn check(share: f64, confidence: f64, late: u32, expected: u32) {
        let passes = |n: u32| at_most_late(f64::from(n), f64::from(late), share) <= 1.0 - confidence;
        let smallest = (late + 1..200_000).find(|n| passes(*n));
        assert_eq!(smallest, Some(expected), "p{share} c{confidence} t{late}");
    }

    #[test]
    fn the_early_stopping_table_is_reproduced() {
        check(0.95, 0.99, 0, 90);
        check(0.95, 0.99, 1, 130);
        check(0.95, 0.99, 10, 398);
        check(0.95, 0.99, 100, 2_504);
        check(0.99, 0.99, 1, 662);
        check(0.99, 0.95, 10, 1_693);
        check(0.999, 0.99, 0, 4_603);
        check(0.999, 0.99, 100, 125_826);
    }

    #[test]
    fn both_tails_agree() {
        for (n, t, share) in [(100.0, 5.0, 0.95), (1000.0, 3.0, 0.99), (50.0, 25.0, 0.5)] {
            let sum = at_most_late(n, t - 1.0, share) + at_least_late(n, t, share);
            assert!((sum - 1.0).abs() < 1e-9, "{n} {t} {share}: {sum}");
        }
    }
}
