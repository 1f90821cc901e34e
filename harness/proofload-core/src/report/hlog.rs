//! `latency.hlog`: a `HdrHistogram` interval log with one line per second and step, tagged with the step's name, for
//! every reader of that format. Values are microseconds; the maximum column is in milliseconds. A line ends with the
//! histogram as the record holds it, which is in this very encoding.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::evidence::{Reader, RunRecord, Second, StepEvidence, StepKind, micros_to_ms};

/// What every reader looks for at the top; some ask for the version line.
const HEAD: &str = "#[Histogram log format version 1.3]
#Response times from the intended start, in microseconds; tag = step, `job:` before jobs.
";

pub(super) fn render(record: &RunRecord) -> Vec<u8> {
    let tags = tags(&record.steps);
    let mut lines: Vec<(&Second, &str)> = Vec::new();
    for (step, tag) in record.steps.iter().zip(&tags) {
        lines.extend(step.seconds.iter().map(|second| (second, tag.as_str())));
    }
    // Readers expect ascending times; the sort is stable, so steps keep their order within a second.
    lines.sort_by_key(|(second, _)| second.at);
    let mut log = HEAD.to_owned();
    write(&lines, record.run.started_unix_ms, &mut log).expect("writing to memory cannot fail");
    log.into_bytes()
}

fn write(lines: &[(&Second, &str)], started_unix_ms: u64, log: &mut String) -> std::fmt::Result {
    let (whole_s, rest_ms) = (started_unix_ms / 1000, started_unix_ms % 1000);
    writeln!(log, "#[StartTime: {whole_s}.{rest_ms:03} (seconds since epoch)]")?;
    writeln!(log, "#[MaxValueDivisor: 1000.000]")?;
    let mut reader = Reader::new();
    for (second, tag) in lines {
        if let Some(longest) = second.response.longest(&mut reader) {
            let (at, longest_ms, times) = (second.at, micros_to_ms(longest), second.response.text());
            writeln!(log, "Tag={tag},{at}.000,1.000,{longest_ms:.3},{times}")?;
        }
    }
    Ok(())
}

/// One tag per step, each different, free of what the format cannot hold.
fn tags(steps: &[StepEvidence]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let unique = |step: &StepEvidence| {
        let mut tag = tag(step);
        while !taken.insert(tag.clone()) {
            tag.push('~');
        }
        tag
    };
    steps.iter().map(unique).collect()
}

fn tag(step: &StepEvidence) -> String {
    let fits = |c: char| if c == ',' || c.is_whitespace() || c.is_control() { '_' } else { c };
    let name: String = step.name.chars().map(fits).collect();
    match step.kind {
        StepKind::Request => name,
        StepKind::Job => format!("job:{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn tags_fit_the_format_and_stay_apart() {
        let step = |kind, name: &str| StepEvidence {
            kind,
            name: name.to_owned(),
            limits_ns: vec![],
            seconds: vec![],
            error_classes: BTreeMap::new(),
            checks: BTreeMap::new(),
            slowest: vec![],
        };
        let steps = [
            step(StepKind::Request, "a b,c"),
            step(StepKind::Request, "a_b_c"),
            step(StepKind::Job, "a_b_c"),
            step(StepKind::Request, "\u{a0}é\n"),
        ];
        assert_eq!(tags(&steps), ["a_b_c", "a_b_c~", "job:a_b_c", "_é_"]);
    }
}
