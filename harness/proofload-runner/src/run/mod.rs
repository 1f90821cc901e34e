//! One run, in order: bring the environment to life, send the load, wait for jobs and the autoscaler, put the evidence
//! together. Judging and rendering are not done here.

mod assembler;
mod folder;
mod prepare;
mod session;
mod settle;

use std::path::PathBuf;

use proofload_core::environment::Environment;
use proofload_core::evidence::RunRecord;
use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use tokio_util::sync::CancellationToken;

pub use folder::RunFolder;

use crate::event::Event;

/// What to run, where.
pub struct RunRequest {
    /// The checked scenario.
    pub scenario: Scenario,
    /// Its text, stored with the run.
    pub scenario_text: String,
    /// The folder that payload patterns are relative to.
    pub scenario_folder: PathBuf,
    /// The checked environment.
    pub environment: Environment,
    /// Its text, part of the environment hash.
    pub environment_text: String,
    /// The folder that manifests and secret files are relative to.
    pub environment_folder: PathBuf,
    /// The whole schedule.
    pub plan: Plan,
    /// Where everything is kept.
    pub folder: RunFolder,
    /// A base URL in place of the one system's own.
    pub target: Option<String>,
    /// This program, for processes that are proofload itself.
    pub proofload: PathBuf,
    /// The command that repeats this run.
    pub command: String,
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
            RunError::Unreachable(_) => 5,
            RunError::Folder(_) | RunError::Internal(_) => 70,
        }
    }
}

/// Runs the whole of it. `stop` ends the run early; what was measured until then is kept.
///
/// # Errors
/// Only where no evidence could be gathered. Whatever was started has been ended, and whatever was made is gone.
pub async fn run(
    request: RunRequest,
    stop: CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<RunRecord, RunError> {
    let mut stage = prepare::prepare(&request, &stop, on_event).await?;
    let outcome = session::run_session(&request, &mut stage, &stop, on_event).await;
    on_event(Event::Phase { phase: crate::event::Phase::Stopping });
    stage.end().await;
    outcome
}
