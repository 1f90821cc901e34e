//! MSER-5: how much of the start of a series is warm-up (White, Cobb & Spratt 2000; the rule of White 1997).

/// Values per batch; series too short for that many batches are cut by single values.
const BATCH: usize = 5;
/// Fewest batches that are worth a look.
const BATCHES_MIN: usize = 10;

/// Where the warm-up of a series ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MserCut {
    /// How many values are left out.
    pub cut: usize,
    /// Whether the cut lies at the half beyond which none is looked for: the series may never have become steady.
    pub at_limit: bool,
}

/// Leaves out the `d` first batches for which `Σ(Y_i − mean)²/(n − d)²` of the rest is least, `d ≤ n/2`: the cut after
/// which the mean is known best.
pub fn mser_cut(values: &[f64]) -> MserCut {
    let size = if values.len() >= BATCH * BATCHES_MIN { BATCH } else { 1 };
    let batches: Vec<f64> = values.chunks_exact(size).map(|batch| batch.iter().sum::<f64>() / real(size)).collect();
    if batches.len() < BATCHES_MIN {
        return MserCut { cut: 0, at_limit: false };
    }
    let half = batches.len() / 2;
    let mut best = (f64::INFINITY, 0);
    // From the end, so that sums of what is left grow by one batch a step.
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for (index, value) in batches.iter().enumerate().rev() {
        n += 1.0;
        let away = value - mean;
        mean += away / n;
        squares += away * (value - mean);
        // Of two cuts as good as each other, the shorter one.
        if index <= half && squares / (n * n) <= best.0 {
            best = (squares / (n * n), index);
        }
    }
    MserCut { cut: best.1 * size, at_limit: best.1 == half }
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 seconds")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(series: impl Iterator<Item = f64>, cut: usize, at_limit: bool) {
        let values: Vec<f64> = series.collect();
        assert_eq!(mser_cut(&values), MserCut { cut, at_limit }, "{values:?}");
    }

    #[test]
    fn the_start_that_differs_is_left_out() {
        let wobble = |second: u32| f64::from(second % 3);
        check((0..100).map(|second| if second < 10 { 50.0 } else { 10.0 } + wobble(second)), 10, false);
        check((0..30).map(|second| if second < 4 { 90.0 } else { 10.0 } + wobble(second)), 4, false);
        check((0..90).map(|_| 10.0), 0, false);
        check((0..100).map(f64::from), 50, true);
        check((0..9).map(f64::from), 0, false);
        check(std::iter::empty(), 0, false);
    }
}
