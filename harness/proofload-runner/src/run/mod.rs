//! One run, in order: bring the environment to life, send the load, wait for jobs and the autoscaler, put the evidence
//! together. Judging and rendering are not done here.

mod assembler;
mod conformance;
mod engine;
mod external;
mod folder;
mod generators;
mod prepare;
mod session;
mod settle;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proofload_core::environment::{Environment, Token};
use proofload_core::evidence::{Calibration, RunRecord};
use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;
use tokio_util::sync::CancellationToken;

pub(crate) use assembler::timed_steps;
pub use conformance::check_conformance;
pub use engine::{check_engine, keep_interrupts};
pub use folder::RunFolder;
pub use generators::JOIN_TOKEN_VARIABLE;
pub(crate) use tls::{http_builder, http_client, tls_config};

use crate::audit::calibrate;
use crate::clock::RunClock;
use crate::cluster::ClusterEvent;
use crate::environment::load_payloads;
use crate::event::{Event, Phase};
use crate::load::{load_data, load_methods};

/// What to run, where.
pub struct RunRequest {
    /// The checked scenario.
    pub scenario: Scenario,
    /// Its text, stored with the run.
    pub scenario_text: String,
    /// The folder that payload patterns are relative to.
    pub scenario_folder: PathBuf,
    /// Where it runs.
    pub place: Place,
    /// The traces that it replays.
    pub traces: Traces,
    /// The whole schedule.
    pub plan: Arc<Plan>,
    /// The scenario's file, for messages of generator processes.
    pub scenario_file: PathBuf,
    /// What the command line multiplied every rate by.
    pub scale: f64,
    /// How sure steady claims must be, in place of what each rule says.
    pub confidence: Option<f64>,
    /// Generator threads of each process.
    pub threads: u32,
    /// Generator processes beside this one; with 0 this process sends the load itself.
    pub generators: u32,
    /// Where everything is kept.
    pub folder: RunFolder,
    /// The command that repeats this run.
    pub command: String,
    /// Whether this machine is tried against a server inside proofload before anything is started.
    pub calibrate: bool,
}

/// An environment, and what is needed to bring it to life.
pub struct Place {
    /// The checked environment.
    pub environment: Environment,
    /// Its text, part of the environment hash.
    pub environment_text: String,
    /// The folder that manifests and secret files are relative to.
    pub environment_folder: PathBuf,
    /// A base URL in place of the one system's own.
    pub target: Option<String>,
    /// Where the logs of processes go.
    pub logs: PathBuf,
    /// This program, for processes that are proofload itself.
    pub proofload: PathBuf,
    /// Reads a variable of the process environment.
    pub variable: fn(&str) -> Option<String>,
}

/// A run that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something the user gave does not work.
    #[error("{0}")]
    Setup(String),
    /// A target or process does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// This machine cannot send what the plan asks for.
    #[error("{0}")]
    Unfit(String),
    /// Stopped before there was anything to keep.
    #[error("stopped before the load began; nothing was sent")]
    Interrupted,
    /// The run folder cannot be written.
    #[error("{0}")]
    Folder(String),
    /// proofload itself failed.
    #[error("{0}")]
    Internal(String),
}

impl RunError {
    /// The exit code that says the same.
    pub fn exit_code(&self) -> u8 {
        match self {
            RunError::Setup(_) => 2,
            RunError::Unfit(_) => 3,
            RunError::Unreachable(_) => 5,
            RunError::Interrupted => 130,
            RunError::Folder(_) | RunError::Internal(_) => 70,
        }
    }
}

/// How much longer than the plan and its drain a token must live.
const TOKEN_MARGIN: Duration = Duration::from_mins(5);

/// Runs the whole of it. `stop` ends the run early; what was measured until then is kept.
///
/// # Errors
/// Only where no evidence could be gathered. Whatever was started has been ended, and whatever was made is gone.
pub async fn run(
    request: RunRequest,
    stop: CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<RunRecord, RunError> {
    check_engine(&request.scenario, request.generators)?;
    check_conformance(&request.scenario)?;
    crate::load::compile(&request.scenario).map_err(RunError::Setup)?;
    check_token_lifetimes(&request)?;
    raise_file_limit();
    let payloads = load_payloads(&request.scenario.payloads, &request.scenario_folder, request.plan.seed)
        .map_err(RunError::Setup)?;
    let data = load_data(request.scenario.data_files(), &request.scenario_folder).map_err(RunError::Setup)?;
    let methods = load_methods(&request.scenario, &request.scenario_folder).map_err(RunError::Setup)?;
    let calibration = calibration(&request, &stop, on_event).await?;
    let mut stage = prepare::prepare(&request.place, &request.scenario.systems(), &stop, on_event).await?;
    if let Err(error) = external::check(&request.scenario, &stage, on_event).await {
        stage.end().await;
        return Err(error);
    }
    stage.payloads = payloads;
    stage.data = data;
    stage.methods = methods;
    stage.calibration = Some(calibration);
    let outcome = match session::run_session(&request, &mut stage, &stop, on_event).await {
        Ok(record) => conformance::carry_out(record, (&request, &stage), &stop, on_event).await,
        failed => failed,
    };
    on_event(Event::Phase { phase: Phase::Stopping });
    stage.end().await;
    outcome
}

/// Tries the machine before anything is started on it.
async fn calibration(
    request: &RunRequest,
    stop: &CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<Calibration, RunError> {
    if !request.calibrate {
        return Ok(Calibration::Skipped { why: "it was switched off with --no-calibration".to_owned() });
    }
    if let Some(skipped) = engine::no_calibration(&request.scenario) {
        return Ok(skipped);
    }
    on_event(Event::Phase { phase: Phase::Calibrating });
    tokio::select! {
        calibrated = calibrate(&request.scenario, &request.plan, request.place.environment.pacing) => calibrated,
        () = stop.cancelled() => Err(RunError::Interrupted),
    }
}

/// Brings systems to life and keeps them until `stop`: a local deployment. Its autoscalers work.
///
/// # Errors
/// Where something could not be started. Whatever was started has been ended.
pub async fn hold(
    place: &Place,
    systems: &[&str],
    stop: CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    let mut stage = prepare::prepare(place, systems, &stop, on_event).await?;
    on_event(Event::Phase { phase: Phase::Holding });
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    if let Some(cluster) = &mut stage.cluster {
        cluster.autoscale(RunClock::starting_in(Duration::ZERO), &tell);
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(event) = told.recv() => told_by_cluster(event, on_event),
        }
    }
    on_event(Event::Phase { phase: Phase::Stopping });
    stage.end().await;
    Ok(())
}

/// Tokens are signed once, so they must outlive the plan, the drain and the clauses that are waited for.
fn check_token_lifetimes(request: &RunRequest) -> Result<(), RunError> {
    let plan_s = request.plan.ends_ns / 1_000_000_000;
    let needed = Duration::from_secs(plan_s) + request.scenario.drain + TOKEN_MARGIN;
    for system in &request.place.environment.systems {
        for (name, token) in &system.tokens {
            if let Token::Jwt { lifetime, .. } = token
                && *lifetime < needed
            {
                return Err(RunError::Setup(format!(
                    "tokens of `{name}` live for {} s, and the run may take {} s; raise `lifetime` in environment `{}`",
                    lifetime.as_secs(),
                    needed.as_secs(),
                    request.place.environment.name
                )));
            }
        }
    }
    Ok(())
}

/// A connection is a file descriptor; the soft limit of 1024 is for programs that use `select`.
pub(crate) fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it may not be raised, a shortage shows as the signal `local-limits`.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn told_by_cluster(event: ClusterEvent, on_event: &mut dyn FnMut(Event)) {
    match event {
        ClusterEvent::Warning(text) => on_event(Event::Warning { text }),
        ClusterEvent::Sync { sync, .. } if sync.current != sync.desired => on_event(Event::Scaled {
            target: "replicas".to_owned(),
            from: sync.current,
            to: sync.desired,
            reason: sync.reason,
        }),
        _ => {}
    }
}
