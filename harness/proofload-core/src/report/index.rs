//! The runs of a folder on one page, newest first, and how the value of each rule went over them: `index.html`, one file
//! that needs no network, and `index.md`. Runs of different scenarios are never drawn in one line.

mod trend;

use std::collections::BTreeMap;

use askama::Template;

use super::look::look;
use super::markdown::cell;
use super::{Report, RunFile, labels, words};
use crate::evidence::RunInfo;
use crate::judge::{Figure, Finding, Group, Outcome, Verdict};
use trend::Trend;

/// Most runs of a scenario that are listed and drawn; older ones are counted.
const RUNS_MAX: usize = 100;
/// Most rules of a run that are drawn.
const RULES_MAX: usize = 100;
/// Most folders that could not be read and are named.
const UNREAD_MAX: usize = 50;

/// What the index keeps of a run.
#[derive(Debug, Clone)]
pub struct IndexedRun {
    folder: String,
    run: RunInfo,
    verdict: Verdict,
    reason: String,
    /// Whether an instrument failed, so that no time and no rate of it is worth anything.
    is_void: bool,
    rules: Vec<Rule>,
}

/// A rule that has a value to follow.
#[derive(Debug, Clone)]
struct Rule {
    id: String,
    title: String,
    outcome: Outcome,
    /// Jobs that were lost stay lost whatever the instruments say.
    is_fact: bool,
    figure: Figure,
}

/// A folder that holds no run that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub folder: String,
    /// Why.
    pub why: String,
}

impl IndexedRun {
    /// What there is to index of a run; `folder` is the name of its folder beside the index.
    pub fn new(folder: String, report: &Report) -> Self {
        let rule = |finding: &Finding| {
            let figure = finding.figure.clone()?;
            let (id, title) = (words::clip(&finding.id, 300), words::clip(&finding.title, 200));
            let (outcome, is_fact) = (finding.outcome, finding.group.is_fact());
            (finding.group != Group::Validity).then_some(Rule { id, title, outcome, is_fact, figure })
        };
        Self {
            folder,
            run: report.run.clone(),
            verdict: report.verdict,
            reason: words::clip(&report.reason, 300),
            is_void: report.findings.iter().any(|finding| finding.outcome == Outcome::Invalid),
            rules: report.findings.iter().filter_map(rule).take(RULES_MAX).collect(),
        }
    }
}

/// The two files of an index; `name` is what the folder is called.
pub fn files(name: &str, runs: Vec<IndexedRun>, unread: &[Unread]) -> Vec<RunFile> {
    let page = page(name, runs, unread);
    let mut html = page.render().expect("writing to memory cannot fail").into_bytes();
    html.push(b'\n');
    vec![
        RunFile { name: "index.html", content: html },
        RunFile { name: "index.md", content: markdown(&page).into_bytes() },
    ]
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page {
    name: String,
    heading: String,
    scenarios: Vec<Section>,
    unread: Vec<Unread>,
    /// `and 3 more`; empty if all are named.
    more_unread: String,
}

/// The runs of one scenario.
struct Section {
    /// For links within the page.
    anchor: String,
    scenario: String,
    runs: Vec<Row>,
    /// What is not listed; empty if all are.
    older: String,
    trends: Vec<Trend>,
}

struct Row {
    class: &'static str,
    sign: &'static str,
    verdict: String,
    when: String,
    id: String,
    /// Percent-encoded.
    link: String,
    reason: String,
    lasted: String,
    about: String,
}

fn page(name: &str, runs: Vec<IndexedRun>, unread: &[Unread]) -> Page {
    let heading = format!("{} in {}", counted(runs.len(), "run"), words::clip(name, 120));
    let mut scenarios: BTreeMap<String, Vec<IndexedRun>> = BTreeMap::new();
    for run in runs {
        scenarios.entry(run.run.scenario.clone()).or_default().push(run);
    }
    let mut scenarios: Vec<Vec<IndexedRun>> = scenarios.into_values().collect();
    for runs in &mut scenarios {
        runs.sort_by(|a, b| (b.run.started_unix_ms, &b.folder).cmp(&(a.run.started_unix_ms, &a.folder)));
    }
    // The scenario that was run last stands first.
    scenarios.sort_by_key(|runs| std::cmp::Reverse(runs[0].run.started_unix_ms));
    let named = unread.iter().take(UNREAD_MAX);
    let named = named.map(|it| Unread { folder: words::clip(&it.folder, 120), why: words::clip(&it.why, 300) });
    let rest = unread.len().saturating_sub(UNREAD_MAX);
    Page {
        name: words::clip(name, 120),
        heading,
        scenarios: scenarios.iter().enumerate().map(|(at, runs)| section(at, runs)).collect(),
        unread: named.collect(),
        more_unread: if rest == 0 { String::new() } else { format!("and {rest} more") },
    }
}

fn section(at: usize, runs: &[IndexedRun]) -> Section {
    let newest = &runs[..runs.len().min(RUNS_MAX)];
    let older = runs.len() - newest.len();
    Section {
        anchor: format!("scenario-{at}"),
        scenario: words::clip(&runs[0].run.scenario, 120),
        runs: newest.iter().map(row).collect(),
        older: if older == 0 { String::new() } else { format!("{} not listed", counted(older, "older run")) },
        trends: trend::trends(newest),
    }
}

fn row(indexed: &IndexedRun) -> Row {
    let run = &indexed.run;
    let (class, sign) = look(indexed.verdict.outcome());
    Row {
        class,
        sign,
        verdict: indexed.verdict.to_string(),
        when: words::moment(run.started_unix_ms),
        id: words::clip(&indexed.folder, 80),
        link: format!("{}/report.html", labels::percent_encoded(&indexed.folder, "")),
        reason: indexed.reason.clone(),
        lasted: words::length(run.lasted_ms),
        about: format!("seed {}, environment {}", run.seed, words::clip(&run.environment_hash, 12)),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", words::count(count as u64), if count == 1 { "" } else { "s" })
}

fn markdown(page: &Page) -> String {
    let mut lines = vec![format!("# {}", cell(&page.heading))];
    for section in &page.scenarios {
        lines.extend([String::new(), format!("## {}", cell(&section.scenario)), String::new()]);
        lines.extend(run_lines(section));
        lines.extend(trend_lines(section));
    }
    for unread in &page.unread {
        lines.extend([String::new(), format!("Skipped: {}: {}", cell(&unread.folder), cell(&unread.why))]);
    }
    if !page.more_unread.is_empty() {
        lines.extend([String::new(), format!("Skipped: {}", page.more_unread)]);
    }
    lines.push(String::new());
    lines.join("\n")
}

fn run_lines(section: &Section) -> Vec<String> {
    let mut lines = vec!["| verdict | when | run | why |".to_owned(), "|---|---|---|---|".to_owned()];
    lines.extend(section.runs.iter().map(|row| {
        let run = format!("[{}]({})", cell(&row.id), row.link);
        format!("| {} {} | {} | {run} | {} |", row.sign, row.verdict, row.when, cell(&row.reason))
    }));
    if !section.older.is_empty() {
        lines.extend([String::new(), format!("{}.", section.older)]);
    }
    lines
}

fn trend_lines(section: &Section) -> Vec<String> {
    if section.trends.is_empty() {
        return vec![];
    }
    let heads = ["", "| rule | newest | limit | values, oldest first |", "|---|--:|--:|---|"];
    let mut lines: Vec<String> = heads.map(str::to_owned).into();
    lines.extend(section.trends.iter().map(|trend| {
        let (newest, limit) = (cell(&trend.newest), cell(&trend.limit));
        format!("| {} | {} {newest} | {limit} | {} |", cell(&trend.title), trend.sign, cell(&trend.told))
    }));
    lines
}
