//! What a run left behind, on one time axis. [`RunRecord`] is all that the judge sees and all that is stored.

mod audit;
mod conformance;
mod gaps;
mod histogram;
mod ledger;
mod slowest;
mod stored;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::Prices;
use crate::plan::PlannedWorkload;

pub use audit::{AuditEvidence, Calibration, Standstill, worse, worse_of_each};
pub use conformance::{CheckEvidence, ConformanceAnswer, ConformanceEvidence};
pub use gaps::GapEvidence;
pub(crate) use histogram::Sum;
pub use histogram::{Histogram, MICROS_MAX, micros_to_ms};
pub use ledger::{Fate, LedgerEntry, LedgerEvidence};
pub use slowest::{SLOWEST_MAX, SlowSample, keep_slowest};
pub(crate) use stored::Reader;

/// Everything a run left behind; enough to judge it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// [`crate::API_VERSION`].
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Who ran what, where and when.
    pub run: RunInfo,
    /// What was planned.
    pub plan: Vec<PlannedWorkload>,
    /// Timed steps, and jobs as steps of their own.
    pub steps: Vec<StepEvidence>,
    /// One ledger per flow that holds jobs.
    pub ledgers: Vec<LedgerEvidence>,
    /// Queue depth, replicas and other series, and marks.
    pub timeline: Timeline,
    /// The instruments' own signals.
    pub generator: GeneratorEvidence,
    /// What the autoscaler saw and did.
    pub cluster: Option<ClusterEvidence>,
    /// What Prometheus answered to the queries of the rules; empty where the environment has none.
    #[serde(default)]
    pub external: Vec<ExternalEvidence>,
    /// The prices that the environment states, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// The rule that ended the run early, if one did.
    #[serde(default)]
    pub aborted: Option<Aborted>,
    /// What the checks of contracts showed after the load, in the order of the scenario's clauses; empty where it asks
    /// for none, and while they are still to be carried out.
    #[serde(default)]
    pub conformance: Vec<ConformanceEvidence>,
}

/// Why a run ended before its plan did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aborted {
    /// The rule in words.
    pub rule: String,
    /// When, milliseconds from the start of the run.
    pub at_ms: u64,
    /// What was seen, in a sentence.
    pub why: String,
}

/// What Prometheus answered to one query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalEvidence {
    /// The query, as the rule has it.
    pub query: String,
    /// What came of it.
    pub answer: ExternalAnswer,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExternalAnswer {
    /// Points of (milliseconds from the start, value), ascending; those that were no numbers are left out.
    Points(Vec<(u64, f64)>),
    /// No figure, and why.
    Failed(String),
}

/// Who ran what, where and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    /// Folder name and label.
    pub id: String,
    /// Start of the time axis, milliseconds since 1970 (UTC).
    pub started_unix_ms: u64,
    /// Length so far, milliseconds from the start of the axis, drain included.
    pub lasted_ms: u64,
    /// How it ended.
    pub end: RunEnd,
    /// Scenario name.
    pub scenario: String,
    /// Its description.
    pub description: String,
    /// Environment name.
    pub environment: String,
    /// SHA-256 over scenario, environment, machine and scale, hex: runs with the same one may be compared.
    pub environment_hash: String,
    /// Everything random came from it.
    pub seed: u64,
    /// proofload's version.
    pub version: String,
    /// The command that repeats this run.
    pub command: String,
    /// The machine in words: cores, kernel.
    pub machine: String,
    /// How sure steady claims of this run must be, in place of what each rule says: a search asks less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// Still going when this was written: proofload itself was killed.
    Running,
    /// Plan and drain ran to their ends.
    Completed,
    /// Somebody stopped it.
    Interrupted,
    /// A rule with `abort_on_fail` was plainly broken.
    Aborted,
}

/// What a line of evidence times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// A request of a flow.
    Request,
    /// A job from the intended start of its flow to its end.
    Job,
}

/// All seconds of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEvidence {
    /// What is timed.
    pub kind: StepKind,
    /// The request's name; of a job, the flow's.
    pub name: String,
    /// The limits that lateness was counted against, nanoseconds, ascending; from the scenario's rules.
    pub limits_ns: Vec<u64>,
    /// Closed seconds, ascending.
    pub seconds: Vec<Second>,
    /// What went wrong how often: `status 503`, `timed-out`, `no /id in the answer`.
    #[serde(default)]
    pub error_classes: BTreeMap<String, u64>,
    /// Checks of the request by their words. One that was due and not seen to hold has failed, so a request without
    /// an answer fails all of its checks.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckCounts>,
    /// The slowest samples of the run, slowest first.
    #[serde(default)]
    pub slowest: Vec<SlowSample>,
}

/// How often a check held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckCounts {
    /// It held.
    pub passed: u64,
    /// It did not, or there was no answer to look at.
    pub failed: u64,
}

/// What was due in one second. A sample belongs to the second of its *intended* start, whenever it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Seconds from the start of the run.
    pub at: u32,
    /// How many were due; `due = answered + broken + dropped`.
    pub due: u64,
    /// Got a whole answer, right or wrong. Of jobs: reached an end.
    pub answered: u64,
    /// Among the answered, those with a wrong status or a failed check. Of jobs: ended in failure.
    pub errors: u64,
    /// No whole answer: refused, reset, timed out. Of jobs: never seen to end.
    pub broken: u64,
    /// Never started, because too much was in flight.
    pub dropped: u64,
    /// For each limit of the step, how many were later; broken and dropped ones are later than any.
    pub late: Vec<u64>,
    /// Sum of response times of the answered, µs.
    pub response_sum_us: u64,
    /// Sum of squares of response times of the answered, µs².
    pub response_squares_us2: f64,
    /// Response time of the answered: end − intended start, µs.
    pub response: Histogram,
    /// Service time of the answered: end − send, µs.
    pub service: Histogram,
    /// From dispatch to send: no connection was free, µs. Of jobs: from the intended start until accepted.
    pub queue_wait: Histogram,
    /// From send to the first byte of the answer, µs; the first part of service time. Empty for jobs.
    #[serde(default)]
    pub first_byte: Histogram,
    /// From the first byte of the answer to its last, µs; the rest of service time. Empty for jobs.
    #[serde(default)]
    pub body: Histogram,
}

/// Named series and marks on the run's time axis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// Name, then points of (milliseconds from the start, value).
    pub series: BTreeMap<String, Vec<(u64, f64)>>,
    /// What happened when.
    pub marks: Vec<Mark>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Milliseconds from the start.
    pub at_ms: u64,
    /// In a few words.
    pub text: String,
}

/// Signals about proofload itself. Only these can make a run invalid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorEvidence {
    /// Arrivals that were due.
    pub due: u64,
    /// Arrivals that were dispatched to a connection or its queue.
    pub dispatched: u64,
    /// Arrivals never dispatched because the waiting line was full: the target's doing while the signals are clean.
    pub dropped: u64,
    /// Dispatch − intended start: the generator's own lateness, µs.
    pub wake_lag: Histogram,
    /// Gaps between arrivals by workload; only open workloads have planned ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gaps: BTreeMap<String, GapEvidence>,
    /// Share of wall time that the busiest generator thread computed, per second of the run.
    pub thread_busy: Vec<f64>,
    /// Share of wall time that generator threads were runnable and not run; `None` where the kernel does not say.
    pub run_queue_delay: Option<f64>,
    /// Highest machine-wide CPU pressure (`some avg10`, percent); `None` where the kernel does not say.
    pub cpu_pressure: Option<f64>,
    /// Connections that this machine had no port, file descriptor or memory for.
    #[serde(default)]
    pub local_failures: u64,
    /// Polls of jobs, counted apart from the load.
    pub polls: u64,
    /// Polls that got no usable answer.
    pub poll_failures: u64,
    /// Collector readings that failed.
    pub collector_failures: u64,
    /// Collector readings that were due.
    pub collector_readings: u64,
    /// Shards that sent the load between them.
    #[serde(default)]
    pub shards: u64,
    /// Shards that were lost on the way, and their share of the load with them.
    #[serde(default)]
    pub lost: u64,
    /// What proofload read of itself, its machine and its clocks; `None` in records that did not hold it yet.
    #[serde(default)]
    pub audit: Option<AuditEvidence>,
    /// What the check before the first request showed; `None` in records that did not hold it yet.
    #[serde(default)]
    pub calibration: Option<Calibration>,
}

/// What the autoscaler of a workload saw and did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterEvidence {
    /// `local`, or the Kubernetes context.
    pub kind: String,
    /// Cluster seconds per wall second.
    pub speed: f64,
    /// One entry per scaled workload.
    pub workloads: Vec<ScaledWorkload>,
}

/// The trajectory of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledWorkload {
    /// `Deployment/name`.
    pub target: String,
    /// The autoscaler in words: `keda-hpa-ml-inference 1–5 on s0-rabbitmq-medical_data = 10`.
    pub autoscaler: String,
    /// Fewest replicas.
    pub replicas_min: u32,
    /// Most replicas.
    pub replicas_max: u32,
    /// Every decision.
    pub syncs: Vec<ScalingSync>,
    /// Replicas over time.
    pub replicas: Vec<ReplicaPoint>,
}

/// One decision of the autoscaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalingSync {
    /// Milliseconds of wall time from the start of the run; may be negative before it.
    pub at_ms: i64,
    /// The metric as read; `None` if it could not be read.
    pub metric: Option<f64>,
    /// Replicas before.
    pub current: u32,
    /// Replicas asked for.
    pub desired: u32,
    /// The controller's reason.
    pub reason: String,
}

/// Replicas at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicaPoint {
    /// Milliseconds of wall time from the start of the run; may be negative before it.
    pub at_ms: i64,
    /// Asked for.
    pub desired: u32,
    /// Ready.
    pub ready: u32,
}

impl RunRecord {
    /// The evidence of a request step or a job.
    pub fn step(&self, kind: StepKind, name: &str) -> Option<&StepEvidence> {
        self.steps.iter().find(|step| step.kind == kind && step.name == name)
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// A sentence, if the text is not a record of this version.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let record: RunRecord = serde_json::from_str(text).map_err(|error| format!("not a run record: {error}"))?;
        if record.api_version != crate::API_VERSION {
            return Err(format!(
                "the record is of {}, and this proofload reads {}",
                record.api_version,
                crate::API_VERSION
            ));
        }
        record.check_shape()?;
        Ok(record)
    }

    /// Whether the record was made with this scenario: the judge goes by positions in both.
    ///
    /// # Errors
    /// A sentence naming the first difference.
    pub fn fits(&self, scenario: &crate::scenario::Scenario) -> Result<(), String> {
        let planned = self.plan.iter().map(|workload| (workload.name.as_str(), workload.stages.len()));
        let written = scenario.workloads.iter().map(|workload| (workload.name.as_str(), workload.stretches().len()));
        if planned.eq(written) {
            return Ok(());
        }
        Err(format!("the record was made with other workloads or stages than `{}` has", scenario.name))
    }

    /// Damage that would otherwise read as something else: short counts, histograms that cannot be read.
    fn check_shape(&self) -> Result<(), String> {
        let mut reader = Reader::new();
        self.generator.wake_lag.check(&mut reader)?;
        for gaps in self.generator.gaps.values() {
            gaps.planned.check(&mut reader)?;
            gaps.dispatched.check(&mut reader)?;
        }
        for step in &self.steps {
            for second in &step.seconds {
                if second.late.len() != step.limits_ns.len() {
                    return Err(format!("second {} of `{}` is damaged", second.at, step.name));
                }
                for histogram in second.histograms() {
                    histogram.check(&mut reader)?;
                }
            }
        }
        Ok(())
    }

    /// The record as it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record holds only numbers, texts and lists")
    }
}

impl Second {
    fn histograms(&self) -> [&Histogram; 5] {
        [&self.response, &self.service, &self.queue_wait, &self.first_byte, &self.body]
    }
}

impl StepEvidence {
    /// The seconds that lie wholly between two moments, nanoseconds from the start.
    pub fn within(&self, (from_ns, to_ns): (u64, u64)) -> impl Iterator<Item = &Second> + Clone {
        let (from, to) = (from_ns.div_ceil(1_000_000_000), to_ns / 1_000_000_000);
        self.seconds.iter().filter(move |second| (from..to).contains(&u64::from(second.at)))
    }

    /// The index of a limit in every second's `late`.
    pub fn limit_index(&self, limit_ns: u64) -> Option<usize> {
        self.limits_ns.iter().position(|limit| *limit == limit_ns)
    }
}
