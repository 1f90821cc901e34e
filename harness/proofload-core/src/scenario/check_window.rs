//! Checks stretches of the run: a workload, a stage of one, or two moments.

use std::time::Duration;

use super::Window;
use super::check::{Names, unknown};
use super::units::{Span, SpanRange};
use crate::source::{At, Reporter};

/// The run in whole seconds is what evidence is kept by.
const SECOND: Duration = Duration::from_secs(1);

/// Parses `uploads`, `uploads.peak` or `30s..2m`.
pub(super) fn check_window(written: &At<String>, names: &Names<'_>, report: &mut Reporter<'_>) -> Option<Window> {
    if let Some((from, to)) = written.value.split_once("..") {
        return check_span(written, from, to, report);
    }
    let (workload, stage) = match written.value.split_once('.') {
        Some((workload, stage)) => (workload, Some(stage)),
        None => (written.value.as_str(), None),
    };
    let place = |word: &str| At { value: word.to_owned(), line: written.line, column: written.column };
    let Some(index) = names.workloads.iter().position(|candidate| candidate.name == workload) else {
        unknown(&place(workload), "workload", names.workloads.iter().map(|workload| workload.name.as_str()), report);
        return None;
    };
    let Some(stage) = stage else { return Some(Window::Workload(index)) };
    let stages = names.workloads[index].stretches();
    if let Some(found) = stages.iter().position(|candidate| candidate.name == stage) {
        return Some(Window::Stage(index, found));
    }
    let what = format!("stage of `{workload}` called");
    unknown(&place(stage), &what, stages.iter().map(|stage| stage.name), report);
    None
}

fn check_span(written: &At<String>, from: &str, to: &str, report: &mut Reporter<'_>) -> Option<Window> {
    // A second belongs to a stretch whole or not at all.
    match (from.trim().parse::<Span>(), to.trim().parse::<Span>()) {
        (Ok(_), Ok(_)) => {}
        (Err(wrong), _) | (_, Err(wrong)) => {
            report.add(written, wrong, Some("write a stretch of the run such as 30s..2m".to_owned()));
            return None;
        }
    }
    let range = match written.value.parse::<SpanRange>() {
        Ok(range) => range,
        Err(wrong) => {
            report.add(written, wrong, None);
            return None;
        }
    };
    if range.to.0.saturating_sub(range.from.0) < SECOND {
        let help = "evidence is kept by the second; write a longer stretch".to_owned();
        report.add(written, format!("`{}` is shorter than a second", written.value), Some(help));
        return None;
    }
    Some(Window::Span(range.from.0, range.to.0))
}
