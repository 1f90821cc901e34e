//! Earlier and later runs side by side, in text.

use std::collections::BTreeSet;

use super::words;
use crate::baseline::{BaselineRun, Measured};
use crate::evidence::{StepKind, micros_to_ms};

/// The rules and the steps of both, a line each: median over the earlier runs, over the later ones, and the change.
pub fn compared_lines(before: &[&BaselineRun], after: &[&BaselineRun]) -> Vec<String> {
    let named = |runs: &[&BaselineRun]| match runs {
        [one] => words::clip(&one.run.id, 60),
        more => format!("{} runs", more.len()),
    };
    let mut lines = vec![format!("before: {}   after: {}", named(before), named(after))];
    let ids: BTreeSet<&String> = before.iter().chain(after).flat_map(|run| run.values.keys()).collect();
    for id in ids {
        let measured =
            |runs: &[&BaselineRun]| runs.iter().filter_map(|run| run.values.get(id)).cloned().collect::<Vec<_>>();
        lines.extend(rule_line(&measured(before), &measured(after)));
    }
    let steps: BTreeSet<(bool, &str)> = before
        .iter()
        .chain(after)
        .flat_map(|run| &run.steps)
        .map(|it| (it.kind == StepKind::Job, it.name.as_str()))
        .collect();
    for (is_job, name) in steps {
        for (share, word) in [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")] {
            let at = |runs: &[&BaselineRun]| {
                median(runs.iter().filter_map(|run| quantile_ms(run, (is_job, name), share)).collect())
            };
            let kind = if is_job { " (job)" } else { "" };
            lines.extend(line(&format!("{name}{kind} {word}"), at(before), at(after), "ms"));
        }
    }
    lines
}

/// Runs of different environments differ for reasons that are not the system's.
pub fn differing<'r>(runs: impl IntoIterator<Item = &'r BaselineRun>) -> Option<String> {
    let hashes: BTreeSet<&str> = runs.into_iter().map(|run| run.run.environment_hash.as_str()).collect();
    (hashes.len() > 1).then(|| {
        "warning: scenario, environment or machine are not the same in all of these runs; what differs may not be the system".to_owned()
    })
}

fn rule_line(before: &[Measured], after: &[Measured]) -> Option<String> {
    let named = before.first().or(after.first())?;
    let values = |all: &[Measured]| median(all.iter().map(|it| it.value).collect());
    line(&named.title, values(before), values(after), &named.unit)
}

fn line(title: &str, before: Option<f64>, after: Option<f64>, unit: &str) -> Option<String> {
    let told = |value: Option<f64>| words::maybe(value, unit);
    let change = match (before, after) {
        (None, None) => return None,
        (Some(before), Some(after)) if before > 0.0 => format!("{:+.1} %", (after / before - 1.0) * 100.0),
        _ => "–".to_owned(),
    };
    Some(format!("{:<60} {:>12} {:>12} {change:>9}", words::clip(title, 60), told(before), told(after)))
}

/// The value at a share of all that were due; `None` where that many were never answered.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn quantile_ms(run: &BaselineRun, (is_job, name): (bool, &str), share: f64) -> Option<f64> {
    let step = run.steps.iter().find(|step| (step.kind == StepKind::Job, step.name.as_str()) == (is_job, name))?;
    let response = step.response.thaw();
    let rank = (step.due as f64 * share).ceil().max(1.0);
    (rank <= response.len() as f64).then(|| micros_to_ms(response.value_at_quantile(rank / response.len() as f64)))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}
