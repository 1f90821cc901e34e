//! What is known of a run while it goes: a fold of its events.

use std::collections::VecDeque;

use proofload_core::conformance::Outcome;
use proofload_runner::event::{Event, Phase, Progress as Figures};

/// So many seconds of p95 are kept for the sparkline.
pub(super) const HISTORY_MAX: usize = 60;

/// What a view needs to draw.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// What the run is doing.
    pub(super) phase: Option<Phase>,
    /// The last second.
    pub(super) figures: Option<Figures>,
    /// How far the contract that is looked at has come.
    pub(super) checks: Option<Checks>,
    /// p95 of response time, ms, a second each; `None` where nothing was answered.
    pub(super) p95_ms: VecDeque<Option<f64>>,
    /// How many warnings there were, and the last.
    pub(super) warnings: u64,
    pub(super) last_warning: Option<String>,
}

/// How far the checks of a contract have come.
#[derive(Debug, Clone)]
pub(super) struct Checks {
    /// `fish`, and of which system where that is not the name of the contract.
    pub(super) contract: String,
    pub(super) done: u64,
    pub(super) total: u64,
}

impl State {
    /// Takes in an event.
    pub(super) fn fold(&mut self, event: &Event) {
        match event {
            Event::Phase { phase } => self.phase = Some(*phase),
            Event::Progress(figures) => {
                self.p95_ms.push_back(figures.response.map(|times| times.p95_ms));
                if self.p95_ms.len() > HISTORY_MAX {
                    self.p95_ms.pop_front();
                }
                self.figures = Some(figures.clone());
            }
            Event::Checked { system, profile, done, total, .. } => {
                let contract = contract(system, profile.name());
                self.checks = Some(Checks { contract, done: *done, total: *total });
            }
            Event::Warning { text } => {
                self.warnings += 1;
                self.last_warning = Some(text.clone());
            }
            _ => {}
        }
    }
}

fn contract(system: &str, profile: &str) -> String {
    if system == profile { profile.to_owned() } else { format!("{profile} of {system}") }
}

/// What an event is to the scrollback, if anything.
pub(super) fn announcement(event: &Event) -> Option<String> {
    Some(match event {
        Event::ProcessReady { name, address } => format!("  {name} is ready at {address}"),
        Event::SystemReady { name, url } => format!("{name}: {url}"),
        Event::Scaled { target, from, to, .. } => format!("  {target}: {from} → {to} replicas"),
        // What it saw came over the wire and is told in the reports.
        Event::Checked { id, outcome, .. } if !matches!(outcome, Outcome::Pass | Outcome::Skip) => {
            format!("  {id}: {}", outcome.word())
        }
        Event::Note { text } => format!("  {text}"),
        Event::Warning { text } => format!("  warning: {text}"),
        _ => return None,
    })
}

/// A phase in words.
pub(super) fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Calibrating => "calibrating",
        Phase::Starting => "starting",
        Phase::Holding => "running; Ctrl-C ends it",
        Phase::Load => "load",
        Phase::Drain => "waiting for jobs and autoscaler",
        Phase::Conformance => "conformance",
        Phase::Stopping => "stopping",
    }
}
