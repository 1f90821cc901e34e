//! What a person or a program sees while a run goes: a live view on a terminal, plain lines elsewhere, one JSON object
//! per line for programs, or nothing.

mod json;
mod live;
mod plain;
mod state;
mod view;

use std::io::IsTerminal;

use proofload_runner::event::Event;

pub(crate) use json::say;

use crate::args::TellArgs;
use crate::commands::run::variable;
use live::LiveView;
use plain::PlainLines;

/// How a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Not at all.
    Quiet,
    /// One JSON object per line on standard output.
    Json,
    /// A view that is drawn over and over.
    Live,
    /// Lines, now and then.
    Plain,
}

/// What decides how a run is told, but for the options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    /// Standard error is a terminal.
    is_terminal: bool,
    /// `CI` is set: somebody reads a log later.
    is_ci: bool,
    /// A terminal that can only append.
    is_dumb: bool,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn here() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            is_ci: variable("CI").is_some_and(|value| !value.is_empty()),
            is_dumb: variable("TERM").is_some_and(|value| value == "dumb"),
        }
    }
}

impl Telling {
    /// `--json` wins: what follows a run by program would stumble over anything else.
    pub(crate) fn choose(asked: TellArgs, around: Surroundings) -> Self {
        match (asked.json, asked.quiet) {
            (true, _) => Telling::Json,
            (false, true) => Telling::Quiet,
            _ if around.is_terminal && !around.is_ci && !around.is_dumb => Telling::Live,
            _ => Telling::Plain,
        }
    }
}

/// Tells events as they come.
pub(crate) enum Progress {
    Quiet,
    Json,
    Live(LiveView),
    Plain(PlainLines),
}

impl Progress {
    /// For a run.
    pub(crate) fn new(telling: Telling, colour: bool) -> Self {
        match telling {
            Telling::Quiet => Progress::Quiet,
            Telling::Json => Progress::Json,
            Telling::Live => Progress::Live(LiveView::on_stderr(colour)),
            Telling::Plain => Progress::Plain(PlainLines::new()),
        }
    }

    /// For a stack that is held up until Ctrl-C: nothing of it changes from second to second.
    pub(crate) fn of_stack() -> Self {
        Progress::Plain(PlainLines::with_secrets())
    }

    pub(crate) fn on_event(&mut self, event: &Event) {
        match self {
            Progress::Quiet => {}
            Progress::Json => json::tell(event),
            Progress::Live(view) => view.on_event(event),
            Progress::Plain(lines) => lines.on_event(event),
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn finish(self) {
        if let Progress::Live(view) = self {
            view.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check((quiet, json): (bool, bool), (is_terminal, is_ci, is_dumb): (bool, bool, bool), expected: Telling) {
        let around = Surroundings { is_terminal, is_ci, is_dumb };
        assert_eq!(Telling::choose(TellArgs { quiet, json }, around), expected, "{quiet} {json} {around:?}");
    }

    #[test]
    fn a_run_is_told_as_asked_and_as_the_surroundings_bear() {
        check((false, false), (true, false, false), Telling::Live);
        check((false, false), (true, true, false), Telling::Plain);
        check((false, false), (true, false, true), Telling::Plain);
        check((false, false), (false, false, false), Telling::Plain);
        check((true, false), (true, false, false), Telling::Quiet);
        check((false, true), (true, false, false), Telling::Json);
        check((true, true), (false, false, false), Telling::Json);
    }
}
