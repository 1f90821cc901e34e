//! Times of one step over the run: where its answers lie, on top p50, p95 and p99 of all that was due, and the limits
//! that rules set.

use super::buckets::Bucket;
use super::limits::{self, LimitLine};
use super::panel::{Limit, Panel, Sign};
use super::scale::{self, Scale, TOP};
use super::timeline::{Axis, stretch};
use super::{MeasuredStep, heat, step_name};
use crate::evidence::{RunRecord, micros_to_ms};
use crate::judge::Finding;
use crate::report::words;

/// The lines: share, class, name.
const LINES: &[(f64, &str, &str)] = &[(0.50, "l3", "p50"), (0.95, "l1", "p95"), (0.99, "l2", "p99")];
/// Height of a drawing.
const HEIGHT: f64 = 220.0;
/// Most limits drawn for one step.
const LIMITS_MAX: usize = 6;

pub(super) fn panel(
    index: usize,
    step: &MeasuredStep<'_>,
    findings: &[Finding],
    record: &RunRecord,
    axis: &Axis,
) -> Panel {
    let name = step_name(step.evidence);
    let mut panel = axis.panel(format!("times-{index}"), format!("Response time of {name}"), HEIGHT);
    let limits: Vec<LimitLine> = limits::of(step.evidence, findings, record).into_iter().take(LIMITS_MAX).collect();
    let response = &step.whole.response;
    let (mut low, mut high) = (micros_to_ms(response.min()), micros_to_ms(response.max()));
    if response.is_empty() {
        panel.message = if step.buckets.is_empty() {
            "Nothing was due.".to_owned()
        } else {
            format!("None of {} was ever answered.", words::count(Bucket::sum(&step.buckets).due))
        };
        return panel;
    }
    for limit in &limits {
        (low, high) = (low.min(limit.limit_ms), high.max(limit.limit_ms));
    }
    let ticks = scale::log_steps(low.max(0.01), high);
    let y = Scale::up_log(ticks[0], ticks[ticks.len() - 1], HEIGHT);
    panel.y_ticks = y.ticks(&ticks, |ms| words::value(ms, "ms"));
    heat::cells(&mut panel, &step.buckets, axis, &y, HEIGHT);
    lines(&mut panel, step, axis, &y);
    unanswered(&mut panel, step, axis);
    limit_lines(&mut panel, &limits, axis, &y);
    for bucket in &step.buckets {
        panel.hover(&axis.x, (f64::from(bucket.from_s), f64::from(bucket.to_s)), hover_text(bucket));
    }
    panel.summary = summary(&name, step, &limits);
    panel
}

fn lines(panel: &mut Panel, step: &MeasuredStep<'_>, axis: &Axis, y: &Scale) {
    let place =
        |bucket: &Bucket, share: f64| Some((axis.x.place(bucket.middle_s()), y.place(bucket.quantile_ms(share)?)));
    for (share, class, name) in LINES {
        let mut points: Vec<Option<(f64, f64)>> = Vec::new();
        let mut last_to_s = None;
        for bucket in &step.buckets {
            // Time in which nothing was due breaks the line.
            if last_to_s.is_some_and(|to_s| to_s != bucket.from_s) {
                points.push(None);
            }
            points.push(place(bucket, *share));
            last_to_s = Some(bucket.to_s);
        }
        // On cells of any shade a line needs an edge of its own.
        panel.line("halo", &points);
        panel.line(class, &points);
        panel.key(class, *name);
    }
}

/// A sign at the upper edge wherever some had no answer at all: a broken line must not read as calm.
fn unanswered(panel: &mut Panel, step: &MeasuredStep<'_>, axis: &Axis) {
    for bucket in step.buckets.iter().filter(|bucket| bucket.unanswered > 0) {
        let title = format!(
            "{}: {} of {} never answered",
            stretch(f64::from(bucket.from_s), f64::from(bucket.to_s)),
            words::count(bucket.unanswered),
            words::count(bucket.due)
        );
        panel.signs.push(Sign {
            x: axis.x.at(bucket.middle_s()),
            y: scale::px(TOP + 4.0),
            class: "broken",
            text: "✕",
            label: String::new(),
            title,
        });
    }
    if !panel.signs.is_empty() {
        panel.key("sign", "✕ some never answered");
    }
}

fn limit_lines(panel: &mut Panel, limits: &[LimitLine], axis: &Axis, y: &Scale) {
    for limit in limits {
        let place = y.place(limit.limit_ms);
        // The label stands above its line, below it where there is no room.
        let text_y = if place < TOP + 14.0 { place + 13.0 } else { place - 4.0 };
        panel.limits.push(Limit {
            from: axis.x.at(limit.from_s),
            to: axis.x.at(limit.to_s),
            y: scale::px(place),
            text_y: scale::px(text_y),
            class: if limit.failed { "broken" } else { "kept" },
            label: format!("{}{}", limit.label, if limit.failed { " ✗ FAIL" } else { "" }),
        });
    }
    if !limits.is_empty() {
        panel.key("limit", "limit, over the stretch it holds for");
    }
}

fn hover_text(bucket: &Bucket) -> String {
    let value =
        |share: f64| bucket.quantile_ms(share).map_or_else(|| "never answered".to_owned(), |ms| words::value(ms, "ms"));
    let lines: Vec<String> = LINES.iter().map(|(share, _, name)| format!("{name} {}", value(*share))).collect();
    let when = stretch(f64::from(bucket.from_s), f64::from(bucket.to_s));
    format!("{when}: {} ({} due)", lines.join(", "), words::count(bucket.due))
}

fn summary(name: &str, step: &MeasuredStep<'_>, limits: &[LimitLine]) -> String {
    let whole = &step.whole;
    let value =
        |share: f64| whole.quantile_ms(share).map_or_else(|| "never answered".to_owned(), |ms| words::value(ms, "ms"));
    let mut told = vec![format!(
        "{name}: p50 {}, p95 {}, p99 {} over all {} that were due",
        value(0.5),
        value(0.95),
        value(0.99),
        words::count(whole.due)
    )];
    let limits = limits.iter().map(|limit| format!("limit {} during {}", limit.label, words::clip(&limit.window, 60)));
    told.extend(limits);
    format!("{}.", told.join("; "))
}
