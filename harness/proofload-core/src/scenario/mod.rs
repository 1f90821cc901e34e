//! A scenario: as written ([`written`]), then as checked (this module). Nothing downstream re-validates.

mod check;
mod check_answer;
mod check_flow;
mod check_job;
mod check_rules;
mod check_workload;
mod flow;
mod sli;
mod template;
pub mod units;
mod walk;
mod written;
mod written_flow;

use std::time::Duration;

pub(crate) use check::{check_head, check_name};
pub use flow::{Branch, Check, CheckTest, Flow, Follow, Job, Place, StateRule, Step, TextTest};
pub use sli::Sli;
pub use template::{Part, Template};
pub(crate) use walk::mix;
pub use walk::{Leaf, Walk};

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
    /// Data sets, by name.
    pub data: Vec<DataSet>,
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

/// Files that flows send.
#[derive(Debug, Clone, PartialEq)]
pub struct PayloadSet {
    /// Name in templates.
    pub name: String,
    /// Pattern relative to the scenario's folder.
    pub files: String,
    /// How one is picked.
    pub pick: Pick,
}

/// How a payload is picked for each use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    /// One after the other.
    Cycle,
    /// Each as likely.
    Uniform,
    /// The k-th with weight 1/k^exponent.
    Zipf {
        /// Larger prefers the first files more.
        exponent: f64,
    },
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
    /// HTTP method, upper case.
    pub method: String,
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

/// Which flow starts how often.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Name.
    pub name: String,
    /// Index into [`Scenario::flows`].
    pub flow: usize,
    /// From the start of the run to the first arrival.
    pub after: Duration,
    /// The shape of the load.
    pub executor: Executor,
    /// Most requests on the wire at once.
    pub max_in_flight: u32,
}

/// The shape of a load.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// Arrivals by plan, whatever the answers do.
    Open {
        /// Even or random gaps.
        gaps: Gaps,
        /// Rate at the beginning, per second; used by ramps.
        start_per_second: f64,
        /// In order.
        stages: Vec<Stage>,
    },
    /// Virtual users, each waiting for its answers.
    Vus {
        /// How many.
        vus: u32,
        /// For how long.
        duration: Duration,
        /// Pause between two passes, shortest and longest.
        think: (Duration, Duration),
    },
}

/// The gaps between arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// As even as the rate allows.
    Even,
    /// Exponential: a Poisson process, inhomogeneous where the rate changes.
    Exponential,
}

/// A stretch of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name, or its number from 1.
    pub name: String,
    /// Length.
    pub duration: Duration,
    /// Rate at its beginning, per second.
    pub from_per_second: f64,
    /// Rate at its end, per second.
    pub to_per_second: f64,
}

impl Stage {
    /// Whether the rate stays the same: only then can a steady claim be judged in it.
    pub fn is_hold(&self) -> bool {
        (self.from_per_second - self.to_per_second).abs() < f64::EPSILON
    }
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

    /// The names of all request steps, in order: the index is used in the evidence.
    pub fn step_names(&self) -> Vec<&str> {
        self.flows.iter().flat_map(Flow::request_names).collect()
    }

    /// The files of rows that must be read before a run, with the columns that must be in them.
    pub fn data_files(&self) -> &[DataSet] {
        &self.data
    }

    /// The same load thinner or thicker: every open rate and number of virtual users times `factor`.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for workload in &mut self.workloads {
            match &mut workload.executor {
                Executor::Open { start_per_second, stages, .. } => {
                    *start_per_second *= factor;
                    for stage in stages {
                        stage.from_per_second *= factor;
                        stage.to_per_second *= factor;
                    }
                }
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive user count")]
                Executor::Vus { vus, .. } => *vus = (f64::from(*vus) * factor).ceil() as u32,
            }
        }
        self
    }

    /// How a window is called in a scenario: `uploads.peak`.
    pub fn window_name(&self, window: &Window) -> String {
        match window {
            Window::Run => "run".to_owned(),
            Window::Workload(workload) => self.workloads[*workload].name.clone(),
            Window::Stage(workload, stage) => {
                let workload = &self.workloads[*workload];
                format!("{}.{}", workload.name, workload.stages()[*stage].name)
            }
        }
    }
}

impl Workload {
    /// The stages of an open workload; none for virtual users.
    pub fn stages(&self) -> &[Stage] {
        match &self.executor {
            Executor::Open { stages, .. } => stages,
            Executor::Vus { .. } => &[],
        }
    }

    /// From the start of the run to the last moment an arrival may be due.
    pub fn ends(&self) -> Duration {
        let length = match &self.executor {
            Executor::Open { stages, .. } => stages.iter().map(|stage| stage.duration).sum(),
            Executor::Vus { duration, .. } => *duration,
        };
        self.after + length
    }
}
