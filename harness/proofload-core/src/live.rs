//! What a run says while it goes, as data: the figures of a second, and one JSON object per line for programs that
//! follow a run (`proofload run --json`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conformance::{ConformanceProfile, Outcome};
use crate::judge::turns::Side;
use crate::judge::{Standing, Verdict};
use crate::pairs::RuleShift;

/// One second of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
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
    /// Response times of the last second, all requests of all generator threads together, to half a percent.
    pub response: Option<Percentiles>,
    /// Jobs accepted and not yet ended.
    pub jobs_open: u64,
    /// Jobs that ended.
    pub jobs_ended: u64,
    /// Work in all watched queues.
    pub queue: Option<f64>,
    /// Replicas of the first scaled workload.
    pub replicas: Option<Replicas>,
    /// How each rule stands, by what has ended so far.
    pub rules: Vec<Standing>,
}

/// Percentiles of response time, ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// Half are faster.
    pub p50_ms: f64,
    /// 95 in 100 are faster.
    pub p95_ms: f64,
    /// 99 in 100 are faster.
    pub p99_ms: f64,
}

/// Replicas of a scaled workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replicas {
    /// Ready to work.
    pub ready: u32,
    /// As many as the autoscaler wants.
    pub wanted: u32,
}

/// A line of `proofload run --json`. The last line of a run is a `verdict`, or an `error` where there was no run.
/// `proofload pairs --json` says the same of each of its runs, a `turn` before it, and `compared` last of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The version of this format.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// What is said.
    #[serde(flatten)]
    pub said: Said,
}

/// What a line says. New kinds and new fields may come; readers pass over those they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Said {
    /// A phase begins.
    Phase {
        /// Which.
        phase: PhaseWord,
    },
    /// A process was started and answers.
    ProcessReady {
        /// Its name.
        name: String,
        /// Its address.
        address: String,
    },
    /// A system can be reached.
    SystemReady {
        /// Its name.
        name: String,
        /// Its base URL.
        url: String,
    },
    /// Once a second while the load and the drain last.
    Second(Figures),
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
        /// The check's permanent name.
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
    /// The run is over and judged.
    Verdict {
        /// PASS, FAIL, INVALID or INCONCLUSIVE.
        verdict: Verdict,
        /// Why, in a sentence.
        reason: String,
        /// What `proofload run` ends with.
        exit_code: u8,
        /// The run's folder.
        folder: String,
        /// The report for people.
        report: String,
    },
    /// A run of a series in turns begins.
    Turn {
        /// The pair, counted from 1.
        pair: u32,
        /// Pairs that were asked for.
        pairs: u32,
        /// Which of the two runs.
        side: Side,
        /// Everything random comes from it.
        seed: u64,
    },
    /// A series in turns is over and judged.
    Compared {
        /// PASS: no slower. FAIL: slower than tolerated. INCONCLUSIVE: not to be said. INVALID: it could not be measured.
        verdict: Verdict,
        /// Why, in a sentence.
        reason: String,
        /// What the process ends with.
        exit_code: u8,
        /// Every rule that was compared.
        rules: Vec<RuleShift>,
        /// The file with all of this and every run.
        result: String,
    },
    /// There was no run.
    Error {
        /// Why, as on standard error.
        message: String,
        /// What the process ends with.
        exit_code: u8,
    },
}

/// A phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseWord {
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
    /// Carrying out the checks of contracts.
    Conformance,
    /// Stopping processes.
    Stopping,
}

impl Line {
    /// A line of this version.
    pub fn new(said: Said) -> Self {
        Self { api_version: crate::API_VERSION.to_owned(), said }
    }

    /// The line as it is written, without its end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line holds only numbers, texts and lists")
    }

    /// The JSON Schema of a line.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Line).to_value()
    }
}
