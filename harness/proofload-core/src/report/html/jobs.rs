//! What is known of jobs: how long each stage took, and every job's fate.

use super::rows::{NOTHING, ROWS_MAX, cells_ms};
use crate::evidence::{Fate, LedgerEvidence, RunRecord, StepEvidence, StepKind};
use crate::report::{Quantiles, Report, summary, words};

pub(super) struct Ledger {
    pub(super) flows: Vec<LedgerRow>,
    pub(super) notable: Vec<NotableRow>,
    pub(super) left_out: usize,
}

pub(super) struct LedgerRow {
    pub(super) flow: String,
    /// Accepted, the eight fates, ids given twice, work shown.
    pub(super) cells: Vec<String>,
}

pub(super) struct NotableRow {
    pub(super) flow: String,
    pub(super) id: String,
    pub(super) fate: &'static str,
    pub(super) at: String,
    pub(super) last_state: String,
}

/// One stage of the jobs of a flow.
pub(super) struct StageRow {
    pub(super) flow: String,
    pub(super) stage: &'static str,
    /// p50, p95, p99, max.
    pub(super) cells: Vec<String>,
}

/// The stages that can be told apart from outside: until the job was accepted, from there until it was seen to end, and
/// both together. What happens within the second, the platform alone knows.
pub(super) fn stages(report: &Report, record: &RunRecord) -> Vec<StageRow> {
    let jobs = report.steps.iter().filter(|step| step.kind == StepKind::Job && step.answered > 0).take(ROWS_MAX / 3);
    let rows = jobs.flat_map(|job| {
        let accepted = record.step(StepKind::Job, &job.name).and_then(accepted_ms);
        let row = |stage, cells| StageRow { flow: words::clip(&job.name, 120), stage, cells };
        [
            row("from the intended start until accepted", accepted.map_or(vec![NOTHING.to_owned(); 4], cells_ms)),
            row("from acceptance until seen to end", cells_ms(job.service_ms)),
            row("both", cells_ms(job.response_ms)),
        ]
    });
    rows.collect()
}

/// `None` where the record does not hold it: no acceptance takes no time at all.
fn accepted_ms(step: &StepEvidence) -> Option<Quantiles> {
    let waits = summary::quantiles(step.seconds.iter().map(|second| &second.queue_wait));
    (waits.max > 0.0).then_some(waits)
}

pub(super) fn ledger(report: &Report) -> Ledger {
    let notable = || report.ledgers.iter().flat_map(|ledger| ledger.notable.iter().map(move |entry| (ledger, entry)));
    Ledger {
        flows: report.ledgers.iter().take(ROWS_MAX).map(ledger_row).collect(),
        left_out: notable().count().saturating_sub(ROWS_MAX),
        notable: notable()
            .take(ROWS_MAX)
            .map(|(ledger, entry)| NotableRow {
                flow: words::clip(&ledger.flow, 80),
                id: words::clip(&entry.id, 120),
                fate: fate(entry.fate),
                at: super::scale::clock(super::timeline::seconds(entry.at_ms, 1e3)),
                last_state: words::clip(&entry.last_state, 80),
            })
            .collect(),
    }
}

fn ledger_row(ledger: &LedgerEvidence) -> LedgerRow {
    let counts = [
        ledger.accepted,
        ledger.succeeded,
        ledger.failed,
        ledger.dead_lettered,
        ledger.cancelled,
        ledger.expired,
        ledger.unsettled,
        ledger.lost,
        ledger.duplicated,
    ];
    let mut cells = counts.map(words::count).to_vec();
    cells.push(ledger.work_shown.map_or_else(|| words::UNKNOWN.to_owned(), words::count));
    LedgerRow { flow: words::clip(&ledger.flow, 120), cells }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Open => "open",
        Fate::Succeeded => "succeeded",
        Fate::Failed => "failed",
        Fate::DeadLettered => "dead-lettered",
        Fate::Cancelled => "cancelled",
        Fate::Expired => "expired",
        Fate::Unsettled => "unsettled",
        Fate::Lost => "lost",
    }
}
