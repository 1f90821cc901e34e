//! What a person sees while a run goes: a live line on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use proofload_runner::event::{Event, Phase, Progress as Figures};

/// Without a terminal, one line in so many seconds.
const PLAIN_EVERY_S: u64 = 5;

/// Tells events as they come.
pub(crate) struct Progress {
    quiet: bool,
    /// Whoever holds a stack up by hand needs its secrets to talk to it; a run does not.
    tells_secrets: bool,
    bar: Option<ProgressBar>,
    phase: &'static str,
    /// The second of the last plain line.
    told_s: u64,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            let style =
                ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { quiet, tells_secrets: false, bar, phase: "starting", told_s: 0 }
    }

    /// For a stack that is held up until Ctrl-C.
    pub(crate) fn of_stack() -> Self {
        Self { tells_secrets: true, ..Self::new(false) }
    }

    pub(crate) fn on_event(&mut self, event: &Event) {
        if self.quiet {
            return;
        }
        match event {
            Event::Phase { phase } => {
                self.phase = word(*phase);
                self.line(&format!("{}…", self.phase));
            }
            Event::ProcessReady { name, address } => self.line(&format!("  {name} is ready at {address}")),
            Event::SecretReady { name, path } if self.tells_secrets => {
                self.line(&format!("  secret {name} is in {}", path.display()));
            }
            Event::SystemReady { name, url } => self.line(&format!("{name}: {url}")),
            Event::Scaled { target, from, to, .. } => self.line(&format!("  {target}: {from} → {to} replicas")),
            Event::Note { text } => self.line(&format!("  {text}")),
            Event::Warning { text } => self.line(&format!("  warning: {text}")),
            Event::Progress(figures) => self.figures(figures),
            _ => {}
        }
    }

    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn figures(&mut self, figures: &Figures) {
        let text = describe(self.phase, figures);
        match &self.bar {
            Some(bar) => bar.set_message(text),
            // A busy machine may skip the second in question; the next one then has the line.
            None if figures.at_s / PLAIN_EVERY_S > self.told_s / PLAIN_EVERY_S => {
                self.told_s = figures.at_s;
                self.line(&text);
            }
            None => {}
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // A closed standard error must not end a run.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Calibrating => "calibrating",
        Phase::Starting => "starting",
        Phase::Holding => "running; Ctrl-C ends it",
        Phase::Load => "load",
        Phase::Drain => "waiting for jobs and autoscaler",
        Phase::Stopping => "stopping",
    }
}

/// One line: phase, rate, in flight, p95, errors, jobs, queue, replicas, time left.
fn describe(phase: &str, figures: &Figures) -> String {
    let left = figures.planned_s.saturating_sub(figures.at_s);
    let mut parts = vec![format!("{phase} {:>3} s", figures.at_s)];
    if !figures.stages.is_empty() {
        parts.push(figures.stages.join(" + "));
    }
    parts.push(format!("{}/s due, {}/s answered, {} in flight", figures.due, figures.answered, figures.in_flight));
    if let Some(p95) = figures.p95_ms {
        parts.push(format!("p95 {p95:.0} ms"));
    }
    if figures.errors > 0 {
        parts.push(format!("{} errors", figures.errors));
    }
    parts.push(format!("jobs {} open {} ended", figures.jobs_open, figures.jobs_ended));
    if let Some(queue) = figures.queue {
        parts.push(format!("queue {queue:.0}"));
    }
    if let Some((ready, wanted)) = figures.replicas {
        parts.push(format!("replicas {ready}/{wanted}"));
    }
    if left > 0 {
        parts.push(format!("{left} s left"));
    }
    parts.join(" | ")
}
