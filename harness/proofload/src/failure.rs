//! Expected failures at the edge: one clear message and the documented exit code, never a backtrace.

use std::io::Write;
use std::process::ExitCode;

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use proofload_core::{Problem, Problems};
use proofload_runner::run::RunError;

/// Why a command ends without a verdict.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    /// The underlined places, where a file is to blame.
    picture: Option<String>,
}

/// Usage or an invalid file.
pub(crate) const USAGE: u8 = 2;
/// proofload's own fault, or the machine's.
pub(crate) const INTERNAL: u8 = 70;
/// Ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), picture: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL, message)
    }

    /// Mistakes in a file: a line for each, then the first one underlined.
    pub(crate) fn of_file(problems: &Problems, text: &str) -> Self {
        let picture = problems.0.first().and_then(|problem| picture(problem, text));
        Self { code: USAGE, message: problems.to_string(), picture }
    }

    /// Prints the message and gives the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        let mut stderr = std::io::stderr().lock();
        // Nothing can be told if standard error is closed.
        let _ = writeln!(stderr, "{}", self.message);
        if let Some(picture) = &self.picture {
            let _ = writeln!(stderr, "{picture}");
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

/// The line in question with the place underlined.
fn picture(problem: &Problem, text: &str) -> Option<String> {
    let line = usize::try_from(problem.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(problem.column).ok()?.saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(before..)?.lines().next()?;
    let start: usize = rest.chars().take(column).map(char::len_utf8).sum();
    let word = rest.get(start..)?.find([' ', ',', ':', '}', ']']).unwrap_or(rest.len() - start).max(1);
    let label = LabeledSpan::at(before + start..before + start + word, "here");
    let mut diagnostic = MietteDiagnostic::new(&problem.message).with_label(label);
    if let Some(help) = &problem.help {
        diagnostic = diagnostic.with_help(help);
    }
    let source = NamedSource::new(&problem.file, text.to_owned());
    Some(format!("{:?}", Report::new(diagnostic).with_source_code(source)))
}
