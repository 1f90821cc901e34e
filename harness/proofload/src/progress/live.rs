//! The live view on a terminal: drawn in place below the scrollback, and gone without a trace when the run ends.
//! Neither the alternate screen nor raw mode is used, so nothing has to be restored after Ctrl-C.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use proofload_runner::event::Event;

use super::state::{State, announcement};
use super::view::{Canvas, lines};

/// Most times a second that the terminal is written to.
const DRAWS_PER_SECOND: u8 = 10;

/// A view that is drawn over and over.
pub(crate) struct LiveView {
    bar: ProgressBar,
    state: State,
    colour: bool,
    /// Columns and lines of the terminal; it may change its size.
    size: fn() -> (usize, usize),
}

impl LiveView {
    pub(super) fn on_stderr(colour: bool) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        Self::new(target, colour, || {
            let (height, width) = console::Term::stderr().size();
            (width.into(), height.into())
        })
    }

    fn new(target: ProgressDrawTarget, colour: bool, size: fn() -> (usize, usize)) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template names a known key"));
        Self { bar, state: State::default(), colour, size }
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        self.state.fold(event);
        if let Some(text) = announcement(event) {
            self.bar.println(text);
        }
        let (width, height) = (self.size)();
        // The last column stays free: some terminals wrap a line that fills it.
        let canvas = Canvas { width: width.saturating_sub(1).max(1), height, colour: self.colour };
        self.bar.set_message(lines(&self.state, canvas).join("\n"));
        self.bar.tick();
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests;
