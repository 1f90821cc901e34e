//! The one contract between doing and telling: everything a run says while it goes.

use std::path::PathBuf;

use proofload_core::conformance::{ConformanceProfile, Outcome};

pub use proofload_core::live::{Figures as Progress, PhaseWord as Phase};

/// What a run says while it goes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A process was started and answers.
    ProcessReady {
        /// Its name.
        name: String,
        /// Its address.
        address: String,
    },
    /// A secret lies in a file for the length of the run.
    SecretReady {
        /// Its name.
        name: String,
        /// Where.
        path: PathBuf,
    },
    /// A system can be reached.
    SystemReady {
        /// Its name.
        name: String,
        /// Its base URL.
        url: String,
    },
    /// Once a second.
    Progress(Progress),
    /// The number of replicas asked for changed.
    Scaled {
        /// `Deployment/name`.
        target: String,
        /// Before.
        from: u32,
        /// After.
        to: u32,
        /// Why, in the controller's words.
        reason: String,
    },
    /// A check of a contract has come out.
    Checked {
        /// The system.
        system: String,
        /// The contract.
        profile: ConformanceProfile,
        /// The check.
        id: String,
        /// What came of it.
        outcome: Outcome,
        /// How many of this contract have come out, this one included.
        done: u64,
        /// How many of this contract are carried out.
        total: u64,
    },
    /// Something worth knowing that stops nothing.
    Warning {
        /// A sentence.
        text: String,
    },
    /// Something worth knowing that is as it should be.
    Note {
        /// A sentence.
        text: String,
    },
    /// A file of the run folder was written.
    Saved {
        /// Where.
        path: PathBuf,
    },
}
