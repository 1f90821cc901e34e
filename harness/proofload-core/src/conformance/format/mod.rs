//! The report in five formats, one file each. JSON is the canonical one; the others are made from the same data.

mod html;
mod json;
mod junit;
mod markdown;
mod sarif;

use super::ConformanceReport;

/// Every format: file name and content.
pub fn files(report: &ConformanceReport) -> Vec<(&'static str, Vec<u8>)> {
    let shown = printable(report);
    vec![
        ("conformance.json", json::render(report).into_bytes()),
        ("conformance.junit.xml", junit::render(&shown).into_bytes()),
        ("conformance.md", markdown::render(&shown).into_bytes()),
        ("conformance.html", html::render(&shown).into_bytes()),
        ("conformance.sarif", sarif::render(&shown).into_bytes()),
    ]
}

/// Most characters of a text outside of the canonical format.
const TEXT_MAX: usize = 20_000;

/// The report without what could harm a page, a terminal or a parser: much of it came over the wire.
fn printable(report: &ConformanceReport) -> ConformanceReport {
    let mut shown = report.clone();
    let run = &mut shown.heading;
    for text in [&mut run.profile, &mut run.target, &mut run.date, &mut shown.reason] {
        make_printable(text);
    }
    for check in &mut shown.checks {
        for text in [&mut check.id, &mut check.sentence, &mut check.source, &mut check.feature, &mut check.message] {
            make_printable(text);
        }
        check.repro.iter_mut().for_each(make_printable);
        for exchange in &mut check.exchanges {
            make_printable(&mut exchange.request);
            make_printable(&mut exchange.answer);
        }
    }
    shown
}

fn make_printable(text: &mut String) {
    let is_harmful = |c: char| match c {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => true,
        _ => c.is_control(),
    };
    if text.contains(is_harmful) || text.len() > TEXT_MAX {
        let plain = |c: char| if is_harmful(c) { '\u{fffd}' } else { c };
        *text = text.chars().take(TEXT_MAX).map(plain).collect();
    }
}

/// How to get the same report again, for readers of the two prose formats.
fn command(report: &ConformanceReport) -> String {
    let run = &report.heading;
    let strict = if run.strict { " --strict" } else { "" };
    let selected = run.selected.iter().fold(String::new(), |text, prefix| text + " --select " + prefix);
    format!("proofload conform --profile {} --target {}{strict}{selected}", run.profile, run.target)
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{heading, result};
    use super::super::{ConformanceReport, Level, Outcome};
    use super::files;

    fn sample() -> ConformanceReport {
        let checks = vec![
            result("http.path.unknown-404", Level::Must, Outcome::Fail),
            result("http.health.json", Level::Must, Outcome::Pass),
            result("gw.jwt.alg-none", Level::Must, Outcome::Skip),
            result("job.result.early-409", Level::Should, Outcome::Inconclusive),
            result("batch.submit.accepted", Level::May, Outcome::Error),
        ];
        ConformanceReport::new(heading(false), checks)
    }

    #[test]
    fn every_format_is_as_recorded() {
        for (name, content) in files(&sample()) {
            insta::assert_snapshot!(name, String::from_utf8(content).unwrap());
        }
    }

    #[test]
    fn texts_from_outside_are_harmless() {
        let odd = "<script>alert(1)</script>\"'&\u{0}\u{1b}[31m]]>\u{fffe}\n| `x` ".repeat(300);
        let mut report = sample();
        report.heading.target.clone_from(&odd);
        for check in &mut report.checks {
            (check.id, check.sentence, check.message) = (odd.clone(), odd.clone(), odd.clone());
            check.exchanges[0].answer.clone_from(&odd);
        }
        for (name, content) in files(&report) {
            let text = String::from_utf8(content).unwrap();
            assert!(!text.contains(['\u{0}', '\u{1b}']), "{name}");
            match name {
                "conformance.json" | "conformance.sarif" => {
                    serde_json::from_str::<serde_json::Value>(&text).unwrap();
                }
                // Within a code fence, markup is text.
                "conformance.md" => assert!(text.split("\n```\n").step_by(2).all(|part| !part.contains("<script"))),
                _ => assert!(!text.contains("<script") && !text.contains('\u{fffe}'), "{name}"),
            }
        }
    }

    /// Leaves the files for other programs' readers: `PROOFLOAD_REPORTS_OUT=DIR`.
    #[test]
    fn files_are_left_for_other_readers_where_asked() {
        let Some(out) = std::env::var_os("PROOFLOAD_REPORTS_OUT") else { return };
        let folder = std::path::Path::new(&out).join("conformance");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, content) in files(&sample()) {
            std::fs::write(folder.join(name), content).unwrap();
        }
    }

    #[test]
    fn json_reads_back() {
        let (_, content) = files(&sample()).remove(0);
        assert_eq!(serde_json::from_slice::<ConformanceReport>(&content).unwrap(), sample());
    }
}
