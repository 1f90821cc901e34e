//! `proofload generator`: a share of another run's load.

use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;
use proofload_runner::distributed::{Assignment, join};
use proofload_runner::run::JOIN_TOKEN_VARIABLE;

use super::run::variable;
use crate::args::GeneratorArgs;
use crate::failure::Failure;
use crate::files;

pub(crate) async fn generator(args: &GeneratorArgs) -> Result<u8, Failure> {
    let token = variable(JOIN_TOKEN_VARIABLE).ok_or_else(|| {
        Failure::usage(format!("error: {JOIN_TOKEN_VARIABLE} is not set; the run that is joined tells its token there"))
    })?;
    let joined = join(args.join, token).await.map_err(|why| Failure::usage(format!("error: {why}")))?;
    match build(&joined.assignment) {
        Ok((scenario, traces, plan)) => {
            joined.work(scenario, traces, plan).await.map_err(Failure::internal)?;
            Ok(0)
        }
        Err(failure) => {
            joined.refuse("a generator process could not read the scenario as this one did").await;
            Err(failure)
        }
    }
}

/// The same scenario and the same plan as the run has: from the same text, scale and seed.
fn build(assignment: &Assignment) -> Result<(Scenario, Traces, Plan), Failure> {
    let file = assignment.scenario_file.display().to_string();
    let scenario = Scenario::parse(&file, &assignment.scenario_text)
        .map_err(|problems| Failure::usage(problems.to_string()))?
        .scaled(assignment.scale);
    let (traces, plan) = files::plan(&scenario, &assignment.folder, assignment.seed)?;
    Ok((scenario, traces, plan))
}
