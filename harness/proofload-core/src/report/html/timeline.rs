//! The stack of drawings that share one time axis.

use super::buckets::{self, Bucket};
use super::panel::{Panel, PlanBox};
use super::scale::{self, BOTTOM, Scale, TOP, Tick};
use super::{MeasuredStep, STEPS_MAX, latency, series};
use crate::evidence::{RunRecord, StepKind};
use crate::judge::Finding;
use crate::report::words;

/// Most numbered marks.
const MARKS_MAX: usize = 40;
/// Most workloads drawn as rows of the plan.
const PLAN_ROWS_MAX: usize = 8;
/// Height of one row of the plan.
const PLAN_ROW: f64 = 24.0;
/// Height of a drawing.
pub(super) const HEIGHT: f64 = 180.0;

/// What all drawings of a run have in common.
pub(super) struct Axis {
    pub(super) x: Scale,
    pub(super) end_s: f64,
    /// Seconds per bucket.
    pub(super) bucket_s: u32,
    boundaries: Vec<String>,
    marks: Vec<Tick>,
}

/// A mark in the list below the drawings.
pub(super) struct MarkRow {
    pub(super) number: usize,
    pub(super) when: String,
    pub(super) text: String,
}

/// The whole stack.
pub(super) struct Timeline {
    pub(super) panels: Vec<Panel>,
    pub(super) marks: Vec<MarkRow>,
    /// What there was no room for, in a sentence.
    pub(super) left_out: String,
}

pub(super) fn timeline(record: &RunRecord, steps: &[MeasuredStep<'_>], findings: &[Finding]) -> Timeline {
    let axis = Axis::new(record);
    let mut panels: Vec<Panel> = plan(record, &axis).into_iter().collect();
    panels.push(rates(steps, &axis));
    let timed = steps.iter().take(STEPS_MAX);
    panels.extend(timed.enumerate().map(|(index, step)| latency::panel(index, step, findings, record, &axis)));
    let (more, mut left_out) = series::panels(record, &axis);
    panels.extend(more);
    if steps.len() > STEPS_MAX {
        left_out.push(format!("{} more steps", steps.len() - STEPS_MAX));
    }
    if record.timeline.marks.len() > MARKS_MAX {
        left_out.push(format!("{} more marks", record.timeline.marks.len() - MARKS_MAX));
    }
    Timeline { panels, marks: mark_rows(record), left_out: left_out.join(", ") }
}

impl Axis {
    fn new(record: &RunRecord) -> Self {
        let end_s = end_s(record);
        let x = Scale::across(end_s);
        let bounds = record.plan.iter().flat_map(|workload| {
            let stages = workload.stages.iter().flat_map(|stage| [stage.starts_ns, stage.ends_ns]);
            stages.chain([workload.starts_ns, workload.ends_ns])
        });
        let mut bounds: Vec<u64> = bounds.filter(|ns| *ns > 0).collect();
        bounds.sort_unstable();
        bounds.dedup();
        // Beyond a few dozen lines, a drawing shows nothing else.
        let boundaries = if bounds.len() > 40 { vec![] } else { bounds };
        let marks = record.timeline.marks.iter().take(MARKS_MAX).enumerate();
        Self {
            x,
            end_s,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates on absurd records")]
            bucket_s: buckets::bucket_s(end_s as u32),
            boundaries: boundaries.into_iter().map(|ns| x.at(seconds(ns, 1e9))).collect(),
            marks: marks
                .map(|(index, mark)| Tick { at: x.at(seconds(mark.at_ms, 1e3)), label: (index + 1).to_string() })
                .collect(),
        }
    }

    /// An empty drawing on this axis.
    pub(super) fn panel(&self, id: String, heading: String, height: f64) -> Panel {
        Panel {
            id,
            heading,
            height: scale::px(height),
            x_ticks: self.x.ticks(&scale::time_steps(self.end_s), scale::clock),
            boundaries: self.boundaries.clone(),
            marks: self.marks.clone(),
            ..Panel::default()
        }
    }

    /// The buckets of the whole axis, first and last second.
    pub(super) fn stretches(&self) -> impl Iterator<Item = (f64, f64)> + use<> {
        let (size, end) = (f64::from(self.bucket_s), self.end_s);
        (0..buckets::BUCKETS_MAX)
            .map(move |index| f64::from(index) * size)
            .take_while(move |from| *from < end)
            .map(move |from| (from, (from + size).min(end)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
pub(super) fn seconds(value: u64, per_second: f64) -> f64 {
    value as f64 / per_second
}

/// The last moment that anything is known of, in whole seconds.
fn end_s(record: &RunRecord) -> f64 {
    let last_second = record.steps.iter().filter_map(|step| step.seconds.last()).map(|second| u64::from(second.at) + 1);
    let series = record.timeline.series.values().filter_map(|points| points.last()).map(|(at_ms, _)| at_ms / 1000);
    let marks = record.timeline.marks.iter().map(|mark| mark.at_ms / 1000);
    let last = last_second.chain(series).chain(marks).chain([record.run.lasted_ms.div_ceil(1000), 1]).max();
    seconds(last.unwrap_or(1), 1.0).min(f64::from(u32::MAX))
}

/// What should have happened: a row per workload, a box per stage.
fn plan(record: &RunRecord, axis: &Axis) -> Option<Panel> {
    if record.plan.is_empty() {
        return None;
    }
    let rows = record.plan.len().min(PLAN_ROWS_MAX);
    let height = TOP + BOTTOM + PLAN_ROW * f64::from(u32::try_from(rows).unwrap_or(1));
    let mut panel = axis.panel("plan".to_owned(), "Plan".to_owned(), height);
    let mut y = TOP;
    for workload in record.plan.iter().take(PLAN_ROWS_MAX) {
        let whole = [(workload.name.clone(), workload.starts_ns, workload.ends_ns, workload.arrivals)];
        let stages = workload.stages.iter().take(60);
        let stages: Vec<_> = stages
            .map(|stage| (format!("{}.{}", workload.name, stage.name), stage.starts_ns, stage.ends_ns, stage.arrivals))
            .collect();
        for (label, from, to, arrivals) in if stages.is_empty() { whole.to_vec() } else { stages } {
            panel.boxes.push(plan_box(axis, y, &label, (from, to), arrivals));
        }
        y += PLAN_ROW;
    }
    let workloads: Vec<String> = record.plan.iter().take(PLAN_ROWS_MAX).map(|it| words::clip(&it.name, 60)).collect();
    panel.summary = format!("The planned stages of {}.", workloads.join(", "));
    Some(panel)
}

fn plan_box(axis: &Axis, y: f64, label: &str, (from_ns, to_ns): (u64, u64), arrivals: u64) -> PlanBox {
    let (starts, ends) = (seconds(from_ns, 1e9), seconds(to_ns, 1e9));
    let (left, right) = (axis.x.place(starts), axis.x.place(ends));
    // About seven units per letter: a label that does not fit is left to the title.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a drawing is 1000 units wide")]
    let letters = ((right - left - 8.0).max(0.0) / 7.0) as usize;
    PlanBox {
        x: scale::px(left),
        y: scale::px(y + 2.0),
        width: scale::px((right - left - 1.5).max(0.5)),
        text_x: scale::px(left + 5.0),
        text_y: scale::px(y + 15.5),
        label: if letters < 3 { String::new() } else { words::clip(label, letters) },
        title: format!(
            "{} from {} to {}: {} arrivals planned",
            words::clip(label, 80),
            scale::clock(starts),
            scale::clock(ends),
            words::count(arrivals)
        ),
    }
}

/// Requests due, answered and gone wrong per second, over all request steps.
fn rates(steps: &[MeasuredStep<'_>], axis: &Axis) -> Panel {
    let mut panel = axis.panel("rates".to_owned(), "Requests per second".to_owned(), HEIGHT);
    let totals = totals(steps);
    if totals.is_empty() {
        "No request was due.".clone_into(&mut panel.message);
        return panel;
    }
    let high = totals.iter().map(|bucket| bucket.rate(bucket.due)).fold(0.0, f64::max);
    let ticks = scale::round_steps(high);
    let y = Scale::up(ticks[ticks.len() - 1], HEIGHT);
    panel.y_ticks = y.ticks(&ticks, scale_label);
    let floor = y.place(0.0);
    // A level holds for the whole of its stretch.
    let level = |bucket: &Bucket, count: u64| {
        [bucket.from_s, bucket.to_s].map(|at| (axis.x.place(f64::from(at)), y.place(bucket.rate(count))))
    };
    let upper = |pick: fn(&Bucket) -> u64| totals.iter().flat_map(|it| level(it, pick(it))).collect::<Vec<_>>();
    let base = |points: &[(f64, f64)]| points.iter().map(|(x, _)| (*x, floor)).collect::<Vec<_>>();
    let due = upper(|bucket| bucket.due);
    panel.area("due", &due, &base(&due));
    panel.key("due", "due");
    let wrong = upper(|bucket| bucket.errors + bucket.unanswered);
    if totals.iter().any(|bucket| bucket.errors + bucket.unanswered > 0) {
        panel.area("wrong", &wrong, &base(&wrong));
        panel.key("wrong", "went wrong: wrong answer, none, or never sent");
    }
    let answered: Vec<_> = upper(|bucket| bucket.answered).into_iter().map(Some).collect();
    panel.line("l1", &answered);
    panel.key("l1", "of these, answered");
    for bucket in &totals {
        panel.hover(&axis.x, (f64::from(bucket.from_s), f64::from(bucket.to_s)), rate_text(bucket));
    }
    let whole = Bucket::sum(&totals);
    panel.summary = format!(
        "{} requests due, at most {} per second; {} answered, {} of them wrongly, {} without an answer.",
        words::count(whole.due),
        words::digits(high),
        words::count(whole.answered),
        words::count(whole.errors),
        words::count(whole.unanswered)
    );
    panel
}

fn scale_label(value: f64) -> String {
    words::digits(value)
}

fn rate_text(bucket: &Bucket) -> String {
    let rate = |count| words::value(bucket.rate(count), "/s");
    format!(
        "{}: due {}, answered {}, wrong {}, unanswered {}",
        stretch(f64::from(bucket.from_s), f64::from(bucket.to_s)),
        rate(bucket.due),
        rate(bucket.answered),
        rate(bucket.errors),
        rate(bucket.unanswered)
    )
}

/// `1:20 to 1:22`.
pub(super) fn stretch(from_s: f64, to_s: f64) -> String {
    format!("{} to {}", scale::clock(from_s), scale::clock(to_s))
}

/// The buckets of all request steps added up, without their histograms.
fn totals(steps: &[MeasuredStep<'_>]) -> Vec<Bucket> {
    let mut totals: std::collections::BTreeMap<u32, Bucket> = std::collections::BTreeMap::new();
    let requests = steps.iter().filter(|step| step.evidence.kind == StepKind::Request);
    for bucket in requests.flat_map(|step| &step.buckets) {
        let total = totals.entry(bucket.from_s).or_insert_with(|| Bucket::empty(bucket.from_s, bucket.to_s));
        total.count(bucket);
    }
    totals.into_values().collect()
}

fn mark_rows(record: &RunRecord) -> Vec<MarkRow> {
    let marks = record.timeline.marks.iter().take(MARKS_MAX).enumerate();
    marks
        .map(|(index, mark)| MarkRow {
            number: index + 1,
            when: scale::clock(seconds(mark.at_ms, 1e3)),
            text: words::clip(&mark.text, 200),
        })
        .collect()
}
