//! `report.html`: one file that needs no network and no script. What it says is prepared here as plain text; the
//! template escapes every word of it.

mod banner;
mod buckets;
mod conformance;
mod cost;
mod heat;
mod jobs;
mod latency;
mod limits;
mod panel;
mod percentiles;
mod rows;
mod samples;
mod scale;
mod scaling;
mod series;
mod timeline;
mod validity;

use askama::Template;

use super::{Report, words};
use crate::baseline::BaselineRun;
use crate::evidence::{RunRecord, StepEvidence, StepKind};
use buckets::Bucket;
use panel::Sample;

/// Most steps with drawings of their own.
const STEPS_MAX: usize = 8;

/// Threads that read histograms.
const THREADS: usize = 4;

/// A step with its seconds folded once, for all drawings.
struct MeasuredStep<'r> {
    evidence: &'r StepEvidence,
    buckets: Vec<Bucket>,
    /// The whole run as one bucket.
    whole: Bucket,
}

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    banner: banner::Banner,
    load: Vec<rows::Pair>,
    signals: rows::Signals,
    /// Said above the rules of a run that taught nothing.
    caution: &'static str,
    rules: rows::Rules,
    timeline: timeline::Timeline,
    percentiles: Vec<panel::Panel>,
    /// What the second curve of a spread is.
    baseline_note: String,
    steps: rows::Steps,
    checks: samples::Checks,
    stages: Vec<jobs::StageRow>,
    ledger: jobs::Ledger,
    scaling: Vec<scaling::ScaledSection>,
    scaling_note: String,
    conformance: conformance::Contracts,
    cost: Option<cost::Cost>,
    slowest: samples::Slowest,
    command: String,
    about: Vec<rows::Pair>,
}

pub(super) fn render(report: &Report, record: &RunRecord, baseline: Option<&BaselineRun>) -> Vec<u8> {
    let steps = measure(record);
    let page = Page {
        title: format!("{}: {}", report.verdict, words::clip(&report.run.scenario, 120)),
        banner: banner::banner(report),
        load: validity::pairs(report, record),
        signals: rows::signals(report),
        caution: rows::caution(report),
        rules: rows::rules(report),
        timeline: timeline::timeline(record, &steps, &report.findings),
        percentiles: percentiles::panels(&steps, &report.findings, record, baseline),
        baseline_note: percentiles::note(record, baseline),
        steps: rows::steps(report),
        checks: samples::checks(record),
        stages: jobs::stages(report, record),
        ledger: jobs::ledger(report),
        scaling: scaling::sections(record),
        scaling_note: scaling::note(record),
        conformance: conformance::contracts(report),
        cost: cost::cost(report),
        slowest: samples::slowest(record),
        command: words::clip(&report.run.command, 4000),
        about: rows::about(report),
    };
    let mut html = page.render().expect("writing to memory cannot fail").into_bytes();
    html.push(b'\n');
    html
}

fn measure(record: &RunRecord) -> Vec<MeasuredStep<'_>> {
    let last = record.steps.iter().filter_map(|step| step.seconds.last()).map(|second| second.at).max().unwrap_or(0);
    let lasted_s = u32::try_from(record.run.lasted_ms.div_ceil(1000)).unwrap_or(u32::MAX);
    let size_s = buckets::bucket_s(last.saturating_add(1).max(lasted_s));
    let steps: Vec<&StepEvidence> = record.steps.iter().collect();
    at_once(&steps, |evidence| {
        let buckets = buckets::fold(evidence, size_s);
        MeasuredStep { evidence, whole: Bucket::sum(&buckets), buckets }
    })
}

/// Does the same with every item, a few at a time: reading an hour of histograms is most of the work of a page.
fn at_once<'i, T: Copy + Sync, R: Send>(items: &'i [T], work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(THREADS).max(1);
    std::thread::scope(|threads| {
        let work = &work;
        let begin = |items: &'i [T]| threads.spawn(move || items.iter().copied().map(work).collect::<Vec<R>>());
        let under_way: Vec<_> = items.chunks(share).map(begin).collect();
        under_way.into_iter().flat_map(|thread| thread.join().expect("nothing in a drawing panics")).collect()
    })
}

/// A sentence of the judge on a page, where no backticks are needed.
fn prose(text: &str, most: usize) -> String {
    words::clip(&text.replace('`', ""), most)
}

/// What a reader calls a step.
fn step_name(step: &StepEvidence) -> String {
    match step.kind {
        StepKind::Request => words::clip(&step.name, 80),
        StepKind::Job => format!("job {}", words::clip(&step.name, 80)),
    }
}
