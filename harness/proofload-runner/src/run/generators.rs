//! Generator processes of a run: started, given their part, ended with the run.

use std::process::Stdio;
use std::time::Instant;

use tokio::process::{Child, Command};

use super::prepare::Stage;
use super::{RunError, RunRequest};
use crate::clock::RunClock;
use crate::distributed::{AssignedSystem, Assignment, Coordinator, Gathered};
use crate::load::{Generator, SystemAccess};

/// The variable that tells a generator process the token of its run.
pub const JOIN_TOKEN_VARIABLE: &str = "PROOFLOAD_JOIN_TOKEN";

/// Generator processes that are ready.
pub(super) struct Processes {
    gathered: Gathered,
    /// Ended by force when dropped; before that they end by themselves.
    children: Vec<Child>,
}

impl Processes {
    /// Lets all begin on the axis of `clock`.
    pub(super) fn start(self, clock: RunClock) -> (Generator, Vec<Child>) {
        let zero: Instant = clock.instant(0);
        (self.gathered.start(zero), self.children)
    }
}

/// Starts the processes that were asked for and waits until they are ready; `None` if none were.
pub(super) async fn gather(request: &RunRequest, stage: &Stage) -> Result<Option<Processes>, RunError> {
    if request.generators == 0 {
        return Ok(None);
    }
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let failed = |error: std::io::Error| RunError::Internal(format!("a generator process could not start: {error}"));
    let coordinator = Coordinator::bind(token.clone()).await.map_err(failed)?;
    let address = coordinator.address().map_err(failed)?;
    std::fs::create_dir_all(&request.place.logs).map_err(failed)?;
    let mut children = Vec::new();
    for number in 1..=request.generators {
        let log = std::fs::File::create(request.place.logs.join(format!("generator-{number}.log"))).map_err(failed)?;
        let child = Command::new(&request.place.proofload)
            .args(["generator", "--join", &address.to_string()])
            .env(JOIN_TOKEN_VARIABLE, &token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            // Ctrl-C is for the run, which tells its generators what to do.
            .process_group(0)
            .spawn();
        children.push(child.map_err(failed)?);
    }
    let assignments = (0..request.generators).map(|index| assignment(request, stage, index)).collect();
    let gathered = tokio::select! {
        gathered = coordinator.gather(assignments) => gathered.map_err(RunError::Setup)?,
        ended = first_ended(&mut children) => return Err(RunError::Setup(ended)),
    };
    Ok(Some(Processes { gathered, children }))
}

/// Waits until one of the processes ends, which none should before the load; tells of it in a sentence.
async fn first_ended(children: &mut [Child]) -> String {
    let ends = children.iter_mut().map(|child| Box::pin(child.wait()));
    let (status, index, _) = futures::future::select_all(ends).await;
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    format!("generator process {} ended before the load began ({how}); see logs/generator-{}.log", index + 1, index + 1)
}

fn assignment(request: &RunRequest, stage: &Stage, index: u32) -> Assignment {
    let system = |access: &SystemAccess| AssignedSystem {
        name: access.name.clone(),
        url: access.target.url(),
        http: access.target.http(),
        grpc_url: access.grpc.url(),
        tokens: access
            .tokens
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.to_str().ok()?.to_owned())))
            .collect(),
    };
    Assignment {
        scenario_file: request.scenario_file.clone(),
        scenario_text: request.scenario_text.clone(),
        folder: request.scenario_folder.clone(),
        scale: request.scale,
        seed: request.plan.seed,
        run_id: request.folder.id.clone(),
        shard_first: index * request.threads,
        shards: request.threads,
        shards_total: request.generators * request.threads,
        systems: stage.systems.iter().map(system).collect(),
        pacing: request.place.environment.pacing,
        authorities: stage.authorities.clone(),
    }
}
