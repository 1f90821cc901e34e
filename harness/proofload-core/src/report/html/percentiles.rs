//! Response time by percentile, on an axis that gives each further nine the same room.

use super::limits;
use super::panel::{Panel, Sign};
use super::scale::{self, LEFT, Scale, Tick, WIDTH};
use super::{MeasuredStep, step_name};
use crate::evidence::RunRecord;
use crate::judge::Finding;
use crate::report::words;

/// Height of the drawing.
const HEIGHT: f64 = 300.0;
/// Most steps drawn; as many as there are classes.
const STEPS_MAX: usize = 6;
const CLASSES: [&str; STEPS_MAX] = ["l1", "l2", "l3", "l4", "l5", "l6"];
/// Points of one curve.
const POINTS: u32 = 160;
/// Shares that are labelled, in percent.
const SHARES: &[(f64, &str)] = &[
    (0.0, "0 %"),
    (50.0, "50 %"),
    (75.0, "75 %"),
    (90.0, "90 %"),
    (95.0, "95 %"),
    (99.0, "99 %"),
    (99.9, "99.9 %"),
    (99.99, "99.99 %"),
    (99.999, "99.999 %"),
    (99.9999, "99.9999 %"),
];

pub(super) fn panel(steps: &[MeasuredStep<'_>], findings: &[Finding], record: &RunRecord) -> Panel {
    let mut panel = Panel {
        id: "percentiles".to_owned(),
        heading: "Response time by percentile, whole run".to_owned(),
        height: scale::px(HEIGHT),
        x_grid: true,
        ..Panel::default()
    };
    let drawn: Vec<&MeasuredStep<'_>> = steps.iter().filter(|step| step.whole.answered > 0).take(STEPS_MAX).collect();
    let nines = drawn.iter().map(|step| nines(step.whole.due)).fold(1.0, f64::max);
    let curves: Vec<_> = drawn.iter().map(|step| curve(step, nines)).collect();
    let values = || curves.iter().flatten().map(|point| point.1);
    let limits: Vec<_> = drawn.iter().flat_map(|step| limits::of(step.evidence, findings, record)).take(20).collect();
    let ms = || values().chain(limits.iter().map(|limit| limit.limit_ms));
    if values().next().is_none() {
        "No request was answered.".clone_into(&mut panel.message);
        return panel;
    }
    let ticks = scale::log_steps(ms().fold(f64::INFINITY, f64::min).max(0.01), ms().fold(0.0, f64::max));
    let y = Scale::up_log(ticks[0], ticks[ticks.len() - 1], HEIGHT);
    let x = Scale::across(nines);
    panel.y_ticks = y.ticks(&ticks, |ms| words::value(ms, "ms"));
    panel.x_ticks = x_ticks(&x, nines);
    let mut told = Vec::new();
    for ((step, curve), class) in drawn.iter().zip(&curves).zip(CLASSES) {
        let points: Vec<_> = curve.iter().map(|(nines, ms)| Some((x.place(*nines), y.place(*ms)))).collect();
        panel.line(class, &points);
        let name = step_name(step.evidence);
        told.push(curve_text(&name, step));
        panel.key(class, name);
    }
    for limit in limits {
        let at = depth(limit.share).min(nines);
        panel.signs.push(Sign {
            x: x.at(at),
            y: scale::px(y.place(limit.limit_ms) + 4.0),
            class: if limit.failed { "bad" } else { "limit-sign" },
            text: if limit.failed { "✗" } else { "▽" },
            label: limit.label.clone(),
            title: format!("limit {} during {}", limit.label, words::clip(&limit.window, 60)),
        });
    }
    if !panel.signs.is_empty() {
        panel.key("sign", "▽ limit, ✗ limit of a rule that fails: the curve must pass below");
    }
    hovers(&mut panel, &drawn, nines);
    panel.summary = format!("{}.", told.join("; "));
    panel
}

fn curve_text(name: &str, step: &MeasuredStep<'_>) -> String {
    let value =
        |share: f64| step.whole.quantile_ms(share).map_or("never answered".to_owned(), |ms| words::value(ms, "ms"));
    format!("{name}: half within {}, 99 % within {}, 99.9 % within {}", value(0.5), value(0.99), value(0.999))
}

/// How deep a share lies, in nines: 0.9 is 1, 0.99 is 2.
fn depth(share: f64) -> f64 {
    -libm::log10((1.0 - share).max(1e-9))
}

/// How deep the samples reach.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn nines(samples: u64) -> f64 {
    libm::log10(samples.max(1) as f64).clamp(1.0, 6.0)
}

fn share(nines: f64) -> f64 {
    1.0 - libm::pow(10.0, -nines)
}

/// Points of (nines, ms), as deep as the samples of this step reach and as were answered.
fn curve(step: &MeasuredStep<'_>, deepest: f64) -> Vec<(f64, f64)> {
    let own = nines(step.whole.due).min(deepest);
    let depths = (0..=POINTS).map(|index| own * f64::from(index) / f64::from(POINTS));
    depths.map_while(|depth| Some((depth, step.whole.quantile_ms(share(depth))?))).collect()
}

fn x_ticks(x: &Scale, nines: f64) -> Vec<Tick> {
    let within = SHARES.iter().filter(|(percent, _)| depth(percent / 100.0) <= nines + 1e-9);
    within.map(|(percent, label)| Tick { at: x.at(depth(percent / 100.0)), label: (*label).to_owned() }).collect()
}

fn hovers(panel: &mut Panel, drawn: &[&MeasuredStep<'_>], nines: f64) {
    const STRIPS: u32 = 80;
    let x = Scale::across(nines);
    for strip in 0..STRIPS {
        let edge = |index: u32| nines * f64::from(index) / f64::from(STRIPS);
        let at = share(f64::midpoint(edge(strip), edge(strip + 1)));
        let told = drawn.iter().map(|step| {
            let value = step.whole.quantile_ms(at).map_or("never answered".to_owned(), |ms| words::value(ms, "ms"));
            format!("{} {value}", step_name(step.evidence))
        });
        let text = format!("{:.4} % within: {}", at * 100.0, told.collect::<Vec<_>>().join(", "));
        panel.hover(&x, (edge(strip), edge(strip + 1)), text);
    }
    debug_assert!(x.place(0.0) >= LEFT && x.place(nines) <= WIDTH);
}
