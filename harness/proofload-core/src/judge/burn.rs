//! When a rule that asks for it ends a run early. Burn rate: the share of bad ones as a multiple of what the rule
//! allows (Google, The Site Reliability Workbook, chapter 5). Both a long window and a short one, a twelfth of it, must
//! burn too fast: the long one so that a hiccup ends nothing, the short one so that what is over ends nothing either.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::slo::title;
use super::statistics::at_least_late;
use crate::evidence::{Aborted, StepKind};
use crate::scenario::{Bound, Scenario, Sli, Window};

/// The long window; before it has passed, all there is.
const LONG_MS: u64 = 60_000;
/// The short window.
const SHORT_MS: u64 = LONG_MS / 12;
/// A rule is plainly broken where both windows burn so many times what it allows.
const BURN: f64 = 2.0;
/// So improbable must the bad ones of the long window be for a system that keeps the rule.
const DOUBT: f64 = 0.001;
/// Ticks come more often; figures this far apart are enough.
const STEP_MS: u64 = 200;

/// What an abort rule counts, by the second of the intended start.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnRule {
    /// The rule, by its place in the scenario.
    pub slo: usize,
    /// What is timed.
    pub kind: StepKind,
    /// Its name.
    pub step: String,
    /// Later than this is bad, ns; `None` where wrong and missing answers are.
    pub limit_ns: Option<u64>,
    /// First second that counts, and the first that does not any more.
    pub window_s: (u32, u32),
    /// The share of bad ones that is allowed.
    allowed: f64,
}

/// How many are known to be good or bad so far, and how many of these are bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurnCount {
    /// Ended, or late already.
    pub known: u64,
    /// Late, wrong or missing.
    pub bad: u64,
}

/// Watches the rules that may end a run.
#[derive(Debug)]
pub struct Burn {
    rules: Vec<(BurnRule, String)>,
    /// Counts of every rule at moments of the last long window, oldest first.
    seen: VecDeque<(u64, Vec<BurnCount>)>,
}

/// The rules of a scenario that may end its run.
pub fn burn_rules(scenario: &Scenario) -> Vec<BurnRule> {
    let rules = scenario.slos.iter().enumerate().filter(|(_, slo)| slo.abort_on_fail);
    let rule = |(index, slo): (usize, &crate::scenario::Slo)| {
        let (step, limit_ns, allowed) = match (&slo.sli, slo.bound) {
            (Sli::Latency(step), Bound::Percentile { share, limit }) => {
                (step, Some(u64::try_from(limit.as_nanos()).ok()?), 1.0 - share)
            }
            (Sli::Errors(step), Bound::Max(max)) => (step, None, max),
            _ => return None,
        };
        let is_request = scenario.step_names().contains(&step.as_str());
        Some(BurnRule {
            slo: index,
            kind: if is_request { StepKind::Request } else { StepKind::Job },
            step: step.clone(),
            limit_ns,
            window_s: window_s(scenario, &slo.during),
            allowed,
        })
    };
    rules.filter_map(rule).collect()
}

/// The whole seconds of a stretch. Of a workload without a fixed end, all from its start.
fn window_s(scenario: &Scenario, window: &Window) -> (u32, u32) {
    let second = |at: Duration| u32::try_from(at.as_secs()).unwrap_or(u32::MAX);
    let up = |at: Duration| second(at + Duration::from_nanos(999_999_999));
    match window {
        Window::Run => (0, u32::MAX),
        Window::Span(from, to) => (up(*from), second(*to)),
        Window::Workload(workload) => (up(scenario.workloads[*workload].after), u32::MAX),
        Window::Stage(workload, stage) => {
            let workload = &scenario.workloads[*workload];
            let stretches = workload.stretches();
            let before: Duration = stretches[..*stage].iter().map(|stretch| stretch.duration).sum();
            let from = workload.after + before;
            (up(from), second(from + stretches[*stage].duration))
        }
    }
}

impl Burn {
    /// Watches the rules of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let named = |rule: BurnRule| {
            let title = title(&scenario.slos[rule.slo], scenario);
            (rule, title)
        };
        Self { rules: burn_rules(scenario).into_iter().map(named).collect(), seen: VecDeque::new() }
    }

    /// Takes in the counts of this moment, one per rule; says which rule is plainly broken, if one is.
    pub fn take(&mut self, at_ms: u64, counts: &[BurnCount]) -> Option<Aborted> {
        if counts.len() != self.rules.len() || self.seen.back().is_some_and(|(last, _)| at_ms < last + STEP_MS) {
            return None;
        }
        self.seen.push_back((at_ms, counts.to_vec()));
        // One moment older than the window stays, so that the window is whole.
        while self.seen.get(1).is_some_and(|(second, _)| second + LONG_MS <= at_ms) {
            self.seen.pop_front();
        }
        (0..self.rules.len()).find_map(|rule| self.broken(rule, at_ms))
    }

    fn broken(&self, index: usize, at_ms: u64) -> Option<Aborted> {
        let (rule, title) = &self.rules[index];
        let (long, short) = (self.within(index, at_ms, LONG_MS), self.within(index, at_ms, SHORT_MS));
        let (long_burn, short_burn) = (long.burn(rule.allowed)?, short.burn(rule.allowed)?);
        let plain = long_burn >= BURN && short_burn >= BURN && long.is_no_accident(rule.allowed);
        plain.then(|| Aborted {
            rule: title.clone(),
            at_ms,
            why: format!(
                "{} of the last {} were bad, {} of the last {} s; the run was ended early",
                long.bad,
                long.known,
                percent(short),
                SHORT_MS / 1000
            ),
        })
    }

    /// What became known within a window that ends now.
    fn within(&self, index: usize, at_ms: u64, window_ms: u64) -> BurnCount {
        let from = self.seen.iter().rev().find(|(at, _)| at + window_ms <= at_ms).or(self.seen.front());
        // Before the first window has passed, everything counts.
        let before =
            from.filter(|(at, _)| at + window_ms <= at_ms).map_or(BurnCount::default(), |(_, counts)| counts[index]);
        let now = self.seen.back().map_or(BurnCount::default(), |(_, counts)| counts[index]);
        BurnCount { known: now.known.saturating_sub(before.known), bad: now.bad.saturating_sub(before.bad) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
impl BurnCount {
    /// The share of bad ones as a multiple of the allowed; `None` where nothing is known.
    fn burn(self, allowed: f64) -> Option<f64> {
        (self.known > 0).then(|| self.bad as f64 / self.known as f64 / allowed.max(f64::MIN_POSITIVE))
    }

    /// Whether so many bad ones are improbable for a system that keeps the rule.
    fn is_no_accident(self, allowed: f64) -> bool {
        self.bad > 0 && at_least_late(self.known as f64, self.bad as f64, 1.0 - allowed) <= DOUBT
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn percent(count: BurnCount) -> String {
    format!("{:.1} %", count.bad as f64 / count.known.max(1) as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burn(rule: &str) -> Burn {
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: [{{ request: {{ name: get, path: / }} }}]\nworkloads:\n  w: {{ flow: f, executor: constant-arrival-rate, rate: 10/s, for: 5m }}\nslos: [{{ {rule}, abort_on_fail: true }}]\n"
        );
        Burn::new(&Scenario::parse("t.yaml", &text).expect("a good scenario"))
    }

    /// So many become known each second, of which this many are bad; when was the rule broken, s?
    fn broken_at(rule: &str, known: u64, seconds: u64, bad: impl Fn(u64) -> u64) -> Option<u64> {
        let mut burn = burn(rule);
        let mut sum = BurnCount::default();
        (0..seconds).find(|second| {
            sum.known += known;
            sum.bad += bad(*second);
            burn.take((second + 1) * 1000, &[sum]).is_some()
        })
    }

    #[test]
    fn a_rule_is_broken_by_both_windows() {
        let p95 = "sli: latency(get), p95: 300ms";
        assert_eq!(broken_at(p95, 100, 300, |_| 5), None, "exactly what is allowed");
        assert_eq!(broken_at(p95, 100, 300, |_| 9), None, "less than twice what is allowed");
        assert_eq!(broken_at(p95, 100, 300, |_| 50), Some(0), "plain at once");
        // After two good minutes, half late takes twelve seconds to fill a tenth of the long window, and one to exceed it.
        assert_eq!(broken_at(p95, 100, 300, |second| if second < 120 { 0 } else { 50 }), Some(132));
        // A hiccup of three seconds ends nothing.
        assert_eq!(broken_at(p95, 100, 300, |second| if (120..123).contains(&second) { 100 } else { 0 }), None);
        // What was bad and is over ends nothing: the short window is clean.
        let over = |second| u64::from(second == 0);
        assert_eq!(broken_at("sli: errors(get), max: 1%", 10, 300, over), None, "one of ten is no proof");
        assert_eq!(broken_at("sli: errors(get), max: 0%", 10, 300, over), Some(0), "none is allowed");
        assert_eq!(broken_at(p95, 0, 300, |_| 0), None, "nothing is known");
    }

    #[test]
    fn few_samples_are_no_proof() {
        assert_eq!(broken_at("sli: latency(get), p95: 300ms", 1, 2, |_| 1), None);
        assert_eq!(broken_at("sli: latency(get), p95: 300ms", 1, 9, |_| 1), Some(2));
    }

    #[test]
    fn windows_are_those_of_the_rule() {
        let window = |during: &str| {
            let burn = burn(&format!("sli: errors(get), max: 1%, during: {during}"));
            burn.rules[0].0.window_s
        };
        assert_eq!(window("500ms..9500ms"), (1, 9));
        assert_eq!(window("w"), (0, u32::MAX));
    }
}
