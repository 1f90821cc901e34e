//! The first screen: what failed, by how much, may I trust it?

use super::{prose, rows};
use crate::judge::{Finding, Outcome, Verdict};
use crate::report::look::look;
use crate::report::{Report, closing, figures, markdown, words};

/// Most rules named in the banner.
const NAMED_MAX: usize = 4;

pub(super) struct Banner {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) verdict: String,
    pub(super) scenario: String,
    pub(super) description: String,
    /// What such a verdict means, for those who meet it for the first time.
    pub(super) meaning: &'static str,
    pub(super) reason: String,
    /// `What failed, and by how much`.
    pub(super) question: &'static str,
    pub(super) named: Vec<Named>,
    /// `and 3 more`.
    pub(super) more: String,
    /// What the verdict does not cover; empty if it covers all.
    pub(super) not_judged: String,
    pub(super) trust: String,
    pub(super) load: String,
    pub(super) jobs: String,
    pub(super) scaling: String,
    /// Empty where no contract was looked at.
    pub(super) conformance: String,
    pub(super) when: String,
}

/// One rule in the banner.
pub(super) struct Named {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) title: String,
    /// `513 ms, 71 % over`, or why it is not decided.
    pub(super) measured: String,
}

pub(super) fn banner(report: &Report) -> Banner {
    let (outcome, question) = asked(report.verdict);
    let mut told: Vec<&Finding> = report.findings.iter().filter(|finding| finding.outcome == outcome).collect();
    if outcome == Outcome::Pass {
        told.sort_by(|a, b| room(a).total_cmp(&room(b)));
    }
    // What the reason is about comes first.
    told.sort_by_key(|finding| !report.reason.starts_with(&finding.title));
    let run = &report.run;
    let (class, sign) = look(outcome);
    Banner {
        class,
        sign,
        verdict: report.verdict.to_string(),
        scenario: words::clip(&run.scenario, 120),
        description: words::clip(&run.description, 400),
        meaning: meaning(report.verdict),
        reason: prose(&report.reason, 600),
        question,
        named: told.iter().take(NAMED_MAX).map(|finding| named(finding)).collect(),
        more: if told.len() > NAMED_MAX { format!("and {} more below", told.len() - NAMED_MAX) } else { String::new() },
        not_judged: not_judged(report),
        trust: trust(report),
        load: words::clip(&closing::load(report), 400),
        jobs: words::clip(&closing::jobs(report), 400),
        scaling: words::clip(&closing::scaling(report), 400),
        conformance: words::clip(&closing::conformance(report).unwrap_or_default(), 400),
        when: format!(
            "{} on {}, started {}, lasted {}",
            words::clip(&run.id, 120),
            words::clip(&run.environment, 80),
            words::moment(run.started_unix_ms),
            words::length(run.lasted_ms)
        ),
    }
}

/// The outcome that a verdict is about, and the question that a reader then has.
fn asked(verdict: Verdict) -> (Outcome, &'static str) {
    match verdict {
        Verdict::Pass => (Outcome::Pass, "What holds, nearest to its limit first"),
        Verdict::Fail => (Outcome::Fail, "What failed, and by how much"),
        Verdict::Inconclusive => (Outcome::Inconclusive, "What is not decided, and why"),
        Verdict::Invalid => (Outcome::Invalid, "Which instrument failed, and by how much"),
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Fit, by the rules of this scenario:",
        Verdict::Fail => "At least one rule is broken.",
        Verdict::Inconclusive => "Not enough was seen to decide.",
        Verdict::Invalid => "Nothing was learnt about the system, because the measurement itself failed.",
    }
}

fn trust(report: &Report) -> String {
    let trust = words::clip(&markdown::trust(report), 600);
    match rows::caution(report) {
        "" => trust,
        // The instruments that failed are named just above.
        caution if report.verdict == Verdict::Invalid => format!("No: {caution}"),
        caution => format!("{trust}. {caution}"),
    }
}

/// A verdict that leaves rules out has to say so where it is read.
fn not_judged(report: &Report) -> String {
    let left_out = report.findings.iter().filter(|finding| finding.outcome == Outcome::NotJudged);
    let titles: Vec<String> = left_out.map(|finding| words::clip(&finding.title, 120)).collect();
    match titles.len() {
        0 => String::new(),
        1 => format!("Not judged here: {}", titles[0]),
        more => format!("Not judged here: {} and {} more", titles[0], more - 1),
    }
}

/// Room to the limit, for sorting; rules without a figure, or with a limit of nothing, come last.
fn room(finding: &Finding) -> f64 {
    finding.figure.as_ref().and_then(figures::margin).unwrap_or(f64::MAX)
}

fn named(finding: &Finding) -> Named {
    let (class, sign) = look(finding.outcome);
    let measured = finding.figure.as_ref().filter(|_| finding.outcome != Outcome::Inconclusive).map(|figure| {
        let margin = figures::margin_of(finding).map_or_else(String::new, |margin| format!(", {margin}"));
        format!("measured {}{margin}", figures::value(figure))
    });
    Named {
        class,
        sign,
        title: words::clip(&finding.title, 200),
        measured: measured.unwrap_or_else(|| prose(&finding.message, 300)),
    }
}
