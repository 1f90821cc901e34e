//! What a case is: its permanent name, why it exists, what it must fail on, and one function.

use futures::future::BoxFuture;
use proofload_core::conformance::{CheckInfo, Level, SkipReason};

use super::context::Context;

/// How a case ends when it does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The target does otherwise: expected and seen, in one sentence.
    Fail(String),
    /// The harness could not carry it out.
    Error(String),
    /// Nothing was proved, and why.
    Inconclusive(String),
    /// Not carried out, and why.
    Skip(SkipReason, String),
}

/// What a step of a case gives; `?` ends the case.
pub(super) type CaseResult<T = ()> = Result<T, Stop>;

/// The body of a case.
pub(super) type Run = for<'c> fn(&'c Context) -> BoxFuture<'c, CaseResult>;

/// One case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    /// What is known before anything is sent. Its area fills in the feature.
    pub(super) info: CheckInfo,
    /// The body.
    pub(super) run: Run,
}

/// A case that binds.
pub(super) const fn must(id: &'static str, sentence: &'static str, run: Run) -> Case {
    case(Level::Must, id, sentence, run)
}

/// A case that counts only when the caller is strict.
pub(super) const fn should(id: &'static str, sentence: &'static str, run: Run) -> Case {
    case(Level::Should, id, sentence, run)
}

const fn case(level: Level, id: &'static str, sentence: &'static str, run: Run) -> Case {
    Case { info: CheckInfo { id, level, sentence, source: "", feature: "", defects: &[] }, run }
}

impl Case {
    /// Where the sentence comes from.
    pub(super) const fn source(mut self, source: &'static str) -> Self {
        self.info.source = source;
        self
    }

    /// The named defects of the reference stack on which it must fail.
    pub(super) const fn fails_on(mut self, defects: &'static [&'static str]) -> Self {
        self.info.defects = defects;
        self
    }
}

/// Ends the case unless `holds`.
pub(super) fn ensure(holds: bool, expected: &str, seen: impl std::fmt::Display) -> CaseResult {
    if holds { Ok(()) } else { Err(unexpected(expected, seen)) }
}

/// A failure in the one form all have.
pub(super) fn unexpected(expected: &str, seen: impl std::fmt::Display) -> Stop {
    Stop::Fail(format!("expected {expected}, saw {seen}"))
}
