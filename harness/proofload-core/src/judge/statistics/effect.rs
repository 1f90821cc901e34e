//! By how much dependence between requests thins the samples of a hold: the design effect of survey statistics
//! (Kish 1965), estimated from the scatter of stretches of the hold.

use crate::evidence::Second;

/// Fewest stretches from which scatter is estimated.
const STRETCHES_MIN: usize = 10;
/// How far above its estimate the scatter may lie: the upper end at 95 %, one-sided, for with few stretches the estimate
/// is often too low, and most often in the lucky runs that look better than the system is. At one standard deviation,
/// up to 2.2 % of the runs at the limit passed; so, fewer than 1 % do (`reports/benchmarks/truth-steady.md`).
const UPPER_Z: f64 = 1.644_853_626_951_472_2;

/// One second of a hold, in the sums that dependence shows in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Block {
    /// How many were due.
    pub due: f64,
    /// How many of these were late.
    pub late: f64,
    /// How many got a whole answer.
    pub answered: f64,
    /// Sum of the response times of the answered.
    pub sum: f64,
    /// Sum of their squares.
    pub squares: f64,
}

/// So many dependent samples tell as much as this many times fewer independent ones; never below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DesignEffect {
    /// As it is estimated: for intervals.
    pub estimate: f64,
    /// The upper end of what it may be: for saying yes, which must not rest on a lucky estimate.
    pub upper: f64,
}

/// How much dependence thins the samples of a hold.
///
/// The hold is cut into ever longer stretches, from one second up to a tenth of it, since stretches shorter than the
/// memory of a queue hide what they share. For each length, the scatter of the stretches' mean latency and of their
/// late share is held against what independent requests would scatter; the largest ratio stands, and the largest
/// upper end of any. Late ones alone show too little: a run without any seems independent.
pub fn design_effect(blocks: &[Block]) -> DesignEffect {
    let total = blocks.iter().fold(Block::default(), |sum, block| sum.plus(block));
    let mut effect = DesignEffect { estimate: 1.0, upper: 1.0 };
    if total.due <= 0.0 {
        return effect;
    }
    let late_share = total.late / total.due;
    let late = |block: &Block| block.late - late_share * block.due;
    effect.raise(blocks.iter().map(late).collect(), total.due * late_share * (1.0 - late_share));
    if total.answered > 0.0 {
        let mean = total.sum / total.answered;
        let variance = (total.squares / total.answered - mean * mean).max(0.0);
        let latency = |block: &Block| block.sum - mean * block.answered;
        effect.raise(blocks.iter().map(latency).collect(), total.answered * variance);
    }
    effect
}

impl Block {
    /// A second of a step; lateness by the limit of this index.
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    pub fn of(second: &Second, limit: Option<usize>) -> Self {
        Self {
            due: second.due as f64,
            late: limit.and_then(|limit| second.late.get(limit)).map_or(0.0, |late| *late as f64),
            answered: second.answered as f64,
            sum: second.response_sum_us as f64,
            squares: second.response_squares_us2,
        }
    }

    fn plus(&self, other: &Block) -> Block {
        Block {
            due: self.due + other.due,
            late: self.late + other.late,
            answered: self.answered + other.answered,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
        }
    }
}

impl DesignEffect {
    /// Raises both to the largest ratio, over all lengths of stretches, of the scatter of a sum over the blocks to
    /// `independent`, the variance it would have without dependence. `residuals` is each block's part of the sum less
    /// its expected part (the linearised ratio estimator: Cochran 1977, §6.3), so that stretches with more samples
    /// count for more.
    fn raise(&mut self, mut residuals: Vec<f64>, independent: f64) {
        if independent <= 0.0 {
            return;
        }
        let blocks = real(residuals.len());
        let mut length = 1.0;
        while residuals.len() >= STRETCHES_MIN {
            let stretches = real(residuals.len());
            let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
            // The residuals sum to 0, so the squares of k stretches stand for k − 1 of them.
            let scatter = squares * stretches / (stretches - 1.0) * (blocks / (stretches * length));
            let ratio = scatter / independent;
            self.estimate = self.estimate.max(ratio);
            self.upper = self.upper.max(ratio * upper(stretches - 1.0));
            residuals = residuals.chunks_exact(2).map(|pair| pair[0] + pair[1]).collect();
            length *= 2.0;
        }
    }
}

/// The factor from an estimated variance to the upper end of what it may be: `ν/χ²`, with the quantile of χ² by
/// Wilson & Hilferty (1931).
fn upper(freedom: f64) -> f64 {
    let ninth = 2.0 / (9.0 * freedom);
    let root = 1.0 - ninth - UPPER_Z * ninth.sqrt();
    1.0 / (root * root * root).max(f64::MIN_POSITIVE)
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 seconds")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `lates` late of 100 each second; the late ones take ten times as long.
    fn hold(lates: &[f64]) -> Vec<Block> {
        let block = |late: &f64| Block {
            due: 100.0,
            late: *late,
            answered: 100.0,
            sum: 100.0 + 9.0 * late,
            squares: 100.0 + 99.0 * late,
        };
        lates.iter().map(block).collect()
    }

    #[test]
    fn an_even_hold_has_no_effect() {
        let none = DesignEffect { estimate: 1.0, upper: 1.0 };
        assert_eq!(design_effect(&hold(&[2.0; 40])), none);
        assert_eq!(design_effect(&[]), none);
    }

    #[test]
    fn clumps_thin_the_samples() {
        let mut clumped = [0.0; 40];
        clumped[20] = 80.0;
        let effect = design_effect(&hold(&clumped));
        assert!((75.0..120.0).contains(&effect.estimate), "{effect:?}");
        assert!((150.0..300.0).contains(&effect.upper), "{effect:?}");
    }

    #[test]
    fn long_waves_show_in_long_stretches_only() {
        // Two late in each of eight seconds, then none for as long: neighbours are alike, stretches differ.
        let wave: Vec<f64> = (0..160).map(|second| if second / 8 % 2 == 0 { 4.0 } else { 0.0 }).collect();
        let shuffled: Vec<f64> = (0..160).map(|second| if second % 2 == 0 { 4.0 } else { 0.0 }).collect();
        let (waves, even) = (design_effect(&hold(&wave)).estimate, design_effect(&hold(&shuffled)).estimate);
        assert!(waves > 4.0 * even, "{waves} {even}");
    }

    #[test]
    fn the_quantile_of_chi_squared_is_that_of_the_tables() {
        // χ² below which 5 % lie, by the series of the incomplete gamma function: 3.3251 and 10.1170.
        assert!((9.0 / upper(9.0) - 3.3251).abs() < 0.02, "{}", 9.0 / upper(9.0));
        assert!((19.0 / upper(19.0) - 10.1170).abs() < 0.02, "{}", 19.0 / upper(19.0));
    }
}
