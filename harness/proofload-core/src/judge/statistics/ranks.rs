//! Shifts between two groups of runs by ranks, which no single odd run can bend: Mann & Whitney (1947) for groups,
//! Wilcoxon (1945) for pairs, each with the estimate and the interval of Hodges & Lehmann (1963). Exact distributions
//! for the few runs there are.

/// Most values of a group whose distribution is counted out; beyond, the normal approximation is as good.
const EXACT_MAX: usize = 60;

/// By how much one group lies above another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The estimate of Hodges and Lehmann.
    pub estimate: f64,
    /// One-sided probability of a shift as large, were there none.
    pub p: f64,
    /// The smallest `p` that so many values can show.
    pub p_least: f64,
    /// The interval, with the probability left out at each end that was asked for; unbounded where so few values
    /// cannot show so little.
    pub interval: (f64, f64),
}

/// How far `after` lies above `before`; `tail` is the probability left out at each end of the interval. `None` where a
/// group is empty.
pub fn mann_whitney(before: &[f64], after: &[f64], tail: f64) -> Option<Shift> {
    let mut differences: Vec<f64> = after.iter().flat_map(|b| before.iter().map(move |a| b - a)).collect();
    let tails = tails_of_groups(before.len(), after.len());
    shift(&mut differences, &tails, tail)
}

/// How far pairs lie above 0, each the difference of a pair.
pub fn signed_ranks(differences: &[f64], tail: f64) -> Option<Shift> {
    let mut averages = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
    for (index, one) in differences.iter().enumerate() {
        averages.extend(differences[index..].iter().map(|other| f64::midpoint(*one, *other)));
    }
    let tails = tails_of_pairs(differences.len());
    shift(&mut averages, &tails, tail)
}

/// The statistic of both tests is the number of differences (of averages of pairs) above 0; ties count half.
/// `tails[k]` is the probability that it is k or less, were there no shift.
fn shift(differences: &mut [f64], tails: &[f64], tail: f64) -> Option<Shift> {
    if differences.is_empty() {
        return None;
    }
    differences.sort_by(f64::total_cmp);
    let below = differences.partition_point(|difference| *difference < 0.0);
    let not_above = differences.partition_point(|difference| *difference <= 0.0);
    // The number not above 0, each tie for one half, rounded against finding a shift.
    let against = below + (not_above - below).div_ceil(2);
    let middle = differences.len() / 2;
    let estimate = match differences.len() % 2 {
        0 => f64::midpoint(differences[middle - 1], differences[middle]),
        _ => differences[middle],
    };
    // The interval leaves out so many differences at each end that fewer would be improbable.
    let rank_low = tails.partition_point(|probability| *probability <= tail);
    let at = |rank: usize| differences.get(rank).copied();
    let (low, high) = match rank_low {
        0 => (f64::NEG_INFINITY, f64::INFINITY),
        rank => (at(rank - 1)?, at(differences.len() - rank)?),
    };
    Some(Shift { estimate, p: tails[against.min(tails.len() - 1)], p_least: tails[0], interval: (low, high) })
}

/// Distribution function of U for groups of these sizes, were there no shift.
fn tails_of_groups(before: usize, after: usize) -> Vec<f64> {
    if before.max(after) > EXACT_MAX {
        let (n, m) = (real(before), real(after));
        return normal_tails(before * after, n * m / 2.0, (n * m * (n + m + 1.0) / 12.0).sqrt());
    }
    // Partitions of U into at most `after` parts of at most `before`: the Gaussian binomial coefficient, as floats.
    let most = before * after;
    let mut ways = vec![0.0; most + 1];
    ways[0] = 1.0;
    for part in 1..=after {
        for sum in (before + part..=most).rev() {
            ways[sum] -= ways[sum - before - part];
        }
        for sum in part..=most {
            ways[sum] += ways[sum - part];
        }
    }
    cumulated(&ways)
}

/// Distribution function of Wilcoxon's signed-rank statistic.
fn tails_of_pairs(pairs: usize) -> Vec<f64> {
    let most = pairs * (pairs + 1) / 2;
    if pairs > EXACT_MAX {
        let n = real(pairs);
        return normal_tails(most, n * (n + 1.0) / 4.0, (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt());
    }
    let mut ways = vec![0.0; most + 1];
    ways[0] = 1.0;
    for rank in 1..=pairs {
        for sum in (rank..=most).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    cumulated(&ways)
}

fn cumulated(ways: &[f64]) -> Vec<f64> {
    let all: f64 = ways.iter().sum();
    let mut sum = 0.0;
    ways.iter()
        .map(|ways| {
            sum += ways;
            sum / all
        })
        .collect()
}

/// With a correction for continuity.
fn normal_tails(most: usize, mean: f64, deviation: f64) -> Vec<f64> {
    (0..=most).map(|k| 0.5 * libm::erfc(-(real(k) + 0.5 - mean) / deviation / std::f64::consts::SQRT_2)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "numbers of runs are small")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let before = [1.0, 2.0, 3.0, 4.0, 5.0];
        let after = [11.0, 12.0, 13.0, 14.0, 15.0];
        let shift = mann_whitney(&before, &after, 0.01).unwrap();
        // All 252 orders are as likely; one of them has every later value above.
        assert!((shift.p - 1.0 / 252.0).abs() < 1e-12, "{shift:?}");
        assert!((shift.estimate - 10.0).abs() < 1e-12, "{shift:?}");
        assert_eq!(shift.interval, (7.0, 13.0));
        let none = mann_whitney(&before, &before, 0.01).unwrap();
        assert!(none.p > 0.5 && none.estimate.abs() < 1e-12, "{none:?}");
        // Mann & Whitney 1947, table for n = 4, m = 3: P(U ≤ 2) = 0.114.
        assert!((tails_of_groups(4, 3)[2] - 0.114).abs() < 5e-4);
        assert_eq!(mann_whitney(&[], &after, 0.01), None);
    }

    #[test]
    fn pairs() {
        let shift = signed_ranks(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 0.01).unwrap();
        assert!((shift.p - 1.0 / 128.0).abs() < 1e-12, "{shift:?}");
        assert!((shift.estimate - 4.0).abs() < 1e-12, "{shift:?}");
        // Wilcoxon's table: with 10 pairs, P(T ≤ 5) = 0.0098.
        assert!((tails_of_pairs(10)[5] - 0.0098).abs() < 5e-5);
        assert_eq!(signed_ranks(&[1.0, 2.0], 0.01).unwrap().interval, (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn many_values_by_the_normal_approximation() {
        let exact = tails_of_groups(60, 60);
        let normal = normal_tails(3600, 1800.0, (3600.0 * 121.0 / 12.0_f64).sqrt());
        for k in [1_400, 1_600, 1_800, 2_000] {
            assert!((exact[k] - normal[k]).abs() < 1e-3, "{k}: {} {}", exact[k], normal[k]);
        }
    }
}
