//! Expected failures at the edge: one clear message and the documented exit code, never a backtrace.

use std::io::Write;
use std::process::ExitCode;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use proofload_core::{Problem, Problems};
use proofload_runner::run::RunError;

/// Why a command ends without a verdict.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    /// The mistakes in a file, and its text, where a file is to blame.
    wrong: Option<(Problems, String)>,
}

/// Usage or an invalid file.
pub(crate) const USAGE: u8 = 2;
/// This machine cannot send what a plan asks for.
pub(crate) const UNFIT: u8 = 3;
/// proofload's own fault, or the machine's.
pub(crate) const INTERNAL: u8 = 70;
/// Ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;
/// So many mistakes are underlined; all are listed.
const UNDERLINED_MAX: usize = 3;
/// Widest that a picture gets, in columns.
const WIDTH: usize = 100;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), wrong: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL, message)
    }

    /// Mistakes in a file: a line for each, then the first few underlined.
    pub(crate) fn of_file(problems: &Problems, text: &str) -> Self {
        Self { code: USAGE, message: problems.to_string(), wrong: Some((problems.clone(), text.to_owned())) }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// What is wrong, without any picture.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Prints the message and gives the exit code.
    pub(crate) fn tell(&self, colour: bool) -> ExitCode {
        let mut stderr = std::io::stderr().lock();
        // Nothing can be told if standard error is closed.
        let _ = writeln!(stderr, "{}", self.message);
        if let Some((problems, text)) = &self.wrong {
            let _ = write!(stderr, "{}", pictures(problems, text, colour));
        }
        ExitCode::from(self.code)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::new(error.exit_code(), format!("error: {error}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::internal(format!("error: output cannot be written: {error}"))
    }
}

/// The first few mistakes, each with its line and the place underlined.
fn pictures(problems: &Problems, text: &str, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
    let mut told = String::new();
    for diagnostic in problems.0.iter().filter_map(|problem| picture(problem, text)).take(UNDERLINED_MAX) {
        told.push('\n');
        // Writing into a text cannot fail.
        let _ = handler.render_report(&mut told, diagnostic.as_ref());
    }
    told
}

/// The line in question with the place underlined.
fn picture(problem: &Problem, text: &str) -> Option<Report> {
    let line = usize::try_from(problem.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(problem.column).ok()?.saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(before..)?.lines().next().unwrap_or_default();
    let start: usize = rest.chars().take(column).map(char::len_utf8).sum();
    let word = rest.get(start..)?.find([' ', ',', ':', '}', ']']).unwrap_or(rest.len() - start).max(1);
    let label = LabeledSpan::at(before + start..(before + start + word).min(text.len()), "here");
    let mut diagnostic = MietteDiagnostic::new(&problem.message).with_label(label);
    if let Some(help) = &problem.help {
        diagnostic = diagnostic.with_help(help);
    }
    let source = NamedSource::new(&problem.file, text.to_owned());
    Some(Report::new(diagnostic).with_source_code(source))
}

#[cfg(test)]
mod tests {
    use proofload_core::scenario::Scenario;

    use super::*;

    const WRONG: &str = "apiVersion: proofload/v1\nkind: Scenario\nname: my demo\nsystem: shop\nflows:\n  f: [{ request: { name: get, method: GTE, path: /ö } }]\nworkloads:\n  w: { flow: g, executor: constant-arrival-rate, rate: 20/s, for: 30s }\n";

    fn told(colour: bool) -> String {
        pictures(&Scenario::parse("wrong.yaml", WRONG).unwrap_err(), WRONG, colour)
    }

    #[test]
    fn the_first_mistakes_are_underlined() {
        insta::assert_snapshot!(told(false));
    }

    #[test]
    fn colours_come_only_where_they_are_allowed() {
        assert!(told(true).contains('\u{1b}'));
        assert!(!told(false).contains('\u{1b}'));
    }
}
