//! A run as `JMeter`'s CSV results (JTL), so that its tooling can read it. The record keeps counts and histograms of each
//! second and no single samples, so a row is rebuilt for each: its time is the histogram's, to the millisecond; its
//! moment within the second, and which of the second's answers were the wrong ones, are spread evenly.

mod rows;

use std::io::{self, Write};

use super::labels;
use crate::evidence::{RunRecord, Second, StepEvidence};
use rows::{Bucketed, Row};

/// Most samples that get a row each. Above, a row stands for all equal samples of a second and says how many in
/// `SampleCount` and `ErrorCount`.
pub const JTL_ROWS_MAX: u64 = 5_000_000;

const HEADER: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,failureMessage,bytes,\
grpThreads,allThreads,Latency,Connect";

/// A step with what all of its rows share.
struct Labelled<'r> {
    evidence: &'r StepEvidence,
    label: String,
    /// What stands for the time of those that have none: above all that were answered, and above every limit.
    beyond_ms: u64,
}

/// Writes row by row; a second is held in memory at most.
pub(super) fn write(record: &RunRecord, out: &mut dyn Write) -> io::Result<()> {
    write_up_to(JTL_ROWS_MAX, record, out)
}

fn write_up_to(rows_max: u64, record: &RunRecord, out: &mut dyn Write) -> io::Result<()> {
    let names = record.steps.iter().map(|step| labels::of_step(step.kind, &step.name));
    let labelled = |(evidence, label)| Labelled { evidence, label, beyond_ms: beyond_ms(evidence) };
    let steps: Vec<Labelled<'_>> = record.steps.iter().zip(labels::unique(names)).map(labelled).collect();
    let seconds = in_order(&steps);
    let samples = seconds.iter().fold(0u64, |sum, (_, second)| sum.saturating_add(rows::samples(second)));
    let folded = samples > rows_max;
    out.write_all(HEADER.as_bytes())?;
    out.write_all(if folded { b",SampleCount,ErrorCount\n" } else { b"\n" })?;
    for together in seconds.chunk_by(|(_, one), (_, other)| one.at == other.at) {
        let starts_ms = record.run.started_unix_ms.saturating_add(u64::from(together[0].1.at) * 1000);
        let mut rows: Vec<(&Labelled<'_>, Row)> = Vec::new();
        for (step, second) in together {
            let bucketed = Bucketed::of(second, step.beyond_ms);
            let of_step: Box<dyn Iterator<Item = Row>> =
                if folded { Box::new(bucketed.folded().into_iter()) } else { Box::new(bucketed.single()) };
            rows.extend(of_step.map(|row| (*step, row)));
        }
        rows.sort_by_key(|(_, row)| row.offset_ms);
        for (step, row) in rows {
            write_row(out, starts_ms, step, &row, folded)?;
        }
    }
    out.flush()
}

/// Readers expect ascending times.
fn in_order<'s, 'r>(steps: &'s [Labelled<'r>]) -> Vec<(&'s Labelled<'r>, &'r Second)> {
    let of = |step: &'s Labelled<'r>| step.evidence.seconds.iter().map(move |second| (step, second));
    let mut seconds: Vec<(&Labelled<'r>, &Second)> = steps.iter().flat_map(of).collect();
    seconds.sort_by_key(|(_, second)| second.at);
    seconds
}

fn beyond_ms(step: &StepEvidence) -> u64 {
    let longest = step.seconds.iter().map(|second| second.response.thaw().max()).max().unwrap_or(0);
    let limit = step.limits_ns.last().copied().unwrap_or(0);
    (longest / 1000).max(limit / 1_000_000).saturating_add(1)
}

fn write_row(out: &mut dyn Write, starts_ms: u64, step: &Labelled<'_>, row: &Row, folded: bool) -> io::Result<()> {
    let (code, message) = row.fate.words();
    let at_ms = starts_ms.saturating_add(row.offset_ms);
    let success = row.fate.is_success();
    let failure = if success { "" } else { message };
    let label = quoted(&step.label);
    write!(out, "{at_ms},{},{label},{code},{message},proofload 1-1,{success},{failure},0,1,1,0,0", row.elapsed_ms)?;
    if folded {
        write!(out, ",{},{}", row.count, if success { 0 } else { row.count })?;
    }
    out.write_all(b"\n")
}

/// A label as a CSV field; it holds no quotation mark and no line end.
fn quoted(label: &str) -> String {
    if label.contains(',') { format!("\"{label}\"") } else { label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Histogram, RunEnd, RunInfo, StepKind, Timeline};

    fn record() -> RunRecord {
        let mut response = Histogram::live();
        for micros in [1_400, 1_600, 20_000, 20_000, 20_000] {
            response.record(micros).unwrap();
        }
        let second = Second {
            at: 3,
            due: 8,
            answered: 5,
            errors: 1,
            broken: 2,
            dropped: 1,
            late: vec![3],
            response_sum_us: 0,
            response_squares_us2: 0.0,
            response: Histogram::freeze(&response),
            service: Histogram::default(),
            queue_wait: Histogram::default(),
            first_byte: Histogram::default(),
            body: Histogram::default(),
        };
        let step = StepEvidence {
            kind: StepKind::Request,
            name: "a, \"b\"".to_owned(),
            limits_ns: vec![300_000_000],
            seconds: vec![second],
            error_classes: std::collections::BTreeMap::new(),
            checks: std::collections::BTreeMap::new(),
            slowest: Vec::new(),
        };
        RunRecord {
            api_version: crate::API_VERSION.to_owned(),
            run: RunInfo {
                id: "r".to_owned(),
                started_unix_ms: 1_000_000,
                lasted_ms: 4_000,
                end: RunEnd::Completed,
                scenario: "s".to_owned(),
                description: String::new(),
                environment: "e".to_owned(),
                environment_hash: String::new(),
                seed: 1,
                version: "0".to_owned(),
                command: String::new(),
                machine: String::new(),
                confidence: None,
            },
            plan: vec![],
            steps: vec![step],
            ledgers: vec![],
            timeline: Timeline::default(),
            generator: serde_json::from_str(
                r#"{"due":8,"dispatched":7,"dropped":1,"wake_lag":"","thread_busy":[],"run_queue_delay":null,
                "cpu_pressure":null,"polls":0,"poll_failures":0,"collector_failures":0,"collector_readings":0}"#,
            )
            .unwrap(),
            cluster: None,
            external: Vec::new(),
            prices: None,
            aborted: None,
            conformance: Vec::new(),
        }
    }

    fn text(rows_max: u64) -> String {
        let mut out = Vec::new();
        write_up_to(rows_max, &record(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_sample_gets_a_row() {
        insta::assert_snapshot!(text(8));
    }

    #[test]
    fn too_many_samples_share_rows() {
        insta::assert_snapshot!(text(7));
    }
}
