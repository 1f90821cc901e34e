//! What shards are told and what they tell; everything can travel between processes.

use std::collections::BTreeMap;

use proofload_core::evidence::{Fate, GapEvidence, Histogram, SlowSample};
use proofload_core::judge::BurnCount;
use serde::{Deserialize, Serialize};

use super::checks::CheckTotals;
use super::journal::JournalLine;
use super::recent::RecentTimes;
use super::second::ClosedSecond;
use crate::audit::Found;
use crate::cross_check::CrossCheck;

/// What a shard is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Control {
    /// Look once more at every open job, hand everything over and end.
    Finish,
}

/// What a shard tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum GeneratorEvent {
    /// Figures of the moment.
    Tick(Tick),
    /// Seconds that will not change any more.
    Closed(Vec<ClosedSecond>),
    /// A line for the journal of jobs.
    Journal(JournalLine),
    /// The shared iterations of a workload are done, or its time is over, at this moment of the run.
    IterationsEnded { workload: usize, ended_ns: u64 },
    /// Nothing more will be sent.
    LoadEnded,
    /// Everything was handed over; the shard ends.
    Finished(Box<Outcome>),
    /// This shard is gone and takes its share of the load with it, in a sentence.
    Lost(String),
}

/// Figures of the moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tick {
    /// When these figures were true, ms from the start of the run.
    pub(crate) at_ms: u64,
    pub(crate) due: u64,
    pub(crate) dispatched: u64,
    pub(crate) dropped: u64,
    pub(crate) answered: u64,
    pub(crate) errors: u64,
    pub(crate) in_flight: u64,
    pub(crate) passes: u64,
    /// Response times of the last second.
    pub(crate) recent: RecentTimes,
    pub(crate) jobs_open: u64,
    pub(crate) jobs_ended: u64,
    /// What the abort rules have counted, in the order of the scenario.
    pub(crate) burns: Vec<BurnCount>,
}

/// What is left when a shard ends.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) due: u64,
    pub(crate) dispatched: u64,
    pub(crate) dropped: u64,
    pub(crate) wake_lag: Histogram,
    /// By workload.
    pub(crate) gaps: BTreeMap<usize, GapEvidence>,
    pub(crate) local_failures: u64,
    pub(crate) polls: u64,
    pub(crate) poll_failures: u64,
    /// Shards that were lost on the way.
    pub(crate) lost: u64,
    /// What the self-audits of other processes found.
    pub(crate) watched: Vec<Found>,
    pub(crate) jobs: Vec<JobOutcome>,
    /// Ids that were given out twice, by flow.
    pub(crate) duplicated: BTreeMap<String, u64>,
    /// By step, then by class.
    pub(crate) error_classes: BTreeMap<usize, BTreeMap<String, u64>>,
    /// By step, then by the check's words.
    pub(crate) checks: CheckTotals,
    /// The slowest samples by step.
    pub(crate) slowest: BTreeMap<usize, Vec<SlowSample>>,
    /// What another engine that sent the load says of it.
    pub(crate) cross_check: Option<CrossCheck>,
}

/// What became of one job, as far as a shard knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobOutcome {
    /// Its id.
    pub(crate) id: String,
    /// Its flow.
    pub(crate) flow: String,
    /// Intended start of its pass, ms from the start of the run.
    pub(crate) at_ms: u64,
    /// What became of it so far.
    pub(crate) fate: Fate,
    /// The last state word seen.
    pub(crate) last_state: String,
    /// The last poll that could be read showed a state that is not an end.
    pub(crate) claims_work: bool,
    /// The last poll told nothing: no answer, or one that says nothing of the job (429, 401, 5xx).
    pub(crate) unreadable: bool,
}
