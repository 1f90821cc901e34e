//! The report in four formats, one file each. JSON is the canonical one; the others are made from the same data.

mod html;
mod json;
mod junit;
mod markdown;

use super::ConformanceReport;

/// Every format: file name and content.
pub fn files(report: &ConformanceReport) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("conformance.json", json::render(report).into_bytes()),
        ("conformance.junit.xml", junit::render(report).into_bytes()),
        ("conformance.md", markdown::render(report).into_bytes()),
        ("conformance.html", html::render(report).into_bytes()),
    ]
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
    fn json_reads_back() {
        let (_, content) = files(&sample()).remove(0);
        assert_eq!(serde_json::from_slice::<ConformanceReport>(&content).unwrap(), sample());
    }
}
