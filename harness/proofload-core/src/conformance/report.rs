//! The report: what was asked, what was seen, and the verdict that follows from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::verdict::{Counted, count, weigh};
use super::{Level, Outcome, ProfileResult, SkipReason};

/// A judged conformance run, as `conformance.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConformanceReport {
    /// [`crate::API_VERSION`].
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Always `ConformanceReport`.
    pub kind: String,
    /// What was asked of whom.
    #[serde(rename = "run")]
    pub heading: Heading,
    /// The verdict.
    pub result: ProfileResult,
    /// The exit code that says the same.
    pub exit_code: u8,
    /// Why, in one sentence.
    pub reason: String,
    /// How many checks came out which way.
    pub counts: Counts,
    /// Every check of the profile, in the order of its list.
    pub checks: Vec<CheckResult>,
}

/// What was asked of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// Version of the checks.
    pub suite_version: String,
    /// The profile's name.
    pub profile: String,
    /// The base address, without credentials.
    pub target: String,
    /// When, RFC 3339; as the caller gave it.
    pub date: String,
    /// Whether a failed SHOULD counts.
    pub strict: bool,
    /// The id prefixes asked for; none means all.
    pub selected: Vec<String>,
}

/// How many checks came out which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the number of checks with the outcome of that name")]
pub struct Counts {
    pub pass: usize,
    pub fail: usize,
    pub error: usize,
    pub inconclusive: usize,
    pub skip: usize,
}

/// One check and its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckResult {
    /// The check's permanent name.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// What a conformant target does.
    pub sentence: String,
    /// Where that is written.
    pub source: String,
    /// The part of the contract it belongs to.
    pub feature: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was not carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<SkipReason>,
    /// What was expected and what was seen, in one sentence; empty when it passed.
    pub message: String,
    /// One line that repeats the deciding request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repro: Option<String>,
    /// The last requests and their answers, redacted.
    pub exchanges: Vec<Exchange>,
}

/// One request and its answer, redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method and path.
    pub request: String,
    /// The status; none when there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The start of the answer's body, or why there was none.
    pub answer: String,
}

impl ConformanceReport {
    /// Judges results.
    pub fn new(heading: Heading, checks: Vec<CheckResult>) -> Self {
        let counted: Vec<Counted<'_>> = checks.iter().map(CheckResult::counted).collect();
        let (result, reason) = weigh(heading.strict, &counted);
        let counts = count(&counted);
        Self {
            api_version: crate::API_VERSION.to_owned(),
            kind: "ConformanceReport".to_owned(),
            heading,
            result,
            exit_code: result.exit_code(),
            reason,
            counts,
            checks,
        }
    }

    /// 0 conformant, 1 non-conformant, 4 partial.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl Counts {
    /// How many were carried out and decided.
    pub fn executed(&self) -> usize {
        self.pass + self.fail
    }

    /// `71 checks: 69 pass, 1 fail, 1 skip`.
    pub fn told(&self) -> String {
        let all = [
            ("pass", self.pass),
            ("fail", self.fail),
            ("error", self.error),
            ("inconclusive", self.inconclusive),
            ("skip", self.skip),
        ];
        let parts = all.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}"));
        let parts = parts.collect::<Vec<_>>().join(", ");
        match all.iter().map(|(_, count)| count).sum::<usize>() {
            0 => "no check".to_owned(),
            1 => format!("1 check: {parts}"),
            sum => format!("{sum} checks: {parts}"),
        }
    }
}

impl CheckResult {
    fn counted(&self) -> Counted<'_> {
        Counted { id: &self.id, level: self.level, outcome: self.outcome }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::conformance) fn heading(strict: bool) -> Heading {
        Heading {
            suite_version: "0.1.0".to_owned(),
            profile: "fish".to_owned(),
            target: "http://127.0.0.1:8080/".to_owned(),
            date: "2026-11-21T10:00:00Z".to_owned(),
            strict,
            selected: Vec::new(),
        }
    }

    pub(in crate::conformance) fn result(id: &str, level: Level, outcome: Outcome) -> CheckResult {
        CheckResult {
            id: id.to_owned(),
            level,
            sentence: "An unknown path is answered with 404.".to_owned(),
            source: "RFC 9110 §15.5.5".to_owned(),
            feature: "http".to_owned(),
            outcome,
            skip_reason: (outcome == Outcome::Skip).then_some(SkipReason::Unsupported),
            message: if outcome == Outcome::Pass { String::new() } else { "expected status 404, saw 200".to_owned() },
            repro: Some("curl -sS -i 'http://127.0.0.1:8080/nowhere'".to_owned()),
            exchanges: vec![Exchange {
                request: "GET /nowhere".to_owned(),
                status: Some(200),
                answer: "<b>hello & welcome</b>".to_owned(),
            }],
        }
    }

    fn check(strict: bool, outcomes: &[(Level, Outcome)], expected: ProfileResult, reason: &str) {
        let checks =
            outcomes.iter().enumerate().map(|(at, &(level, outcome))| result(&format!("a.b.c{at}"), level, outcome));
        let report = ConformanceReport::new(heading(strict), checks.collect());
        assert_eq!((report.result, report.reason.as_str()), (expected, reason));
        assert_eq!(report.exit_code(), expected.exit_code());
    }

    use Level::{May, Must, Should};
    use Outcome::{Error, Fail, Inconclusive, Pass, Skip};
    use ProfileResult::{Failure, Partial, Success};

    #[test]
    fn a_failed_must_fails_the_profile_whatever_else_is_open() {
        check(false, &[(Must, Pass), (Must, Fail), (Must, Skip)], Failure, "1 of 3 binding checks failed: a.b.c1");
        check(
            false,
            &[(Must, Fail); 7],
            Failure,
            "7 of 7 binding checks failed: a.b.c0, a.b.c1, a.b.c2, a.b.c3, a.b.c4 and 2 more",
        );
    }

    #[test]
    fn an_undecided_must_makes_it_partial() {
        for open in [Skip, Inconclusive, Error] {
            check(false, &[(Must, Pass), (Must, open)], Partial, "1 of 2 binding checks passed; not decided: a.b.c1");
        }
    }

    #[test]
    fn nothing_carried_out_is_never_success() {
        let reason = "no binding check was carried out, so nothing is proved";
        check(false, &[], Partial, reason);
        check(false, &[(Must, Skip), (Must, Error)], Partial, reason);
        check(false, &[(May, Pass)], Partial, reason);
    }

    #[test]
    fn a_should_counts_only_when_strict_and_a_may_never() {
        let mixed = [(Must, Pass), (Should, Fail), (May, Fail)];
        check(false, &mixed, Success, "all 1 binding checks passed");
        check(true, &mixed, Failure, "1 of 2 binding checks failed: a.b.c1");
        check(true, &[(Must, Pass), (Should, Skip)], Partial, "1 of 2 binding checks passed; not decided: a.b.c1");
    }
}
