//! `metrics.txt`: the headline figures of a run as gauges, in a text that GitLab's metrics report, `OpenMetrics` parsers
//! and those of the older Prometheus text format read alike. So there are only gauges, no time stamps, and nothing in
//! a label that changes from run to run: GitLab compares lines by name and labels.

use std::fmt::Write;

use super::{Report, StepSummary, labels};
use crate::judge::Outcome;

/// Most rules, and most steps, that are told; the rest is in `report.json`.
const ROWS_MAX: usize = 500;

/// Labels besides the scenario, and the value.
type Sample = (Vec<(&'static str, String)>, f64);

/// A family of gauges.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<Sample>,
}

pub(super) fn render(report: &Report) -> Vec<u8> {
    let scenario = labels::plain(&report.run.scenario);
    let mut text = String::new();
    for family in families(report) {
        family.write(&scenario, &mut text).expect("writing to memory cannot fail");
    }
    text.push_str("# EOF\n");
    text.into_bytes()
}

fn families(report: &Report) -> Vec<Family> {
    let mut families = of_run(report);
    families.extend(of_steps(report));
    families.extend(of_rules(report));
    families.extend(of_ledgers(report));
    families
}

fn of_run(report: &Report) -> Vec<Family> {
    let load = &report.load;
    let of = |label: &'static str, value: &str| vec![(label, value.to_owned())];
    let counted = [("due", load.due), ("sent", load.dispatched), ("dropped", load.dropped)];
    let rates = [("asked", load.asked_per_second), ("delivered", load.delivered_per_second)];
    vec![
        Family {
            name: "proofload_exit_code",
            help: "0 PASS, 1 FAIL, 3 INVALID, 4 INCONCLUSIVE",
            samples: vec![(vec![], f64::from(report.exit_code))],
        },
        Family {
            name: "proofload_arrivals",
            help: "Arrivals of the plan by what became of them",
            samples: counted.map(|(state, value)| (of("state", state), number(value))).to_vec(),
        },
        Family {
            name: "proofload_arrivals_per_second",
            help: "Arrivals per second that were asked for and that left",
            samples: rates.map(|(rate, value)| (of("rate", rate), value)).to_vec(),
        },
        Family {
            name: "proofload_wake_lag_seconds",
            help: "How late proofload itself was",
            samples: quantiles(&load.wake_lag_ms, &[]),
        },
    ]
}

fn of_steps(report: &Report) -> Vec<Family> {
    let steps = &report.steps[..report.steps.len().min(ROWS_MAX)];
    let names = labels::unique(steps.iter().map(|step| labels::of_step(step.kind, &step.name)));
    let each = |samples: &dyn Fn(&StepSummary, &str) -> Vec<Sample>| {
        steps.iter().zip(&names).flat_map(|(step, name)| samples(step, name)).collect::<Vec<_>>()
    };
    let counts = |step: &StepSummary, name: &str| {
        let counts = [
            ("right", step.answered.saturating_sub(step.errors)),
            ("wrong", step.errors),
            ("unanswered", step.broken),
            ("dropped", step.dropped),
        ];
        counts
            .map(|(result, count)| (vec![("step", name.to_owned()), ("result", result.to_owned())], number(count)))
            .to_vec()
    };
    let rate = |step: &StepSummary, name: &str| vec![(vec![("step", name.to_owned())], step.per_second)];
    let times = |step: &StepSummary, name: &str| match step.answered {
        0 => vec![],
        _ => quantiles(&step.response_ms, &[("step", name.to_owned())]),
    };
    let wrong = |step: &StepSummary, name: &str| {
        let gone_wrong = step.errors + step.broken + step.dropped;
        let share = (step.due > 0).then(|| number(gone_wrong) / number(step.due));
        share.map(|share| (vec![("step", name.to_owned())], share)).into_iter().collect()
    };
    vec![
        Family { name: "proofload_step_responses", help: "Steps and jobs by how they ended", samples: each(&counts) },
        Family { name: "proofload_step_answers_per_second", help: "Answers per second", samples: each(&rate) },
        Family {
            name: "proofload_step_response_seconds",
            help: "Response time of the answered, from the intended start",
            samples: each(&times),
        },
        Family {
            name: "proofload_step_wrong_ratio",
            help: "Share that was answered wrongly, not at all, or never sent",
            samples: each(&wrong),
        },
    ]
}

fn of_rules(report: &Report) -> Vec<Family> {
    let rules = &report.findings[..report.findings.len().min(ROWS_MAX)];
    let names = labels::unique(rules.iter().map(|rule| labels::plain(&rule.id)));
    let figures = |pick: fn(&crate::judge::Figure) -> Option<f64>| {
        let one = |(rule, name): (&crate::judge::Finding, &String)| {
            let figure = rule.figure.as_ref()?;
            let unit = if figure.unit.is_empty() { "1" } else { &figure.unit };
            Some((vec![("rule", name.clone()), ("unit", labels::plain(unit))], pick(figure)?))
        };
        rules.iter().zip(&names).filter_map(one).collect::<Vec<_>>()
    };
    let outcomes = [
        ("pass", Outcome::Pass),
        ("fail", Outcome::Fail),
        ("inconclusive", Outcome::Inconclusive),
        ("invalid", Outcome::Invalid),
        ("not judged", Outcome::NotJudged),
        ("warning", Outcome::Warning),
    ];
    let counted = outcomes.map(|(word, outcome)| {
        let count = report.findings.iter().filter(|finding| finding.outcome == outcome).count();
        (vec![("outcome", word.to_owned())], number(count as u64))
    });
    vec![
        Family { name: "proofload_rules", help: "Rules by outcome", samples: counted.to_vec() },
        Family {
            name: "proofload_rule_value",
            help: "What a rule looks at, in its own unit",
            samples: figures(|figure| figure.value),
        },
        Family {
            name: "proofload_rule_limit",
            help: "What a rule allows, in its own unit",
            samples: figures(|figure| Some(figure.limit)),
        },
    ]
}

fn of_ledgers(report: &Report) -> Vec<Family> {
    let ledgers = &report.ledgers[..report.ledgers.len().min(ROWS_MAX)];
    let names = labels::unique(ledgers.iter().map(|ledger| labels::plain(&ledger.flow)));
    let one = |(ledger, name): (&crate::evidence::LedgerEvidence, &String)| {
        let fates = [
            ("succeeded", ledger.succeeded),
            ("failed", ledger.failed + ledger.dead_lettered + ledger.cancelled + ledger.expired),
            ("unsettled", ledger.unsettled),
            ("lost", ledger.lost),
            ("doubled", ledger.duplicated),
        ];
        fates.map(|(fate, count)| (vec![("flow", name.clone()), ("fate", fate.to_owned())], number(count)))
    };
    let samples = ledgers.iter().zip(&names).flat_map(one).collect();
    vec![Family { name: "proofload_jobs", help: "Accepted jobs by what became of them", samples }]
}

/// A quantile each; named so, since `quantile` belongs to summaries.
fn quantiles(of: &super::Quantiles, labels: &[(&'static str, String)]) -> Vec<Sample> {
    let all = [("p50", of.p50), ("p95", of.p95), ("p99", of.p99), ("max", of.max)];
    all.map(|(name, ms)| ([labels, &[("percentile", name.to_owned())]].concat(), seconds(ms))).to_vec()
}

impl Family {
    fn write(&self, scenario: &str, text: &mut String) -> std::fmt::Result {
        let finite = || self.samples.iter().filter(|(_, value)| value.is_finite());
        if finite().next().is_none() {
            return Ok(());
        }
        writeln!(text, "# TYPE {} gauge", self.name)?;
        if self.name.ends_with("_seconds") {
            writeln!(text, "# UNIT {} seconds", self.name)?;
        }
        writeln!(text, "# HELP {} {}.", self.name, self.help)?;
        for (labels, value) in finite() {
            write!(text, "{}{{scenario=\"{scenario}\"", self.name)?;
            for (name, label) in labels {
                write!(text, ",{name}=\"{label}\"")?;
            }
            writeln!(text, "}} {}", digits(*value))?;
        }
        Ok(())
    }
}

/// As few digits as say the same number.
fn digits(value: f64) -> String {
    let far = value != 0.0 && !(1e-9..1e15).contains(&value.abs());
    if far { format!("{value:e}") } else { value.to_string() }
}

/// Seconds to the microsecond.
fn seconds(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
