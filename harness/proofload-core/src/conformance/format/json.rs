//! `conformance.json`, the canonical format.

use crate::conformance::ConformanceReport;

pub(super) fn render(report: &ConformanceReport) -> String {
    let text = serde_json::to_string_pretty(report).expect("strings, numbers and lists always serialise");
    text + "\n"
}
