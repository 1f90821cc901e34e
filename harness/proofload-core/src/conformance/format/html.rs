//! `conformance.html`: one file that needs no network.

use askama::Template;

use super::command;
use crate::conformance::{ConformanceReport, Outcome};

#[derive(Template)]
#[template(path = "conformance.html")]
struct Page<'r> {
    report: &'r ConformanceReport,
    command: String,
}

pub(super) fn render(report: &ConformanceReport) -> String {
    let page = Page { report, command: command(report) };
    page.render().expect("the template only reads fields and writes to a string")
}
