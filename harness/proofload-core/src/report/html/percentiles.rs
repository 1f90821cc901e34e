//! Response time by percentile of each step, on an axis that gives each further nine the same room, and beside it what
//! the baseline had.

use super::buckets::Bucket;
use super::limits;
use super::panel::{Panel, Sign};
use super::scale::{self, Scale, Tick};
use super::{MeasuredStep, STEPS_MAX, at_once, step_name};
use crate::baseline::BaselineRun;
use crate::evidence::{RunRecord, StepEvidence};
use crate::judge::Finding;
use crate::report::words;

/// Height of a drawing.
const HEIGHT: f64 = 260.0;
/// Points of one curve.
const POINTS: u32 = 160;
/// Strips that tell their values.
const STRIPS: u32 = 80;
/// Most limits drawn for one step.
const LIMITS_MAX: usize = 6;
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

/// A curve and what a reader calls it.
struct Curve<'c> {
    class: &'static str,
    name: &'static str,
    whole: &'c Bucket,
}

/// One drawing per step, as many steps as have one on the time axis.
pub(super) fn panels(
    steps: &[MeasuredStep<'_>],
    findings: &[Finding],
    record: &RunRecord,
    baseline: Option<&BaselineRun>,
) -> Vec<Panel> {
    let drawn_steps: Vec<_> = steps.iter().take(STEPS_MAX).map(|step| step.evidence).collect();
    let baseline_of = |step: &StepEvidence| baseline.and_then(|baseline| baseline.step(step.kind, &step.name));
    let before = at_once(&drawn_steps, |step| baseline_of(step).map(Bucket::of_times));
    let panel = |(index, step): (usize, &MeasuredStep<'_>)| {
        let limits = limits::of(step.evidence, findings, record);
        let before = before[index].as_ref();
        let mut panel = panel(step, before, &limits[..limits.len().min(LIMITS_MAX)]);
        panel.id = format!("percentiles-{index}");
        if baseline.is_some() && before.is_none() {
            panel.key("none", "the baseline has no such step");
        }
        panel
    };
    steps.iter().take(STEPS_MAX).enumerate().map(panel).collect()
}

/// What the second curve is, in a sentence; empty without a baseline.
pub(super) fn note(record: &RunRecord, baseline: Option<&BaselineRun>) -> String {
    let Some(baseline) = baseline else { return String::new() };
    let told = format!(
        "Dashed: the baseline {} of {}.",
        words::clip(&baseline.run.id, 120),
        words::moment(baseline.run.started_unix_ms)
    );
    if baseline.run.environment_hash == record.run.environment_hash {
        return told;
    }
    format!(
        "{told} Its environment hash is another one, so a difference may come from machine, scenario or environment."
    )
}

fn panel(step: &MeasuredStep<'_>, before: Option<&Bucket>, limits: &[limits::LimitLine]) -> Panel {
    let mut panel = Panel {
        heading: format!("{} by percentile, whole run", step_name(step.evidence)),
        height: scale::px(HEIGHT),
        x_grid: true,
        ..Panel::default()
    };
    let before = before.filter(|before| before.answered > 0);
    let mut curves = vec![Curve { class: "l1", name: "this run", whole: &step.whole }];
    curves.extend(before.map(|whole| Curve { class: "l2", name: "baseline", whole }));
    let nines = curves.iter().map(|curve| nines(curve.whole.due)).fold(1.0, f64::max);
    let points: Vec<_> = curves.iter().map(|curve| curve.points(nines)).collect();
    let ms = || points.iter().flatten().map(|point| point.1).chain(limits.iter().map(|limit| limit.limit_ms));
    if points[0].is_empty() {
        "Nothing was answered.".clone_into(&mut panel.message);
        return panel;
    }
    let ticks = scale::log_steps(ms().fold(f64::INFINITY, f64::min).max(0.01), ms().fold(0.0, f64::max));
    let y = Scale::up_log(ticks[0], ticks[ticks.len() - 1], HEIGHT);
    let x = Scale::across(nines);
    panel.y_ticks = y.ticks(&ticks, |ms| words::value(ms, "ms"));
    panel.x_ticks = x_ticks(&x, nines);
    for (curve, points) in curves.iter().zip(&points).rev() {
        let places: Vec<_> = points.iter().map(|(nines, ms)| Some((x.place(*nines), y.place(*ms)))).collect();
        panel.line(curve.class, &places);
    }
    for curve in &curves {
        panel.key(curve.class, curve.name);
    }
    limit_signs(&mut panel, limits, &x, (&y, nines));
    hovers(&mut panel, &curves, &x, nines);
    panel.summary = format!("{}.", curves.iter().map(Curve::told).collect::<Vec<_>>().join("; "));
    panel
}

impl Curve<'_> {
    /// Points of (nines, ms), as deep as the samples reach and as were answered.
    fn points(&self, deepest: f64) -> Vec<(f64, f64)> {
        let own = nines(self.whole.due).min(deepest);
        let depths = (0..=POINTS).map(|index| own * f64::from(index) / f64::from(POINTS));
        depths.map_while(|depth| Some((depth, self.whole.quantile_ms(share(depth))?))).collect()
    }

    fn value(&self, share: f64) -> String {
        self.whole.quantile_ms(share).map_or("never answered".to_owned(), |ms| words::value(ms, "ms"))
    }

    fn told(&self) -> String {
        let [half, late, last] = [0.5, 0.99, 0.999].map(|share| self.value(share));
        format!("{}: half within {half}, 99 % within {late}, 99.9 % within {last}", self.name)
    }
}

fn limit_signs(panel: &mut Panel, limits: &[limits::LimitLine], x: &Scale, (y, nines): (&Scale, f64)) {
    for limit in limits {
        panel.signs.push(Sign {
            x: x.at(depth(limit.share).min(nines)),
            y: scale::px(y.place(limit.limit_ms) + 4.0),
            class: if limit.failed { "broken" } else { "kept" },
            text: if limit.failed { "✗" } else { "▽" },
            label: format!("{} during {}", limit.label, words::clip(&limit.window, 40)),
            title: format!("limit {} during {}", limit.label, words::clip(&limit.window, 60)),
        });
    }
    if !limits.is_empty() {
        panel.key("sign", "▽ limit, ✗ limit of a rule that fails: the curve must pass below");
    }
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

fn x_ticks(x: &Scale, nines: f64) -> Vec<Tick> {
    let within = SHARES.iter().filter(|(percent, _)| depth(percent / 100.0) <= nines + 1e-9);
    within.map(|(percent, label)| Tick { at: x.at(depth(percent / 100.0)), label: (*label).to_owned() }).collect()
}

fn hovers(panel: &mut Panel, curves: &[Curve<'_>], x: &Scale, nines: f64) {
    for strip in 0..STRIPS {
        let edge = |index: u32| nines * f64::from(index) / f64::from(STRIPS);
        let at = share(f64::midpoint(edge(strip), edge(strip + 1)));
        let told = curves.iter().map(|curve| format!("{} {}", curve.name, curve.value(at)));
        let text = format!("{:.4} % within: {}", at * 100.0, told.collect::<Vec<_>>().join(", "));
        panel.hover(x, (edge(strip), edge(strip + 1)), text);
    }
}
