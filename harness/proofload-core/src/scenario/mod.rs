//! A scenario: as written ([`written`]), then as checked (this module). Nothing downstream re-validates.

mod check;
mod check_answer;
mod check_arrivals;
mod check_bound;
mod check_conformance;
mod check_engine;
mod check_flow;
mod check_grpc;
mod check_job;
mod check_payload;
mod check_scaling;
mod check_slo;
mod check_vus;
mod check_window;
mod check_words;
mod check_workload;
mod flow;
mod grpc;
mod payload;
mod sli;
mod template;
pub mod units;
mod walk;
mod workload;
mod written;
mod written_conformance;
mod written_flow;
mod written_grpc;
mod written_payload;
mod written_workload;

use std::time::Duration;

pub(crate) use check::{check_head, check_name};
pub use flow::{Branch, Check, CheckTest, Flow, Follow, Job, Place, StateRule, Step, TextTest};
pub use grpc::{Code, GrpcCall};
pub use payload::{Content, PayloadSet, PayloadSource, Pick};
pub use sli::Sli;
pub use template::{Part, Template};
pub use walk::{Leaf, Walk};
pub use workload::{Curve, Engine, Executor, Gaps, Replay, Stage, Stretch, TraceFile, TraceUse, VuStage, Workload};

use crate::Problems;
use crate::conformance::ConformanceProfile;

/// A checked scenario: every name resolves, every number has a meaning.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Short name.
    pub name: String,
    /// What this load stands for.
    pub description: String,
    /// Payload sets, by name.
    pub payloads: Vec<PayloadSet>,
    /// Data sets, by name.
    pub data: Vec<DataSet>,
    /// Names whose values later passes use as `{{known NAME}}`, each once.
    pub known: Vec<String>,
    /// What one pass does.
    pub flows: Vec<Flow>,
    /// Which flow starts how often.
    pub workloads: Vec<Workload>,
    /// What must hold of the measurements.
    pub slos: Vec<Slo>,
    /// What the autoscaler must have done.
    pub scaling: Vec<ScalingClause>,
    /// Contracts that the systems must keep.
    pub conformance: Vec<ConformanceClause>,
    /// What a comparison with accepted runs may show.
    pub regression: Regression,
    /// How long jobs may still finish after the last arrival.
    pub drain: Duration,
}

/// What a comparison with accepted runs may show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regression {
    /// How much worse a time or a rate may be, as a share.
    pub tolerance: f64,
}

/// A file of rows, one of which every pass uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// Name in templates.
    pub name: String,
    /// The file, relative to the scenario's folder.
    pub file: String,
    /// How a row is picked.
    pub pick: DataPick,
    /// The columns that flows use, each once.
    pub columns: Vec<String>,
}

/// How a row is picked for each pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataPick {
    /// One after the other, by the number of the pass within its workload.
    Cycle,
    /// Each as likely.
    Uniform,
}

/// A request and what its answer must be.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name, unique in the scenario; `latency(name)`.
    pub name: String,
    /// Its number among all requests of the scenario, from 0: its place in [`Scenario::step_names`].
    pub index: usize,
    /// HTTP method, upper case.
    pub method: String,
    /// Whether the method is that of the replayed entry, `{{trace method}}`, in place of `method`.
    pub method_of_trace: bool,
    /// Path with query, or a whole URL.
    pub path: Template,
    /// Token source of the environment.
    pub auth: Option<String>,
    /// More headers.
    pub headers: Vec<(String, Template)>,
    /// What is sent.
    pub body: Body,
    /// The status that is right; any 2xx if `None`.
    pub expect_status: Option<u16>,
    /// Values kept for later steps.
    pub extract: Vec<(String, Extract)>,
    /// What is counted of every answer, and ends no pass.
    pub checks: Vec<Check>,
    /// Longest wait for the whole answer.
    pub timeout: Duration,
}

/// What a request sends.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// One file as it is.
    Payload(String),
    /// Text with the given content type.
    Text {
        /// The text.
        text: Template,
        /// Its content type.
        content_type: String,
    },
    /// `multipart/form-data`, fields in order.
    Multipart(Vec<(String, FieldValue)>),
    /// The message of a gRPC call.
    Grpc(GrpcCall),
}

/// One form field.
#[derive(Debug, Clone)]
pub enum FieldValue {
    /// A text field.
    Text(Template),
    /// A file of a payload set.
    Payload(String),
}

/// Where a value is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extract {
    /// JSON pointer (RFC 6901) into the body.
    Json(String),
    /// A response header.
    Header(String),
    /// First group of a regular expression on the body.
    Regex(String),
}

/// A service level objective, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// The measured value.
    pub sli: Sli,
    /// What it must be.
    pub bound: Bound,
    /// When.
    pub during: Window,
    /// What a percentile rule claims.
    pub claim: Claim,
    /// How sure a steady claim must be before it passes or fails, 0.5 to 0.9999.
    pub confidence: f64,
    /// What is left out at the start of a steady claim's stretch.
    pub warm_up: WarmUp,
    /// The stretch over which a level is averaged before it is held against the bound.
    pub over: Option<Duration>,
    /// Whether the run ends early once this rule is plainly broken.
    pub abort_on_fail: bool,
    /// What the environment must have.
    pub needs: Vec<String>,
}

/// What is left out at the start of a stretch, before its system is steady.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// So much; nothing by default.
    Given(Duration),
    /// What MSER-5 finds.
    Auto,
}

/// The bound of an objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// At least `share` of all values are at most `limit`.
    Percentile {
        /// 0.95 for p95.
        share: f64,
        /// The limit.
        limit: Duration,
    },
    /// The value, or the highest of several, is at most this: ms of times, else in the indicator's own unit.
    Max(f64),
    /// The mean is at most this: ms of times, else in the indicator's own unit.
    Mean(f64),
    /// The value, or the lowest of several, is at least this: per second of throughput.
    Min(f64),
}

/// What a percentile rule claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// The exact share of late requests in this run.
    Run,
    /// The system in its steady state.
    Steady,
}

/// A stretch of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// From the first arrival to the last.
    Run,
    /// One workload, by index.
    Workload(usize),
    /// One stage of a workload, by indices.
    Stage(usize, usize),
    /// From one moment of the run to another.
    Span(Duration, Duration),
}

/// What the autoscaler must have done to one workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingClause {
    /// `Deployment/name`.
    pub target: String,
    /// So many replicas ready in time.
    pub reaches: Option<Reach>,
    /// Back to so many in time.
    pub returns: Option<Reach>,
    /// Most changes of direction beyond one rise and one fall.
    pub flaps: Option<u32>,
}

/// A number of replicas, in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// How many.
    pub replicas: u32,
    /// Within how long, in cluster time.
    pub within: Duration,
    /// Counted from here.
    pub after: Moment,
}

/// A contract that a system must keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConformanceClause {
    /// The contract.
    pub profile: ConformanceProfile,
    /// The system, one that is driven.
    pub system: String,
    /// How the ids of its checks begin; none means all.
    pub select: Vec<String>,
    /// Whether a failed SHOULD counts.
    pub strict: bool,
    /// The token source by which tokens are made; the only one that signs unless given.
    pub auth: Option<String>,
}

/// A moment of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The start of a window.
    Start(Window),
    /// The last planned arrival of a workload.
    End(usize),
}

impl Scenario {
    /// Reads and checks a scenario. `file` is the name used in messages.
    ///
    /// # Errors
    /// Every mistake found, each with line, column and a suggestion where there is one.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        check::check(file, crate::source::read_yaml(file, text)?)
    }

    /// The JSON Schema of the file, for editors.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(written::WrittenScenario).to_value()
    }

    /// Who sends the load.
    pub fn engine(&self) -> Engine {
        // Another engine than proofload's has one workload, alone.
        self.workloads.first().map(|workload| workload.engine).unwrap_or_default()
    }

    /// The systems that flows drive, each once, in order of first use.
    pub fn systems(&self) -> Vec<&str> {
        systems_of(&self.flows)
    }

    /// The trace files that its workloads replay; the edge reads them and gives them to the plan.
    pub fn trace_files(&self) -> Vec<TraceFile<'_>> {
        let workloads = self.workloads.iter().enumerate();
        workloads
            .filter_map(|(workload, load)| match &load.executor {
                Executor::Replay(replay) => Some(TraceFile { workload, file: &replay.file, format: replay.format }),
                _ => None,
            })
            .collect()
    }

    /// The names of all request steps, in order: the place of each is its [`Request::index`].
    pub fn step_names(&self) -> Vec<&str> {
        self.flows.iter().flat_map(Flow::request_names).collect()
    }

    /// The files of rows that must be read before a run, with the columns that must be in them.
    pub fn data_files(&self) -> &[DataSet] {
        &self.data
    }

    /// The same load thinner or thicker: every open rate and number of virtual users times `factor`;
    /// shared iterations too, and of a recording so many arrivals for each entry.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.workloads.iter_mut().for_each(|workload| workload.executor.scale(factor));
        self
    }

    /// How a window is called in a scenario: `uploads.peak`.
    pub fn window_name(&self, window: &Window) -> String {
        match window {
            Window::Run => "run".to_owned(),
            Window::Span(from, to) => format!("{}..{}", units::Span(*from), units::Span(*to)),
            Window::Workload(workload) => self.workloads[*workload].name.clone(),
            Window::Stage(workload, stage) => {
                let workload = &self.workloads[*workload];
                format!("{}.{}", workload.name, workload.stretches()[*stage].name)
            }
        }
    }
}

/// The systems that flows drive, each once, in order of first use.
fn systems_of(flows: &[Flow]) -> Vec<&str> {
    let mut systems: Vec<&str> = Vec::new();
    for flow in flows {
        if !systems.contains(&flow.system.as_str()) {
            systems.push(&flow.system);
        }
    }
    systems
}
