//! One JSON object per line on standard output, for programs that follow a run.

use std::io::Write;

use proofload_core::live::{Line, Said};
use proofload_runner::event::Event;

/// Says an event, if programs are told it.
pub(super) fn tell(event: &Event) {
    if let Some(said) = said(event) {
        say(said);
    }
}

/// Says one line. A reader that has gone must not end a run.
pub(crate) fn say(said: Said) {
    drop(writeln!(std::io::stdout(), "{}", Line::new(said).to_json()));
}

/// Where secrets lie and that a file was written are no news to a program.
fn said(event: &Event) -> Option<Said> {
    Some(match event.clone() {
        Event::Phase { phase } => Said::Phase { phase },
        Event::ProcessReady { name, address } => Said::ProcessReady { name, address },
        Event::SystemReady { name, url } => Said::SystemReady { name, url },
        Event::Progress(figures) => Said::Second(figures),
        Event::Scaled { target, from, to, reason } => Said::Scaled { target, from, to, reason },
        Event::Checked { system, profile, id, outcome, done, total } => {
            Said::Checked { system, profile, id, outcome, done, total }
        }
        Event::Warning { text } => Said::Warning { text },
        Event::Note { text } => Said::Note { text },
        _ => return None,
    })
}
