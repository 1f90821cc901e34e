//! The one contract between doing and telling: everything a run says while it goes.

use std::path::PathBuf;

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

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Trying whether this machine can send what the plan asks for.
    Calibrating,
    /// Starting processes and waiting until they answer.
    Starting,
    /// Everything answers and is kept so.
    Holding,
    /// Sending what is due.
    Load,
    /// Waiting for open jobs and for the autoscaler.
    Drain,
    /// Stopping processes.
    Stopping,
}

/// One second of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Seconds since the axis began.
    pub at_s: u64,
    /// Seconds that the plan lasts.
    pub planned_s: u64,
    /// The stage of each workload that is under way.
    pub stages: Vec<String>,
    /// Arrivals due in the last second.
    pub due: u64,
    /// Answers in the last second.
    pub answered: u64,
    /// Wrong and missing answers since the start.
    pub errors: u64,
    /// Requests on the wire.
    pub in_flight: u64,
    /// 95th percentile of response time over the last seconds, ms.
    pub p95_ms: Option<f64>,
    /// Jobs accepted and not yet ended.
    pub jobs_open: u64,
    /// Jobs that ended.
    pub jobs_ended: u64,
    /// Work in all watched queues.
    pub queue: Option<f64>,
    /// Ready and wanted replicas of the first scaled workload.
    pub replicas: Option<(u32, u32)>,
}
