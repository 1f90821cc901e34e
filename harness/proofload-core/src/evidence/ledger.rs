//! The ledger: every job's fate, and what may be said of those that never ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Accepted, and not seen to end so far.
    Open,
    /// Done.
    Succeeded,
    /// Ended in failure.
    Failed,
    /// Set aside after too many attempts.
    DeadLettered,
    /// Withdrawn.
    Cancelled,
    /// Ended by its own age.
    Expired,
    /// Not seen to end, and some witness still shows work.
    Unsettled,
    /// Not seen to end, and no witness shows any work.
    Lost,
}

impl Fate {
    /// The fate that a system's own state word stands for, once the scenario says it is a failed end.
    pub fn of_failed_word(word: &str) -> Self {
        match word {
            "dead-lettered" | "dead_lettered" | "deadlettered" => Fate::DeadLettered,
            "cancelled" | "canceled" => Fate::Cancelled,
            "expired" => Fate::Expired,
            _ => Fate::Failed,
        }
    }
}

/// The ledger of one flow when the run ended. `accepted` is the sum of all fates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerEvidence {
    /// The flow.
    pub flow: String,
    /// Jobs the system said it took.
    pub accepted: u64,
    /// Done.
    pub succeeded: u64,
    /// Ended in failure.
    pub failed: u64,
    /// Set aside.
    pub dead_lettered: u64,
    /// Withdrawn.
    pub cancelled: u64,
    /// Ended by age.
    pub expired: u64,
    /// Not seen to end while a witness still showed work.
    pub unsettled: u64,
    /// Not seen to end and no work left anywhere.
    pub lost: u64,
    /// Ids that were accepted more than once.
    pub duplicated: u64,
    /// Work that witnesses still showed after the drain; `None` if no witness could be asked.
    pub work_shown: Option<u64>,
    /// Up to 50 jobs that did not succeed.
    pub notable: Vec<LedgerEntry>,
}

/// One job worth naming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerEntry {
    /// The job's id.
    pub id: String,
    /// Its fate.
    pub fate: Fate,
    /// Intended start of its flow, milliseconds from the start of the run.
    pub at_ms: u64,
    /// The last state word seen.
    pub last_state: String,
}

/// Most jobs that are named in the evidence.
const NOTABLE_MAX: usize = 50;

impl LedgerEvidence {
    /// Enters one job with the fate it had when the drain ended.
    pub fn enter(&mut self, entry: LedgerEntry) {
        self.accepted += 1;
        *self.count(entry.fate) += 1;
        if entry.fate != Fate::Succeeded && self.notable.len() < NOTABLE_MAX {
            self.notable.push(entry);
        }
    }

    /// Splits `open` jobs by what the witnesses of work still show: `lost = open − work shown`. Where no witness
    /// could be asked, a job's own word that it waits or runs (`claims_work`) keeps it unsettled.
    ///
    /// Returns for each open job, in the given order, whether it is lost. Jobs whose last word claims no work are
    /// the first to be called lost.
    pub fn split_open(claims_work: &[bool], work_shown: Option<u64>) -> Vec<Fate> {
        let Some(shown) = work_shown else {
            let fate = |claims: &bool| if *claims { Fate::Unsettled } else { Fate::Lost };
            return claims_work.iter().map(fate).collect();
        };
        let mut order: Vec<usize> = (0..claims_work.len()).collect();
        order.sort_by_key(|job| !claims_work[*job]);
        let mut fates = vec![Fate::Lost; claims_work.len()];
        for job in order.into_iter().take(usize::try_from(shown).unwrap_or(usize::MAX)) {
            fates[job] = Fate::Unsettled;
        }
        fates
    }

    fn count(&mut self, fate: Fate) -> &mut u64 {
        match fate {
            Fate::Succeeded => &mut self.succeeded,
            Fate::Failed => &mut self.failed,
            Fate::DeadLettered => &mut self.dead_lettered,
            Fate::Cancelled => &mut self.cancelled,
            Fate::Expired => &mut self.expired,
            Fate::Open | Fate::Unsettled => &mut self.unsettled,
            Fate::Lost => &mut self.lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claims: &[bool], shown: Option<u64>, expected: &str) {
        let word = |fate: &Fate| if *fate == Fate::Lost { 'L' } else { 'u' };
        let got: String = LedgerEvidence::split_open(claims, shown).iter().map(word).collect();
        assert_eq!(got, expected, "claims {claims:?}, shown {shown:?}");
    }

    #[test]
    fn open_jobs_are_lost_beyond_the_work_that_witnesses_show() {
        check(&[true, true, true], Some(0), "LLL");
        check(&[true, false, true], Some(1), "uLL");
        check(&[false, true], Some(1), "Lu");
        check(&[true], Some(9), "u");
        check(&[true, false], None, "uL");
        check(&[], Some(3), "");
    }
}
