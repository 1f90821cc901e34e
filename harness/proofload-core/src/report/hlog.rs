//! `latency.hlog`: a `HdrHistogram` interval log with one line per second and step, tagged with the step's name, for
//! every reader of that format. Values are microseconds; the maximum column is in milliseconds.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::evidence::{RunRecord, Second, StepEvidence, StepKind};

pub(super) fn render(record: &RunRecord) -> Vec<u8> {
    let tags = tags(&record.steps);
    let mut lines: Vec<(&Second, &str)> = Vec::new();
    for (step, tag) in record.steps.iter().zip(&tags) {
        lines.extend(step.seconds.iter().filter(|second| second.answered > 0).map(|second| (second, tag.as_str())));
    }
    // Readers expect ascending times; the sort is stable, so steps keep their order within a second.
    lines.sort_by_key(|(second, _)| second.at);
    let mut log = Vec::new();
    write(&lines, record.run.started_unix_ms, &mut log).expect("writing to memory cannot fail");
    log
}

fn write(lines: &[(&Second, &str)], started_unix_ms: u64, log: &mut Vec<u8>) -> Result<(), std::io::Error> {
    let mut serializer = V2DeflateSerializer::new();
    // Readers of other languages ask for the version line, which this writer leaves out.
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("Response times from the intended start, in microseconds; tag = step, `job:` before jobs.")
        .with_start_time(UNIX_EPOCH + Duration::from_millis(started_unix_ms))
        .with_max_value_divisor(1000.0)
        .begin_log_with(log, &mut serializer)?;
    for (second, tag) in lines {
        let start = Duration::from_secs(u64::from(second.at));
        writer
            .write_histogram(&second.response.thaw(), start, Duration::from_secs(1), Tag::new(tag))
            .map_err(|error| std::io::Error::other(error.to_string()))?;
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
