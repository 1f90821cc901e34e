//! The verdict on a profile, from what came of its checks.

use super::{Counts, Level, Outcome, ProfileResult};

/// A check as far as a verdict goes by it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted<'c> {
    pub(crate) id: &'c str,
    pub(crate) level: Level,
    pub(crate) outcome: Outcome,
}

/// How many came out which way.
pub(crate) fn count(checks: &[Counted<'_>]) -> Counts {
    let of = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    Counts {
        pass: of(Outcome::Pass),
        fail: of(Outcome::Fail),
        error: of(Outcome::Error),
        inconclusive: of(Outcome::Inconclusive),
        skip: of(Outcome::Skip),
    }
}

/// The verdict, and why in one sentence.
pub(crate) fn weigh(strict: bool, checks: &[Counted<'_>]) -> (ProfileResult, String) {
    let binding: Vec<Counted<'_>> = checks.iter().filter(|check| check.level.is_binding(strict)).copied().collect();
    let failed: Vec<&str> = ids(&binding, |outcome| outcome == Outcome::Fail);
    let open: Vec<&str> = ids(&binding, |outcome| !outcome.is_executed());
    let passed = binding.len() - failed.len() - open.len();
    if !failed.is_empty() {
        return (
            ProfileResult::Failure,
            format!("{} of {} binding checks failed: {}", failed.len(), binding.len(), listed(&failed)),
        );
    }
    if passed == 0 {
        return (ProfileResult::Partial, "no binding check was carried out, so nothing is proved".to_owned());
    }
    if !open.is_empty() {
        let reason = format!("{passed} of {} binding checks passed; not decided: {}", binding.len(), listed(&open));
        return (ProfileResult::Partial, reason);
    }
    (ProfileResult::Success, format!("all {passed} binding checks passed"))
}

fn ids<'c>(checks: &[Counted<'c>], pick: impl Fn(Outcome) -> bool) -> Vec<&'c str> {
    checks.iter().filter(|check| pick(check.outcome)).map(|check| check.id).collect()
}

/// A sentence stays readable with a few names in it.
fn listed(ids: &[&str]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown = ids[..ids.len().min(SHOWN_MAX)].join(", ");
    if ids.len() > SHOWN_MAX { format!("{shown} and {} more", ids.len() - SHOWN_MAX) } else { shown }
}
