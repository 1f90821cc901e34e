//! Plain lines on standard error: for logs, pipes and terminals that can only append.

use std::io::Write;

use proofload_core::judge::StandingState;
use proofload_runner::event::{Event, Progress as Figures};

use super::state::{Checks, State, announcement, word};

/// One line of figures in so many seconds.
const EVERY_S: u64 = 5;

/// Tells events in lines.
pub(crate) struct PlainLines {
    state: State,
    /// Whoever holds a stack up by hand needs its secrets to talk to it; a run does not.
    tells_secrets: bool,
    /// The second of the last line of figures.
    told_s: u64,
}

impl PlainLines {
    pub(super) fn new() -> Self {
        Self { state: State::default(), tells_secrets: false, told_s: 0 }
    }

    pub(super) fn with_secrets() -> Self {
        Self { tells_secrets: true, ..Self::new() }
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        self.state.fold(event);
        match event {
            Event::Phase { phase } => line(&format!("{}…", word(*phase))),
            Event::SecretReady { name, path } if self.tells_secrets => {
                line(&format!("  secret {name} is in {}", path.display()));
            }
            // A busy machine may skip the second in question; the next one then has the line.
            Event::Progress(figures) if figures.at_s / EVERY_S > self.told_s / EVERY_S => {
                self.told_s = figures.at_s;
                line(&describe(self.state.phase.map_or("", word), figures));
            }
            event => {
                let checks = self.state.checks.as_ref().filter(|_| matches!(event, Event::Checked { .. }));
                for text in announcement(event).into_iter().chain(checks.and_then(quarter)) {
                    line(&text);
                }
            }
        }
    }
}

/// A line for each quarter of a contract's checks.
fn quarter(checks: &Checks) -> Option<String> {
    let Checks { contract, done, total } = checks;
    let quarters = |done: u64| done * 4 / total.max(&1);
    let is_quarter = quarters(*done) > quarters(done.saturating_sub(1));
    is_quarter.then(|| format!("conformance {contract}: {done} of {total} checks"))
}

/// A closed standard error must not end a run.
fn line(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// One line: phase, rate, in flight, percentiles, errors, jobs, queue, replicas, rules, time left.
pub(super) fn describe(phase: &str, figures: &Figures) -> String {
    let left = figures.planned_s.saturating_sub(figures.at_s);
    let mut parts = vec![format!("{phase} {:>3} s", figures.at_s)];
    if !figures.stages.is_empty() {
        parts.push(figures.stages.join(" + "));
    }
    parts.push(format!("{}/s due, {}/s answered, {} in flight", figures.due, figures.answered, figures.in_flight));
    if let Some(times) = figures.response {
        parts.push(format!("p50 {:.0} ms, p95 {:.0} ms, p99 {:.0} ms", times.p50_ms, times.p95_ms, times.p99_ms));
    }
    if figures.errors > 0 {
        parts.push(format!("{} errors", figures.errors));
    }
    parts.push(format!("jobs {} open {} ended", figures.jobs_open, figures.jobs_ended));
    if let Some(queue) = figures.queue {
        parts.push(format!("queue {queue:.0}"));
    }
    if let Some(replicas) = figures.replicas {
        parts.push(format!("replicas {}/{}", replicas.ready, replicas.wanted));
    }
    parts.extend(
        figures
            .rules
            .iter()
            .filter(|rule| rule.state == StandingState::Breaking)
            .map(|rule| format!("BREAKING {} ({})", rule.rule, rule.seen)),
    );
    if left > 0 {
        parts.push(format!("{left} s left"));
    }
    parts.join(" | ")
}
