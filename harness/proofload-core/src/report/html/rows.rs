//! The tables of the page, as rows of texts.

use crate::evidence::{RunEnd, StepKind};
use crate::judge::{Finding, Group, Outcome, Signal, Verdict};
use crate::report::look::look;
use crate::report::{Quantiles, Report, StepSummary, figures, words};

/// Most rows of any table; the rest is in `report.json`.
pub(super) const ROWS_MAX: usize = 300;
/// Most kinds of errors named for one step.
const CLASSES_MAX: usize = 8;
/// What stands in an empty cell.
pub(super) const NOTHING: &str = "–";

/// A name and its value.
pub(super) struct Pair {
    pub(super) name: &'static str,
    pub(super) value: String,
}

pub(super) struct SignalRow {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) outcome: &'static str,
    pub(super) title: String,
    pub(super) value: String,
    pub(super) warn: String,
    pub(super) invalid: String,
}

pub(super) struct Rules {
    pub(super) rows: Vec<RuleRow>,
    pub(super) left_out: usize,
}

pub(super) struct RuleRow {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) outcome: String,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) value: String,
    pub(super) interval: String,
    pub(super) limit: String,
    pub(super) margin: String,
    pub(super) samples: String,
    pub(super) effect: String,
    pub(super) needed: String,
}

pub(super) struct Steps {
    pub(super) rows: Vec<StepRow>,
    pub(super) left_out: usize,
    /// `upload: 30 timed-out, 2 status 503`.
    pub(super) wrongs: Vec<String>,
}

pub(super) struct StepRow {
    pub(super) name: String,
    pub(super) kind: &'static str,
    /// Due, answered, wrong, broken, dropped, per second; p50, p95, p99 and max of response, then of service.
    pub(super) cells: Vec<Cell>,
}

/// A figure, and its interval in small; empty where none is given.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) interval: String,
}

/// p50, p95, p99 and the largest, as cells.
pub(super) fn cells_ms(all: Quantiles) -> Vec<String> {
    [all.p50, all.p95, all.p99, all.max].map(|ms| words::value(ms, "ms")).to_vec()
}

/// proofload's own signals: a table that lies open only where one of them says something.
pub(super) struct Signals {
    /// `all 17 signals that this machine gives are sound`.
    pub(super) told: String,
    pub(super) is_open: bool,
    pub(super) rows: Vec<SignalRow>,
}

pub(super) fn signals(report: &Report) -> Signals {
    let read = report.signals.iter().filter(|signal| signal.value.is_some());
    let told = read.clone().filter(|signal| signal.outcome() != Outcome::Pass).count();
    let (read, all) = (read.count(), report.signals.len());
    Signals {
        told: match told {
            0 if read == all => format!("All {all} signals of proofload itself are sound"),
            0 => {
                format!("All {read} signals of proofload itself that this machine gives are sound, of {all} there are")
            }
            _ => format!("{told} of {all} signals of proofload itself crossed a line"),
        },
        is_open: told > 0,
        rows: report.signals.iter().take(ROWS_MAX).map(signal).collect(),
    }
}

fn signal(signal: &Signal) -> SignalRow {
    let outcome = if signal.value.is_some() { signal.outcome() } else { Outcome::NotJudged };
    let (class, sign) = look(outcome);
    SignalRow {
        class,
        sign,
        outcome: match outcome {
            Outcome::Invalid => "INVALID",
            Outcome::Warning => "WARNING",
            Outcome::Pass => "sound",
            _ => "unknown",
        },
        title: words::clip(&signal.title, 200),
        value: match signal.value {
            Some(value) => words::value(value, &signal.unit),
            None => "the machine does not say".to_owned(),
        },
        warn: words::value(signal.warn_above, &signal.unit),
        invalid: signal.invalid_above.map_or("never".to_owned(), |line| words::value(line, &signal.unit)),
    }
}

pub(super) fn caution(report: &Report) -> &'static str {
    if !instruments_failed(report) {
        return "";
    }
    "proofload’s own instruments failed in this run, so no time or rate below says anything about the system. Counts \
     of jobs, and what the checks of a contract saw, are facts and stay true."
}

/// Whether times and rates of this run mean nothing.
fn instruments_failed(report: &Report) -> bool {
    report.verdict == Verdict::Invalid || report.findings.iter().any(|finding| finding.outcome == Outcome::Invalid)
}

pub(super) fn rules(report: &Report) -> Rules {
    // Signals have a table of their own.
    let own = |finding: &&Finding| {
        let signal = finding.id.strip_prefix("validity.");
        finding.group == Group::Validity && report.signals.iter().any(|it| Some(it.id.as_str()) == signal)
    };
    let ranked: Vec<&Finding> = figures::ranked(&report.findings).into_iter().filter(|it| !own(it)).collect();
    Rules {
        left_out: ranked.len().saturating_sub(ROWS_MAX),
        rows: ranked.into_iter().take(ROWS_MAX).map(|finding| rule(finding, instruments_failed(report))).collect(),
    }
}

fn rule(finding: &Finding, instruments_failed: bool) -> RuleRow {
    let timed = matches!(finding.group, Group::Slo | Group::Scaling);
    let void = instruments_failed && timed && !matches!(finding.outcome, Outcome::NotJudged | Outcome::Invalid);
    let (class, sign) = look(if void { Outcome::NotJudged } else { finding.outcome });
    let figure = finding.figure.as_ref();
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    RuleRow {
        class,
        sign,
        outcome: if void { format!("void ({})", finding.outcome) } else { finding.outcome.to_string() },
        title: words::clip(&finding.title, 300),
        message: super::prose(&finding.message, 600),
        value: or_nothing(figure.map(figures::value)),
        interval: or_nothing(figure.and_then(figures::interval)),
        limit: or_nothing(figure.map(figures::limit)),
        margin: or_nothing(figures::margin_of(finding)),
        samples: words::count(finding.samples),
        effect: finding
            .design_effect
            .filter(|d| *d > 1.005)
            .map_or_else(String::new, |d| format!("÷ {} for dependence", words::digits(d))),
        needed: or_nothing(finding.needed.map(|needed| format!("about {}", words::count(needed)))),
    }
}

pub(super) fn steps(report: &Report) -> Steps {
    let steps = report.steps.iter().take(ROWS_MAX);
    Steps {
        left_out: report.steps.len().saturating_sub(ROWS_MAX),
        rows: steps.clone().map(step).collect(),
        wrongs: steps.filter_map(wrong).collect(),
    }
}

fn step(step: &StepSummary) -> StepRow {
    let mut texts: Vec<String> =
        [step.due, step.answered, step.errors, step.broken, step.dropped].map(words::count).to_vec();
    texts.push(words::value(step.per_second, "/s"));
    let counts = texts.len();
    let times = [cells_ms(step.response_ms), cells_ms(step.service_ms)].concat();
    texts.extend(if step.answered == 0 { vec![NOTHING.to_owned(); times.len()] } else { times });
    let all = step.response_interval_ms;
    let intervals = [all.p50, all.p95, all.p99];
    let interval = |index: usize| index.checked_sub(counts).and_then(|index| *intervals.get(index)?);
    let cell = |(index, text): (usize, String)| Cell {
        text,
        interval: interval(index).map_or_else(String::new, |interval| figures::interval_of(interval, "ms")),
    };
    StepRow {
        name: words::clip(&step.name, 120),
        kind: if step.kind == StepKind::Job { "job" } else { "request" },
        cells: texts.into_iter().enumerate().map(cell).collect(),
    }
}

fn wrong(step: &StepSummary) -> Option<String> {
    let mut classes: Vec<(&String, &u64)> = step.error_classes.iter().collect();
    classes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let told = classes.iter().take(CLASSES_MAX);
    let told: Vec<String> =
        told.map(|(class, count)| format!("{} × {}", words::count(**count), words::clip(class, 120))).collect();
    let more = if classes.len() > CLASSES_MAX {
        format!(", and {} other kinds", classes.len() - CLASSES_MAX)
    } else {
        String::new()
    };
    (!told.is_empty()).then(|| format!("{}: {}{more}", words::clip(&step.name, 120), told.join(", ")))
}

pub(super) fn about(report: &Report) -> Vec<Pair> {
    let run = &report.run;
    let clip = |text: &str| words::clip(text, 300);
    let pair = |name, value| Pair { name, value };
    vec![
        pair("Run", clip(&run.id)),
        pair("Started", words::moment(run.started_unix_ms)),
        pair("Lasted", words::length(run.lasted_ms)),
        pair(
            "Ended",
            match run.end {
                RunEnd::Completed => "plan and drain ran to their ends",
                RunEnd::Aborted => "a rule with abort_on_fail was plainly broken",
                RunEnd::Interrupted => "somebody stopped it",
                RunEnd::Running => "proofload itself was killed, or is still running",
            }
            .to_owned(),
        ),
        pair("Seed", run.seed.to_string()),
        pair("Environment", clip(&run.environment)),
        pair("Environment hash", clip(&run.environment_hash)),
        pair("Machine", clip(&run.machine)),
        pair("proofload", clip(&run.version)),
        pair("Exit code", report.exit_code.to_string()),
    ]
}
