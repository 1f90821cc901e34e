//! How often the steady rule passes or fails a system that is exactly at its limit, and how often it passes one with
//! room.

use proofload_core::judge::statistics::{
    Block, DesignEffect, EarlyStopping, at_most_late, design_effect, rank_interval, warm_up,
};

use super::bootstrap::Resamples;
use super::queues::{Queue, Running, real};

/// A hold: so many requests in so many seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    pub(crate) requests: u32,
    pub(crate) seconds: usize,
}

/// A system, and the rule that it is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) queue: Queue,
    pub(crate) utilisation: f64,
    pub(crate) hold: Hold,
    /// 0.99 for p99.
    pub(crate) share: f64,
    /// The true percentile.
    pub(crate) limit: f64,
}

/// What came of many runs of a case; counts of runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) runs: u32,
    /// Passed, though the system is exactly at its limit.
    pub(crate) false_passes: u32,
    /// Failed, though it is.
    pub(crate) false_fails: u32,
    /// The interval holds the true percentile.
    pub(crate) covered: u32,
    /// An interval could be given.
    pub(crate) intervals: u32,
    /// Among these, the interval by resampling alone holds it.
    pub(crate) covered_resampled: u32,
    /// Passed with `warm_up: auto`, though the system is exactly at its limit and was warm from the start.
    pub(crate) false_passes_auto: u32,
    /// Passed with a limit of 1.6 times the true percentile.
    pub(crate) passes_with_room: u32,
    /// Had the effective samples that one late request takes.
    pub(crate) enough: u32,
    /// Passed among these.
    pub(crate) passes_of_enough: u32,
    /// How many of these would pass on average, were their n/D requests independent and as often late as this system's.
    pub(crate) passes_if_independent: f64,
    /// What `LoadGen`'s rule would have passed, which takes requests for independent.
    pub(crate) false_passes_uncorrected: u32,
    pub(crate) effects: Vec<f64>,
}

/// How much room a system has whose passing is power.
const ROOM: f64 = 1.6;
/// The confidence of the rule.
const CONFIDENCE: f64 = 0.99;
/// What lies beyond each end of an interval at 99 %.
const TAIL: f64 = 0.005;

pub(crate) fn simulate(case: &Case, runs: u32) -> Outcome {
    let mut outcome = Outcome { runs, ..Outcome::default() };
    // The smallest n that passes with one late request at 99 %: `facts/load-tools.md` §4.
    let least = if case.share > 0.98 { 662.0 } else { 130.0 };
    let resamples = Resamples::of(case.hold.seconds).expect("every hold here is long enough");
    let (mut late_with_room, mut effective_sizes) = ((0.0, 0.0), Vec::new());
    for run in 0..runs {
        let (tight, roomy) = measure(case, 1 + u64::from(run) * 7919);
        let (total, late) = sums(&tight);
        let effect = design_effect(&tight);
        match decide(case.share, effect, total, late) {
            Some(true) => outcome.false_passes += 1,
            Some(false) => outcome.false_fails += 1,
            None => {}
        }
        let independent = DesignEffect { estimate: 1.0, upper: 1.0 };
        outcome.false_passes_uncorrected += u32::from(decide(case.share, independent, total, late) == Some(true));
        if let Some((low, high)) = rank_interval(total, case.share, effect) {
            outcome.intervals += 1;
            let by_ranks = (low..=high).contains(&(total - late));
            let within = resamples.at_most(&tight, 1.0 - case.share);
            let by_resampling = (TAIL..=1.0 - TAIL).contains(&within);
            outcome.covered += u32::from(by_ranks);
            outcome.covered_resampled += u32::from(by_resampling);
        }
        outcome.false_passes_auto += u32::from(decide_blocks(case.share, without_warm_up(&tight)) == Some(true));
        outcome.effects.push(effect.upper);
        let (total, late) = sums(&roomy);
        let effect = design_effect(&roomy);
        let passes = decide(case.share, effect, total, late) == Some(true);
        let enough = total / effect.upper >= least;
        outcome.passes_with_room += u32::from(passes);
        outcome.enough += u32::from(enough);
        outcome.passes_of_enough += u32::from(enough && passes);
        late_with_room = (late_with_room.0 + total, late_with_room.1 + late);
        effective_sizes.extend(enough.then_some(total / effect.upper));
    }
    let late_share = late_with_room.1 / late_with_room.0;
    let pass = |n: &f64| passes_if_independent(*n, late_share, case.share);
    outcome.passes_if_independent = effective_sizes.iter().map(pass).sum();
    outcome.effects.sort_by(f64::total_cmp);
    outcome
}

/// A hold as `warm_up: auto` judges it.
pub(crate) fn without_warm_up(blocks: &[Block]) -> &[Block] {
    let means: Vec<f64> = blocks.iter().map(|block| block.sum / block.answered.max(1.0)).collect();
    &blocks[warm_up(&means)..]
}

pub(crate) fn decide_blocks(share: f64, blocks: &[Block]) -> Option<bool> {
    let (total, late) = sums(blocks);
    decide(share, design_effect(blocks), total, late)
}

/// How often so many independent requests pass, each late with this probability.
fn passes_if_independent(n: f64, late_share: f64, share: f64) -> f64 {
    let passes = |late: u32| at_most_late(n, f64::from(late), share) <= 1.0 - CONFIDENCE;
    if !passes(0) {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^6")]
    let (mut most, mut too_many) = (0, n as u32 + 1);
    while too_many - most > 1 {
        let middle = u32::midpoint(most, too_many);
        if passes(middle) { most = middle } else { too_many = middle }
    }
    at_most_late(n, f64::from(most), 1.0 - late_share)
}

fn decide(share: f64, effect: DesignEffect, total: f64, late: f64) -> Option<bool> {
    EarlyStopping { share, confidence: CONFIDENCE, effect }.decide(total, late)
}

fn sums(blocks: &[Block]) -> (f64, f64) {
    (blocks.iter().map(|block| block.due).sum(), blocks.iter().map(|block| block.late).sum())
}

/// One run, held against the true percentile and against a limit with room.
fn measure(case: &Case, seed: u64) -> (Vec<Block>, Vec<Block>) {
    let mut running = Running::warm(case.queue, case.utilisation, seed);
    let began = running.next().0;
    let per_second = f64::from(case.hold.requests) / real(case.hold.seconds);
    let mut tight = vec![Block::default(); case.hold.seconds];
    let mut roomy = tight.clone();
    loop {
        let (at, took) = running.next();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times grow from 0")]
        let second = ((at - began) / per_second) as usize;
        let Some(block) = tight.get_mut(second) else { return (tight, roomy) };
        enter(block, took, case.limit);
        enter(&mut roomy[second], took, case.limit * ROOM);
    }
}

pub(crate) fn enter(block: &mut Block, took: f64, limit: f64) {
    block.due += 1.0;
    block.answered += 1.0;
    block.sum += took;
    block.squares += took * took;
    if took > limit {
        block.late += 1.0;
    }
}
