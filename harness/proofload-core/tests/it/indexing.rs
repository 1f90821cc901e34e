//! The index of a folder of runs: newest first, a line for each rule, nothing that could leave its place.

use super::fixture::{self, Run};
use super::hostile::{self, ODD};
use proofload_core::report::index::{IndexedRun, Unread, files};

/// A run that began so many minutes after the first.
fn indexed(folder: &str, mut run: Run, minutes: u64) -> IndexedRun {
    run.record.run.started_unix_ms += minutes * 60_000;
    IndexedRun::new(folder.to_owned(), &run.judged())
}

fn rendered(runs: Vec<IndexedRun>, unread: &[Unread]) -> (String, String) {
    let mut files = files("reports/local", runs, unread).into_iter();
    let mut next = |name: &str| {
        let file = files.next().unwrap();
        assert_eq!(file.name, name);
        String::from_utf8(file.content).unwrap()
    };
    (next("index.html"), next("index.md"))
}

fn one_of_each() -> Vec<IndexedRun> {
    let mut other = fixture::pass();
    other.record.run.scenario = "fish.predict".to_owned();
    vec![
        indexed("run-a", fixture::pass(), 0),
        indexed("run-c", fixture::invalid(), 20),
        indexed("run-b", fixture::fail(), 10),
        indexed("run-d", fixture::pass(), 30),
        indexed("run-e", other, 5),
    ]
}

#[test]
fn runs_are_listed_newest_first_with_the_trend_of_each_rule() {
    let unread = [Unread { folder: "run-x".to_owned(), why: "report.json cannot be read".to_owned() }];
    let (html, markdown) = rendered(one_of_each(), &unread);
    insta::assert_snapshot!("index-md", markdown);
    let body = html.split("</style>").nth(1).unwrap();
    insta::assert_snapshot!("index-html", body);
    let place = |what: &str| html.find(what).unwrap_or_else(|| panic!("{what}"));
    assert!(place("run-d/report.html") < place("run-c/report.html"));
    assert!(place("run-c/report.html") < place("run-b/report.html"));
    // The values of a run whose instruments failed are no part of a trend.
    assert!(html.contains("1 void, for proofload’s instruments failed"));
    assert_eq!(html.matches("<circle").count(), html.matches("</circle>").count());
}

#[test]
fn an_index_needs_nothing_from_outside_and_keeps_odd_texts_in_their_place() {
    let unread = vec![Unread { folder: ODD.to_owned(), why: ODD.repeat(300) }; 60];
    let runs = (0..120).map(|at| indexed(&format!("{at}-{ODD}"), hostile::single(), at)).collect();
    let mut odd_runs: Vec<IndexedRun> = runs;
    odd_runs.push(indexed(ODD, hostile::odd(), 1));
    odd_runs.push(indexed("empty", fixture::empty(), 2));
    let (html, markdown) = rendered(odd_runs, &unread);
    for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script", "NaN", "\u{0}", "\u{1b}"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(!markdown.contains("<script") && !markdown.contains(['\u{0}', '\u{1b}']));
    assert!(html.contains("21 older runs not listed") && html.contains("and 10 more"), "what is cut is said");
    assert!(html.len() < 2_000_000, "{}", html.len());
    let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    assert!(links.clone().count() > 100);
    for link in links {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "%-._~/#".contains(c);
        assert!(link.chars().all(is_plain) && !link.starts_with('/'), "{link}");
    }
}

#[test]
fn a_folder_without_runs_says_so() {
    let (html, markdown) = rendered(vec![], &[]);
    assert!(html.contains("There is no run to show.") && markdown.starts_with("# 0 runs in reports/local"));
}
