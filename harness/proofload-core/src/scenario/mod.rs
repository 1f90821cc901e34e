//! A scenario: as written ([`written`]), then as checked (this module). Nothing downstream re-validates.

mod check;
mod check_arrivals;
mod check_flow;
mod check_payload;
mod check_rules;
mod check_vus;
mod check_words;
mod check_workload;
mod payload;
mod sli;
mod template;
pub mod units;
mod workload;
mod written;
mod written_payload;
mod written_workload;

use std::time::Duration;

pub(crate) use check::{check_head, check_name};
pub use payload::{Content, PayloadSet, PayloadSource, Pick};
pub use sli::Sli;
pub use template::{Part, Template};
pub use workload::{Curve, Executor, Gaps, Replay, Stage, Stretch, TraceFile, TraceUse, VuStage, Workload};

use crate::Problems;

/// A checked scenario: every name resolves, every number has a meaning.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Short name.
    pub name: String,
    /// What this load stands for.
    pub description: String,
    /// Payload sets, by name.
    pub payloads: Vec<PayloadSet>,
    /// What one pass does.
    pub flows: Vec<Flow>,
    /// Which flow starts how often.
    pub workloads: Vec<Workload>,
    /// What must hold of the measurements.
    pub slos: Vec<Slo>,
    /// What the autoscaler must have done.
    pub scaling: Vec<ScalingClause>,
    /// How long jobs may still finish after the last arrival.
    pub drain: Duration,
}

/// What one pass of a user does.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Name.
    pub name: String,
    /// The system it drives.
    pub system: String,
    /// In order.
    pub steps: Vec<Step>,
    /// What its steps take from a recorded trace; where it takes anything, only replays start it.
    pub trace_uses: Vec<TraceUse>,
}

/// One step of a flow.
#[derive(Debug, Clone)]
pub enum Step {
    /// Send a request and read its answer.
    Request(Box<Request>),
    /// Follow a job until it ends.
    Job(Box<Job>),
    /// Wait.
    Think {
        /// Shortest wait.
        from: Duration,
        /// Longest wait.
        to: Duration,
    },
}

/// A request and what its answer must be.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name, unique in the scenario; `latency(name)`.
    pub name: String,
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

/// A job: submitted, polled, entered in the ledger.
#[derive(Debug, Clone)]
pub struct Job {
    /// What identifies it.
    pub id: Template,
    /// Where its state is asked for.
    pub path: Template,
    /// The token source of the submitting request.
    pub auth: Option<String>,
    /// Pause between polls.
    pub every: Duration,
    /// From submission to giving up polling.
    pub timeout: Duration,
    /// When it has succeeded.
    pub done: StateRule,
    /// When it has failed.
    pub failed: Option<StateRule>,
}

/// A place in a JSON answer and the words that count there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRule {
    /// JSON pointer (RFC 6901).
    pub json: String,
    /// Any of these.
    pub any_of: Vec<String>,
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
    /// What the environment must have.
    pub needs: Vec<String>,
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
    /// The value is at most this.
    Max(f64),
    /// The value is at least this, per second.
    MinPerSecond(f64),
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

    /// The systems that flows drive, each once, in order of first use.
    pub fn systems(&self) -> Vec<&str> {
        let mut systems: Vec<&str> = Vec::new();
        for flow in &self.flows {
            if !systems.contains(&flow.system.as_str()) {
                systems.push(&flow.system);
            }
        }
        systems
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

    /// The names of all request steps, in order: the index is used in the evidence.
    pub fn step_names(&self) -> Vec<&str> {
        self.flows.iter().flat_map(|flow| &flow.steps).filter_map(Step::request_name).collect()
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
            Window::Workload(workload) => self.workloads[*workload].name.clone(),
            Window::Stage(workload, stage) => {
                let workload = &self.workloads[*workload];
                format!("{}.{}", workload.name, workload.stretches()[*stage].name)
            }
        }
    }
}

impl Flow {
    /// Whether any step follows a job.
    pub fn holds_job(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Job(_)))
    }

    /// The names of its requests, in order.
    pub fn request_names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(Step::request_name)
    }
}

impl Step {
    fn request_name(&self) -> Option<&str> {
        match self {
            Step::Request(request) => Some(&request.name),
            Step::Job(_) | Step::Think { .. } => None,
        }
    }
}
