//! MSER-5: how much of the start of a series is warm-up (White, Cobb & Spratt 2000; the rule of White 1997).

use super::student;

/// Values per batch; series too short for that many batches are cut by single values.
const BATCH: usize = 5;
/// Fewest batches that are worth a look.
const BATCHES_MIN: usize = 10;

/// How often a start that is like the rest is taken for warm-up once MSER would cut it.
const DOUBT: f64 = 0.01;

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

/// How many of the first values are warm-up: those that [`mser_cut`] leaves out, if their mean lies outside of what the
/// means of equally long stretches of the rest scatter (Student's prediction interval at 99 %), and none otherwise.
///
/// MSER alone cuts wherever chance made the start slow, and so leaves the luckier part of every hold: of systems
/// exactly at their limit, up to 2.9 % of the runs passed with it (`reports/benchmarks/truth-warm-up.md`).
pub fn warm_up(values: &[f64]) -> usize {
    let cut = mser_cut(values).cut;
    if cut == 0 {
        return 0;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / real(values.len());
    let (start, rest) = values.split_at(cut);
    let stretches: Vec<f64> = rest.rchunks_exact(cut).map(mean).collect();
    if stretches.len() < 2 {
        return 0;
    }
    let k = real(stretches.len());
    let middle = mean(&stretches);
    let variance = stretches.iter().map(|stretch| (stretch - middle).powi(2)).sum::<f64>() / (k - 1.0);
    let reach = student::quantile_above(DOUBT / 2.0, k - 1.0) * (variance * (1.0 + 1.0 / k)).sqrt();
    if (mean(start) - middle).abs() > reach { cut } else { 0 }
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
    fn only_a_start_that_stands_out_is_warm_up() {
        let check = |series: &dyn Fn(u32) -> f64, expected: usize| {
            let values: Vec<f64> = (0..100).map(series).collect();
            assert_eq!(warm_up(&values), expected, "{values:?}");
        };
        let wobble = |second: u32| f64::from(second % 3);
        check(&|second| if second < 10 { 50.0 } else { 10.0 } + wobble(second), 10);
        check(&|second| if second < 10 { 0.0 } else { 10.0 } + wobble(second), 10);
        // Slow stretches come and go, and the hold happens to begin with one.
        let wave = |second: u32| match second {
            0..10 | 40..50 => 50.0,
            80..90 => 55.0,
            _ => 10.0,
        };
        assert_eq!(mser_cut(&(0..100).map(wave).collect::<Vec<f64>>()).cut, 10);
        check(&wave, 0);
        // Half of it differs: nothing says which half is the system.
        check(&|second| if second < 50 { 50.0 } else { 10.0 }, 0);
        check(&|_| 10.0, 0);
        assert_eq!(warm_up(&[]), 0);
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
