//! How each rule stands while the run goes: counts, folded as seconds close, and no verdict. What is judged at the end
//! is judged from the record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::slo::{samples_least, title};
use crate::evidence::{RunRecord, StepKind};
use crate::plan::window_ns;
use crate::scenario::{Bound, Scenario, Sli, Slo, Window};

/// How a rule stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StandingState {
    /// Nothing that it looks at has ended yet.
    NoSamples,
    /// What has ended so far keeps it, but is too little to pass on.
    TooFew,
    /// What has ended so far keeps it.
    Holding,
    /// What has ended so far breaks it.
    Breaking,
    /// Only the end of the run shows it.
    AtTheEnd,
}

/// One rule and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// The rule in words, as in the report.
    pub rule: String,
    /// How it stands.
    pub state: StandingState,
    /// What it has seen so far, in words: `12 of 840 late, 5 % allowed`.
    pub seen: String,
}

/// What one closed second of one step adds, of one shard.
#[derive(Debug, Clone, Copy)]
pub struct SecondCounts<'a> {
    /// Seconds from the start of the run.
    pub at: u32,
    /// Steps that were due.
    pub due: u64,
    /// Whole answers as expected.
    pub good: u64,
    /// Beyond each limit of the step, or never answered.
    pub late: &'a [u64],
}

/// Counts for every rule of a scenario.
#[derive(Debug)]
pub struct Standings(Vec<Counted>);

/// One rule and its counts.
#[derive(Debug)]
struct Counted {
    rule: String,
    /// The step it counts, and what of it; `None` where only the end shows it.
    counts: Option<(usize, What)>,
    /// Whole seconds from the start.
    window_s: (u64, u64),
    due: u64,
    /// Late, wrong or good, as the rule has it.
    hits: u64,
}

/// What a rule counts, and the bound.
#[derive(Debug, Clone, Copy)]
enum What {
    /// Late ones for a limit, by its index.
    Late { index: usize, share: f64, least: u64 },
    /// Those that went wrong.
    Wrong { max: f64 },
    /// Good ones, per second.
    Good { min: f64 },
}

impl Standings {
    /// No sample yet. `record` says which steps are timed, and when its stages are.
    pub fn new(scenario: &Scenario, record: &RunRecord) -> Self {
        let counted = |slo: &Slo| {
            let (from_ns, to_ns) = window_ns(&record.plan, &slo.during);
            // Later steps of a flow begin after the last arrival, and a rule on the whole run takes them too.
            let until_s = if slo.during == Window::Run { u64::MAX } else { to_ns / 1_000_000_000 };
            Counted {
                rule: title(slo, scenario),
                counts: what(slo, record),
                window_s: (from_ns.div_ceil(1_000_000_000), until_s),
                due: 0,
                hits: 0,
            }
        };
        Self(scenario.slos.iter().map(counted).collect())
    }

    /// Adds a second that was closed.
    pub fn add(&mut self, step: usize, second: &SecondCounts<'_>) {
        for rule in &mut self.0 {
            let Some((of, what)) = rule.counts else { continue };
            if of != step || !(rule.window_s.0..rule.window_s.1).contains(&u64::from(second.at)) {
                continue;
            }
            rule.due += second.due;
            rule.hits += match what {
                What::Late { index, .. } => second.late[index],
                What::Wrong { .. } => second.due - second.good.min(second.due),
                What::Good { .. } => second.good,
            };
        }
    }

    /// How every rule stands at a moment of the run, in the order of the scenario.
    pub fn at(&self, now_s: u64) -> Vec<Standing> {
        self.0.iter().map(|rule| rule.standing(now_s)).collect()
    }
}

impl Counted {
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    fn standing(&self, now_s: u64) -> Standing {
        let (due, hits) = (self.due as f64, self.hits as f64);
        let (state, seen) = match self.counts {
            None => (StandingState::AtTheEnd, String::new()),
            Some(_) if self.due == 0 => (StandingState::NoSamples, String::new()),
            Some((_, What::Late { share, least, .. })) => (
                state(hits > (1.0 - share) * due * (1.0 + 1e-9), self.due >= least),
                format!("{} of {} late, {} allowed", self.hits, self.due, percent(1.0 - share)),
            ),
            Some((_, What::Wrong { max })) => (
                state(hits > max * due * (1.0 + 1e-9), max <= 0.0 || due * max >= 1.0),
                format!("{} of {} wrong, {} allowed", self.hits, self.due, percent(max)),
            ),
            Some((_, What::Good { min })) => {
                let seconds = self.window_s.1.min(now_s).saturating_sub(self.window_s.0).max(1) as f64;
                let rate = hits / seconds;
                (state(rate < min, true), format!("{rate:.1}/s good, {min}/s asked"))
            }
        };
        Standing { rule: self.rule.clone(), state, seen }
    }
}

fn state(breaks: bool, enough: bool) -> StandingState {
    match (breaks, enough) {
        (true, _) => StandingState::Breaking,
        (false, true) => StandingState::Holding,
        (false, false) => StandingState::TooFew,
    }
}

fn percent(share: f64) -> String {
    let text = format!("{:.3}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What a rule counts of which step; `None` where counts of seconds do not show it.
fn what(slo: &Slo, record: &RunRecord) -> Option<(usize, What)> {
    let place =
        |kind: StepKind, name: &str| record.steps.iter().position(|step| step.kind == kind && step.name == name);
    let late = |step: usize, share: f64, limit: std::time::Duration| {
        let index = record.steps[step].limit_index(u64::try_from(limit.as_nanos()).ok()?)?;
        Some((step, What::Late { index, share, least: samples_least(share, slo.claim, slo.confidence) }))
    };
    match (&slo.sli, slo.bound) {
        (Sli::Latency(name), Bound::Percentile { share, limit }) => late(place(StepKind::Request, name)?, share, limit),
        (Sli::Job(flow), Bound::Percentile { share, limit }) => late(place(StepKind::Job, flow)?, share, limit),
        (Sli::Errors(name), Bound::Max(max)) => {
            let step = place(StepKind::Request, name).or_else(|| place(StepKind::Job, name))?;
            Some((step, What::Wrong { max }))
        }
        (Sli::Throughput(name), Bound::Min(min)) => Some((place(StepKind::Request, name)?, What::Good { min })),
        _ => None,
    }
}
