//! Capacity search: which load to try next, and when enough is known. The highest load at which the rules hold lies
//! between one that passed and one that failed; each probe is a whole run, so few are made, and each tells as much as
//! it can: the bracket is halved on a logarithmic scale, the wider steps first.

use super::Verdict;

/// How the search goes about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchLimits {
    /// The load that is tried first, as a factor of the scenario's.
    pub start: f64,
    /// The largest load that may be tried.
    pub most: f64,
    /// The search ends once the answer is known to this share, 0.03 for ±3 %.
    pub within: f64,
    /// Most runs.
    pub probes: usize,
}

/// One run of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Its load, as a factor of the scenario's.
    pub factor: f64,
    /// What came of it.
    pub verdict: Verdict,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Run this load.
    Try(f64),
    /// The search is over.
    Done(Capacity),
}

/// What the search has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// The highest load that passed; `None` if none did.
    pub passes: Option<f64>,
    /// The lowest load above it that did not.
    pub fails: Option<f64>,
    /// Why it ended.
    pub end: SearchEnd,
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchEnd {
    /// The answer is known as closely as was asked.
    Found,
    /// Even the largest load passes.
    NoLimit,
    /// No more runs were allowed.
    OutOfProbes,
    /// A load could not be measured, twice: proofload itself is the limit there.
    Invalid,
    /// Even a hundredth of the first load does not pass.
    NothingPasses,
}

/// By which factor the load grows until something fails, and shrinks until something passes.
const GROWTH: f64 = 2.0;
/// The smallest load that is tried, as a share of the first.
const LEAST: f64 = 0.01;
/// How often a load is tried again that could not be measured.
const INVALID_MAX: usize = 2;
/// A run that does not decide is repeated this often before it counts as one that does not pass.
const UNDECIDED_MAX: usize = 2;

/// What to do after these runs.
///
/// A load counts as holding only if a run with it passed, so an INVALID one is never the answer. The rate that is
/// reported has passed itself: it is not read off a curve between others.
pub fn next(limits: &SearchLimits, probes: &[Probe]) -> Step {
    let passes =
        probes.iter().filter(|probe| probe.verdict == Verdict::Pass).map(|probe| probe.factor).reduce(f64::max);
    let fails = lowest_failed(probes, passes);
    let done = |end| Step::Done(Capacity { passes, fails, end });
    if let Some(again) = repeated(probes) {
        return if again.given_up {
            done(SearchEnd::Invalid)
        } else {
            or_out_of_probes(limits, probes, again.factor, done)
        };
    }
    match (passes, fails) {
        (Some(low), Some(high)) if high / low <= (1.0 + limits.within) / (1.0 - limits.within) => {
            done(SearchEnd::Found)
        }
        (Some(low), Some(high)) => or_out_of_probes(limits, probes, (low * high).sqrt(), done),
        (Some(low), None) if low >= limits.most => done(SearchEnd::NoLimit),
        (Some(low), None) => or_out_of_probes(limits, probes, (low * GROWTH).min(limits.most), done),
        (None, Some(high)) if high <= limits.start * LEAST => done(SearchEnd::NothingPasses),
        (None, Some(high)) => or_out_of_probes(limits, probes, high / GROWTH, done),
        (None, None) => or_out_of_probes(limits, probes, limits.start.min(limits.most), done),
    }
}

fn or_out_of_probes(limits: &SearchLimits, probes: &[Probe], factor: f64, done: impl Fn(SearchEnd) -> Step) -> Step {
    if probes.len() >= limits.probes { done(SearchEnd::OutOfProbes) } else { Step::Try(factor) }
}

/// The lowest load that failed, or did not decide often enough, and lies above every one that passed.
fn lowest_failed(probes: &[Probe], passes: Option<f64>) -> Option<f64> {
    let undecided = |factor: f64| times(probes, factor, Verdict::Inconclusive) >= UNDECIDED_MAX;
    let failed = probes.iter().filter(|probe| match probe.verdict {
        Verdict::Fail => true,
        Verdict::Inconclusive => undecided(probe.factor),
        Verdict::Pass | Verdict::Invalid => false,
    });
    failed.map(|probe| probe.factor).filter(|factor| passes.is_none_or(|passes| *factor > passes)).reduce(f64::min)
}

/// A load to be tried again.
struct Again {
    factor: f64,
    given_up: bool,
}

/// The last load, where it taught nothing: it could not be measured, or did not decide the first time.
fn repeated(probes: &[Probe]) -> Option<Again> {
    let last = probes.last()?;
    match last.verdict {
        Verdict::Invalid => {
            Some(Again { factor: last.factor, given_up: times(probes, last.factor, Verdict::Invalid) >= INVALID_MAX })
        }
        Verdict::Inconclusive if times(probes, last.factor, Verdict::Inconclusive) < UNDECIDED_MAX => {
            Some(Again { factor: last.factor, given_up: false })
        }
        _ => None,
    }
}

fn times(probes: &[Probe], factor: f64, verdict: Verdict) -> usize {
    // The same factor is the same number, never a computed one.
    probes.iter().filter(|probe| probe.verdict == verdict && probe.factor.total_cmp(&factor).is_eq()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SearchLimits = SearchLimits { start: 1.0, most: 1_000.0, within: 0.03, probes: 12 };

    /// Searches a system that passes up to a load, and fails above it.
    fn search(limits: &SearchLimits, verdict: impl Fn(f64, usize) -> Verdict) -> (Capacity, usize) {
        let mut probes: Vec<Probe> = Vec::new();
        loop {
            match next(limits, &probes) {
                Step::Try(factor) => {
                    let verdict = verdict(factor, probes.len());
                    probes.push(Probe { factor, verdict });
                }
                Step::Done(capacity) => return (capacity, probes.len()),
            }
        }
    }

    fn up_to(capacity: f64) -> impl Fn(f64, usize) -> Verdict {
        move |factor, _| if factor <= capacity { Verdict::Pass } else { Verdict::Fail }
    }

    #[test]
    fn every_capacity_is_found_to_three_percent_in_twelve_runs() {
        for hundredths in 20..3_000u32 {
            let capacity = f64::from(hundredths) / 100.0;
            let (found, probes) = search(&LIMITS, up_to(capacity));
            let passes = found.passes.unwrap();
            assert_eq!(found.end, SearchEnd::Found, "{capacity}: {found:?}");
            assert!(
                probes <= 12 && passes <= capacity && capacity / passes < 1.0619,
                "{capacity}: {found:?}, {probes}"
            );
        }
    }

    #[test]
    fn the_ends_of_a_search() {
        let end = |limits: &SearchLimits, capacity: f64| search(limits, up_to(capacity)).0.end;
        assert_eq!(end(&SearchLimits { most: 4.0, ..LIMITS }, 9.0), SearchEnd::NoLimit);
        assert_eq!(end(&LIMITS, 0.0), SearchEnd::NothingPasses);
        assert_eq!(end(&SearchLimits { probes: 3, ..LIMITS }, 2.5), SearchEnd::OutOfProbes);
        assert_eq!(end(&SearchLimits { probes: 0, ..LIMITS }, 2.5), SearchEnd::OutOfProbes);
    }

    #[test]
    fn what_could_not_be_measured_is_tried_again_and_never_reported() {
        let once = |factor: f64, probe: usize| match probe {
            1 => Verdict::Invalid,
            _ => up_to(3.0)(factor, probe),
        };
        let (found, _) = search(&LIMITS, once);
        assert_eq!(found.end, SearchEnd::Found);
        let beyond = |factor: f64, _: usize| if factor > 2.0 { Verdict::Invalid } else { Verdict::Pass };
        let (found, probes) = search(&LIMITS, beyond);
        assert_eq!((found.passes, found.fails, found.end, probes), (Some(2.0), None, SearchEnd::Invalid, 4));
    }

    #[test]
    fn what_does_not_decide_twice_does_not_pass() {
        let (found, _) = search(&LIMITS, |factor, _| if factor > 2.0 { Verdict::Inconclusive } else { Verdict::Pass });
        assert!(found.passes.unwrap() <= 2.0 && found.fails.unwrap() > 2.0, "{found:?}");
    }
}
