//! Was accepted work lost or doubled? Judged always, whether the scenario asks or not.

use super::finding::{Figure, Finding, Group, Outcome};
use crate::evidence::{LedgerEvidence, RunRecord};
use crate::scenario::{Scenario, Sli};

/// The count an objective on the ledger is about.
pub(super) fn count(sli: &Sli, record: &RunRecord) -> u64 {
    let pick: fn(&LedgerEvidence) -> u64 = match sli {
        Sli::LedgerLost => |ledger| ledger.lost,
        Sli::LedgerDuplicated => |ledger| ledger.duplicated,
        _ => |ledger| ledger.unsettled,
    };
    record.ledgers.iter().map(pick).sum()
}

/// How many jobs all ledgers hold.
pub(super) fn accepted(record: &RunRecord) -> u64 {
    record.ledgers.iter().map(|ledger| ledger.accepted).sum()
}

/// The findings that need no rule: nothing lost, nothing doubled, everything settled.
pub(super) fn always(scenario: &Scenario, record: &RunRecord) -> Vec<Finding> {
    let asked = |sli: &Sli| scenario.slos.iter().any(|slo| slo.sli == *sli);
    let mut findings = Vec::new();
    for sli in [Sli::LedgerLost, Sli::LedgerDuplicated] {
        if !asked(&sli) && accepted(record) > 0 {
            findings.push(judge_count(&sli, 0.0, record));
        }
    }
    let unsettled = count(&Sli::LedgerUnsettled, record);
    if unsettled > 0 && !asked(&Sli::LedgerUnsettled) {
        findings.push(Finding::plain(
            Group::Ledger,
            "ledger.unsettled",
            "every accepted job reaches an end".to_owned(),
            Outcome::Inconclusive,
            format!(
                "{unsettled} jobs had not ended when the drain did, and work was still there; give `drain` more time"
            ),
        ));
    }
    findings
}

/// Judges a count of jobs against its bound.
pub(super) fn judge_count(sli: &Sli, max: f64, record: &RunRecord) -> Finding {
    let (value, accepted) = (count(sli, record), accepted(record));
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    let measured = value as f64;
    let outcome = match (accepted, measured > max) {
        (_, true) => Outcome::Fail,
        (0, false) => Outcome::Inconclusive,
        _ => Outcome::Pass,
    };
    let what = match sli {
        Sli::LedgerLost => "lost",
        // What is measured: two submissions that were given the same id.
        Sli::LedgerDuplicated => "given an id twice",
        _ => "unsettled",
    };
    let message = match outcome {
        Outcome::Inconclusive => "no job was accepted, so nothing could be lost".to_owned(),
        Outcome::Fail => format!("{value} of {accepted} accepted jobs {what}{}", named(sli, record)),
        _ => format!("{value} of {accepted} accepted jobs {what}"),
    };
    Finding {
        figure: Some(Figure { value: Some(measured), interval: None, limit: max, unit: "jobs".to_owned() }),
        samples: accepted,
        ..Finding::plain(Group::Ledger, &sli.to_string(), format!("{sli} ≤ {max}"), outcome, message)
    }
}

/// The first few jobs a failed rule is about.
fn named(sli: &Sli, record: &RunRecord) -> String {
    let fate = match sli {
        Sli::LedgerLost => crate::evidence::Fate::Lost,
        Sli::LedgerUnsettled => crate::evidence::Fate::Unsettled,
        _ => return String::new(),
    };
    let jobs: Vec<String> = record
        .ledgers
        .iter()
        .flat_map(|ledger| &ledger.notable)
        .filter(|entry| entry.fate == fate)
        .take(3)
        .map(|entry| format!("{} (last seen `{}`)", entry.id, entry.last_state))
        .collect();
    if jobs.is_empty() { String::new() } else { format!(": {}", jobs.join(", ")) }
}
