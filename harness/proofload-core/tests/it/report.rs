//! Every format of every kind of run, as its readers see it.

use super::fixture::{self, Run};
use proofload_core::report::Report;

fn kinds() -> Vec<(&'static str, Run)> {
    vec![
        ("pass", fixture::pass()),
        ("fail", fixture::fail()),
        ("invalid", fixture::invalid()),
        ("interrupted", fixture::interrupted()),
        ("all-broken", fixture::all_broken()),
        ("empty", fixture::empty()),
    ]
}

#[test]
fn closing_lines_tell_a_run_in_five() {
    let all: Vec<String> = kinds().iter().map(|(kind, run)| format!("# {kind}\n{}\n", run.closing())).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn junit_shows_every_finding() {
    for (kind, run) in kinds() {
        insta::assert_snapshot!(format!("junit-{kind}"), run.text("junit.xml"));
    }
}

#[test]
fn the_summary_fits_a_job_page() {
    for (kind, run) in kinds() {
        let summary = run.text("summary.md");
        assert!(summary.lines().count() <= 60, "{kind}: {} lines", summary.lines().count());
        insta::assert_snapshot!(format!("summary-{kind}"), summary);
    }
}

#[test]
fn a_report_reads_back_as_it_was() {
    for (kind, run) in kinds() {
        assert_eq!(Report::from_json(&run.text("report.json")).unwrap(), run.judged(), "{kind}");
    }
    assert!(Report::from_json("{}").unwrap_err().contains("proofload judge"));
}

/// Leaves run folders for other programs' readers and for the eye: `PROOFLOAD_REPORTS_OUT=DIR`.
#[test]
fn folders_are_left_for_other_readers_where_asked() {
    let Some(out) = std::env::var_os("PROOFLOAD_REPORTS_OUT") else { return };
    for (kind, run) in kinds() {
        let folder = std::path::Path::new(&out).join(kind);
        std::fs::create_dir_all(&folder).unwrap();
        for file in run.files() {
            std::fs::write(folder.join(file.name), file.content).unwrap();
        }
    }
}
