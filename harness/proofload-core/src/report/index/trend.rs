//! The value of one rule over the runs of a scenario, as a small drawing with its limit.

use super::{IndexedRun, Rule};
use crate::report::figures;
use crate::report::look::look;
use crate::report::words;

/// The drawing, in its own units.
const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 48.0;
/// Room around the line, so that a dot at its end is whole.
const EDGE: f64 = 5.0;
/// Most values that are told in words.
const TOLD_MAX: usize = 10;
/// Most rules that are drawn for a scenario.
const TRENDS_MAX: usize = 200;

/// One rule over the runs.
pub(super) struct Trend {
    pub(super) title: String,
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) outcome: String,
    /// The newest value and its limit.
    pub(super) newest: String,
    pub(super) limit: String,
    /// The last values, oldest first.
    pub(super) told: String,
    /// For readers who do not see the drawing.
    pub(super) summary: String,
    /// Paths of the line and of its limit; empty where there is nothing to draw.
    pub(super) line: String,
    pub(super) limit_line: String,
    pub(super) dots: Vec<Dot>,
}

/// One run.
pub(super) struct Dot {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// A rule as one run judged it.
struct Judged<'r> {
    run: &'r IndexedRun,
    rule: &'r Rule,
}

/// Every rule of these runs (newest first), in the order of the newest run that has it.
pub(super) fn trends(runs: &[IndexedRun]) -> Vec<Trend> {
    let mut ids: Vec<&str> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for rule in runs.iter().flat_map(|run| &run.rules) {
        if known.insert(rule.id.as_str()) {
            ids.push(&rule.id);
        }
    }
    ids.truncate(TRENDS_MAX);
    ids.into_iter().filter_map(|id| trend(id, runs)).collect()
}

fn trend(id: &str, runs: &[IndexedRun]) -> Option<Trend> {
    let judged = |run: &'_ IndexedRun| run.rules.iter().position(|rule| rule.id == id);
    // Oldest first, as time runs; where instruments failed only facts are worth following.
    let all: Vec<Judged<'_>> =
        runs.iter().rev().filter_map(|run| Some(Judged { run, rule: &run.rules[judged(run)?] })).collect();
    let newest = all.last()?;
    let drawn: Vec<&Judged<'_>> = all.iter().filter(|it| it.rule.is_fact || !it.run.is_void).collect();
    let (class, sign) = look(newest.rule.outcome);
    let told: Vec<String> = drawn.iter().map(|it| figures::value(&it.rule.figure)).collect();
    let told = told[told.len().saturating_sub(TOLD_MAX)..].join(", ");
    let void = all.len() - drawn.len();
    let void = if void == 0 { String::new() } else { format!("; {void} void, for proofload’s instruments failed") };
    let limit = figures::limit(&newest.rule.figure);
    let place = Place::of(&drawn);
    Some(Trend {
        title: newest.rule.title.clone(),
        class,
        sign,
        outcome: newest.rule.outcome.to_string(),
        newest: figures::value(&newest.rule.figure),
        summary: format!("{}, limit {limit}: {told}{void}", newest.rule.title),
        told: format!("{told}{void}"),
        limit,
        line: place.path(drawn.iter().map(|it| it.rule.figure.value)),
        limit_line: place.limits(&drawn),
        dots: drawn.iter().enumerate().filter_map(|(at, it)| place.dot(at, it)).collect(),
    })
}

/// Where runs and values stand in the drawing.
struct Place {
    runs: usize,
    high: f64,
}

impl Place {
    fn of(drawn: &[&Judged<'_>]) -> Self {
        let values = drawn.iter().flat_map(|it| it.rule.figure.value.into_iter().chain([it.rule.figure.limit]));
        let high = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self { runs: drawn.len(), high: if high > 0.0 { high } else { 1.0 } }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most a hundred runs are drawn")]
    fn x(&self, at: usize) -> f64 {
        let share = if self.runs > 1 { at as f64 / (self.runs - 1) as f64 } else { 0.5 };
        EDGE + share * (WIDTH - 2.0 * EDGE)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - EDGE - (value / self.high).clamp(0.0, 1.0) * (HEIGHT - 2.0 * EDGE)
    }

    /// A line through what is there; it begins anew after a run without a value.
    fn path(&self, values: impl Iterator<Item = Option<f64>>) -> String {
        let mut pen = 'M';
        let mut step = |(at, value): (usize, Option<f64>)| {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                pen = 'M';
                return String::new();
            };
            let drawn = format!("{pen}{:.1} {:.1}", self.x(at), self.y(value));
            pen = 'L';
            drawn
        };
        values.enumerate().map(&mut step).collect()
    }

    /// A single run still shows its limit across the drawing.
    fn limits(&self, drawn: &[&Judged<'_>]) -> String {
        let Some(first) = drawn.first().filter(|it| it.rule.figure.limit.is_finite()) else { return String::new() };
        if self.runs == 1 {
            return format!("M{EDGE} {:.1}H{}", self.y(first.rule.figure.limit), WIDTH - EDGE);
        }
        self.path(drawn.iter().map(|it| Some(it.rule.figure.limit)))
    }

    fn dot(&self, at: usize, judged: &Judged<'_>) -> Option<Dot> {
        let figure = &judged.rule.figure;
        let value = figure.value.filter(|value| value.is_finite())?;
        let when = words::moment(judged.run.run.started_unix_ms);
        let (class, _) = look(judged.rule.outcome);
        let (read, limit) = (figures::value(figure), figures::limit(figure));
        let title = format!("{when}: {read}, limit {limit}, {}", judged.rule.outcome);
        Some(Dot { x: format!("{:.1}", self.x(at)), y: format!("{:.1}", self.y(value)), class, title })
    }
}
