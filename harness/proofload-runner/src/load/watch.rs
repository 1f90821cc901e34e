//! What the rules count that may end a run early, open seconds included: a request is late the moment its limit passes.

use proofload_core::judge::{BurnCount, BurnRule, burn_rules};
use proofload_core::scenario::Scenario;

use super::recorder::Timed;
use super::second::OpenSecond;

/// The counts of all abort rules, in the order of the scenario.
#[derive(Default)]
pub(super) struct Watches(Vec<Watched>);

struct Watched {
    rule: BurnRule,
    /// Its step among those that are timed, and its limit among the step's.
    step: usize,
    limit: Option<usize>,
    /// What seconds that are closed have shown.
    closed: BurnCount,
}

impl Watches {
    pub(super) fn new(scenario: &Scenario, timed: &[&Timed]) -> Self {
        let watched = |rule: BurnRule| {
            let step = timed.iter().position(|timed| timed.kind == rule.kind && timed.name == rule.step)?;
            let limit = rule.limit_ns.and_then(|limit_ns| timed[step].limits_ns.iter().position(|it| *it == limit_ns));
            Some(Watched { rule, step, limit, closed: BurnCount::default() })
        };
        Self(burn_rules(scenario).into_iter().filter_map(watched).collect())
    }

    /// A second that will not change any more.
    pub(super) fn close(&mut self, step: usize, at: u32, second: &OpenSecond) {
        for watched in self.0.iter_mut().filter(|watched| watched.counts(step, at)) {
            add(&mut watched.closed, second.ended(watched.limit));
        }
    }

    /// What is known by now; `open` are the seconds of a step that may still change.
    pub(super) fn counts<'s, S>(&self, open: impl Fn(usize) -> S, now_ns: u64) -> Vec<BurnCount>
    where
        S: Iterator<Item = (u32, &'s OpenSecond)>,
    {
        let count = |watched: &Watched| {
            let mut sum = watched.closed;
            for (at, second) in open(watched.step).filter(|(at, _)| watched.counts(watched.step, *at)) {
                add(&mut sum, second.ended(watched.limit));
                // Whatever was due in this second has waited at least this long by now.
                let waited_ns = now_ns.saturating_sub((u64::from(at) + 1) * 1_000_000_000);
                if watched.rule.limit_ns.is_some_and(|limit_ns| waited_ns > limit_ns) {
                    add(&mut sum, BurnCount { known: second.pending, bad: second.pending });
                }
            }
            sum
        };
        self.0.iter().map(count).collect()
    }
}

impl Watched {
    fn counts(&self, step: usize, at: u32) -> bool {
        self.step == step && (self.rule.window_s.0..self.rule.window_s.1).contains(&at)
    }
}

fn add(sum: &mut BurnCount, more: BurnCount) {
    sum.known += more.known;
    sum.bad += more.bad;
}
