//! Every format of every kind of run, as its readers see it.

use std::sync::OnceLock;

use super::fixture::{self, Run};
use proofload_core::baseline::Baseline;
use proofload_core::report::{Format, Report, RunFile, files};

/// A run and its folder, rendered once for all tests.
struct Kind {
    name: &'static str,
    run: Run,
    files: Vec<RunFile>,
}

impl Kind {
    fn text(&self, name: &str) -> &str {
        let file = self.files.iter().find(|file| file.name == name).unwrap();
        std::str::from_utf8(&file.content).unwrap()
    }
}

fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let all = all_kinds().into_iter();
        all.map(|(name, run)| Kind { name, files: run.files(), run }).collect()
    })
}

fn html(name: &str) -> &'static str {
    kinds().iter().find(|kind| kind.name == name).unwrap().text("report.html")
}

fn all_kinds() -> Vec<(&'static str, Run)> {
    vec![
        ("pass", fixture::pass()),
        ("fail", fixture::fail()),
        ("invalid", fixture::invalid()),
        ("undecided", fixture::undecided()),
        ("priced", fixture::priced()),
        ("interrupted", fixture::interrupted()),
        ("all-broken", fixture::all_broken()),
        ("empty", fixture::empty()),
        ("odd", super::hostile::odd()),
        ("single", super::hostile::single()),
        ("contract", super::contracts::broken()),
    ]
}

#[test]
fn closing_lines_tell_a_run_in_five() {
    let all: Vec<String> = kinds().iter().map(|kind| format!("# {}\n{}\n", kind.name, kind.run.closing())).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn junit_shows_every_finding() {
    for kind in kinds() {
        insta::assert_snapshot!(format!("junit-{}", kind.name), kind.text("junit.xml"));
    }
}

#[test]
fn metrics_tell_the_headline_figures() {
    for kind in kinds() {
        insta::assert_snapshot!(format!("metrics-{}", kind.name), kind.text("metrics.txt"));
    }
}

#[test]
fn performance_is_told_as_k6_would() {
    for kind in kinds() {
        insta::assert_snapshot!(format!("performance-{}", kind.name), kind.text("performance.json"));
    }
}

/// These hold every moment of a run, so a run of one second is enough to see their shape.
#[test]
fn what_is_made_on_request_has_its_shape() {
    let run = super::hostile::single();
    insta::assert_snapshot!("jtl-single", String::from_utf8(run.rendered(Format::Jtl)).unwrap());
    let otlp: serde_json::Value = serde_json::from_slice(&run.rendered(Format::Otlp)).unwrap();
    insta::assert_snapshot!("otlp-single", serde_json::to_string_pretty(&otlp).unwrap());
}

#[test]
fn a_run_leaves_the_files_that_are_promised() {
    let left: Vec<&str> = kinds()[0].files.iter().map(|file| file.name).collect();
    let promised = ["report.html", "report.json", "junit.xml", "summary.md", "latency.hlog", "metrics.txt"];
    assert_eq!(left, [&promised[..], &["performance.json"]].concat());
    let named: Vec<&str> = Format::ALL.map(Format::file_name).into();
    assert_eq!(named[..7], left[..]);
    assert!(Format::ALL.iter().all(|format| Format::from_name(format.name()) == Some(*format)));
    for file in &kinds()[0].files {
        let format = Format::ALL.into_iter().find(|format| format.file_name() == file.name).unwrap();
        assert_eq!(kinds()[0].run.rendered(format), file.content, "{}", file.name);
    }
}

#[test]
fn the_summary_fits_a_job_page() {
    for kind in kinds() {
        let summary = kind.text("summary.md");
        assert!(summary.lines().count() <= 60, "{}: {} lines", kind.name, summary.lines().count());
        insta::assert_snapshot!(format!("summary-{}", kind.name), summary);
    }
}

#[test]
fn a_report_reads_back_as_it_was() {
    for kind in kinds() {
        assert_eq!(Report::from_json(kind.text("report.json")).unwrap(), kind.run.judged(), "{}", kind.name);
    }
    assert!(Report::from_json("{}").unwrap_err().contains("proofload judge"));
}

#[test]
fn the_page_reads_in_order_and_needs_nothing_from_outside() {
    for Kind { name: kind, files, .. } in kinds() {
        let html = std::str::from_utf8(&files[0].content).unwrap();
        let sections = ["class=\"banner", "id=\"validity\"", "id=\"rules\"", "id=\"timeline\"", "id=\"spread\""];
        let sections = sections.iter().chain(&["id=\"steps\"", "id=\"ledger\"", "id=\"scaling\""]);
        let sections = sections.chain(&["id=\"conformance\"", "id=\"slowest\"", "id=\"again\""]);
        let places: Vec<usize> = sections.map(|section| html.find(section).expect(section)).collect();
        assert!(places.is_sorted(), "{kind}: {places:?}");
        // A command that repeats a check names an address; it is text.
        let but_commands: String =
            html.split("<pre>").map(|part| part.split_once("</pre>").map_or(part, |it| it.1)).collect();
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "<script"] {
            assert!(!but_commands.contains(outside), "{kind}: {outside}");
        }
        let count = |what: &str| html.matches(what).count();
        assert_eq!(count("<h1"), 1, "{kind}");
        assert_eq!(count("<table"), count("<caption>"), "{kind}");
        assert_eq!(count("role=\"img\""), count("<svg viewBox"), "{kind}: every drawing is told in words");
        assert_eq!(count("prefers-color-scheme: dark") + count("@media print"), 2, "{kind}");
        let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{kind}: an id is used twice");
    }
}

#[test]
fn the_page_says_what_the_reader_asks() {
    for kind in ["pass", "fail", "invalid", "undecided", "contract", "priced"] {
        insta::assert_snapshot!(format!("html-{kind}"), words_of(html(kind)));
    }
}

#[test]
fn drawings_tell_their_values_when_pointed_at() {
    let html = html("fail");
    for told in [
        "<title>50 s to 52 s: due 40/s, answered 30/s, wrong 0/s, unanswered 10/s</title>",
        "<title>50 s to 52 s: 20 of 80 never answered</title>",
        "<title>uploads.peak from 20 s to 1:20: 2,400 arrivals planned</title>",
        "<title>40 s to 42 s: ready 5, desired 5</title>",
        "p95 ≤ 300 ms ✗ FAIL</text>",
    ] {
        assert!(html.contains(told), "{told}");
    }
}

#[test]
fn the_baseline_lies_under_the_spread() {
    let (run, mut before) = (fixture::fail(), fixture::pass().as_baseline());
    let page = |baseline: Option<&Baseline>| {
        let files = files(&run.judged(), &run.record, baseline);
        String::from_utf8(files[0].content.clone()).unwrap()
    };
    let alone = page(None);
    assert!(!alone.contains(">baseline<"), "no baseline was given");
    let told = page(Some(&before));
    for word in [
        "Dashed: the baseline 2026-11-21-0948-pass of 2026-11-21 09:48:12 UTC.</p>",
        "d=\"M2 5h22\"/></svg>baseline</li>",
        "<title>69.2928 % within: this run 32.3 ms, baseline 26.2 ms</title>",
    ] {
        assert!(told.contains(word), "{word}");
    }
    before.runs[0].run.environment_hash = "other".to_owned();
    before.runs[0].steps.remove(0);
    let other = page(Some(&before));
    assert!(other.contains("Its environment hash is another one"));
    assert!(other.contains("the baseline has no such step</li>"));
}

#[test]
fn cells_of_a_drawing_are_bounded_and_told() {
    let html = html("fail");
    let in_class = |class: &str| {
        let shapes = html.split(&format!("<path class=\"{class}\" d=\"")).skip(1).collect::<Vec<_>>();
        shapes.iter().map(|rest| rest.split('"').next().unwrap().matches('M').count()).sum::<usize>()
    };
    let cells: usize = ["h1", "h2", "h3", "h4", "h5"].map(in_class).iter().sum();
    // Two steps, 60 stretches of two seconds, 30 rows; the legends have five each.
    assert!((100..2 * 60 * 30).contains(&cells), "{cells}");
    assert!(html.contains("share of a stretch: under 1 %, from 1 %, 5 %, 15 %, 35 %"));
}

/// The words of a page without its drawings, a line per row or paragraph.
fn words_of(html: &str) -> String {
    let body = html.split("<body>").nth(1).unwrap();
    let mut text = String::new();
    for (index, part) in body.split("<svg").enumerate() {
        text += if index == 0 { part } else { part.split_once("</svg>").unwrap().1 };
    }
    let mut words = String::new();
    for part in text.split('<') {
        let (tag, inner) = part.split_once('>').unwrap_or(("", part));
        let cell = ["/td", "/th", "/dt", "/li", "span class=\"small"].iter().any(|end| tag.starts_with(end));
        words += if cell { " · " } else { "" };
        words += inner;
    }
    let lines = words.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Leaves run folders for other programs' readers and for the eye: `PROOFLOAD_REPORTS_OUT=DIR`.
#[test]
fn folders_are_left_for_other_readers_where_asked() {
    let Some(out) = std::env::var_os("PROOFLOAD_REPORTS_OUT") else { return };
    for kind in kinds() {
        let folder = std::path::Path::new(&out).join(kind.name);
        std::fs::create_dir_all(&folder).unwrap();
        for format in Format::ALL {
            std::fs::write(folder.join(format.file_name()), kind.run.rendered(format)).unwrap();
        }
    }
}
