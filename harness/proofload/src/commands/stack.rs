//! `proofload stack`: one role of the reference stack in this process, or a whole system as processes.

use std::path::Path;

use proofload_runner::run::{Place, hold};
use refstack::stack::{StackCommand, run, signals};

use crate::args::{StackAction, UpArgs};
use crate::commands::run::{stop_on_signal, variable};
use crate::failure::Failure;
use crate::files;
use crate::progress::Progress;

pub(crate) async fn stack(action: StackAction) -> Result<u8, Failure> {
    match action {
        StackAction::Up(args) => up(&args).await,
        StackAction::Role(role) => role_here(*role).await,
    }
}

async fn role_here(role: StackCommand) -> Result<u8, Failure> {
    run(role, signals(), &mut std::io::stdout())
        .await
        .map_err(|error| Failure::new(error.exit_code(), format!("error: {error}")))?;
    Ok(0)
}

/// Starts a system of an environment and keeps it until Ctrl-C; its data goes with it.
async fn up(args: &UpArgs) -> Result<u8, Failure> {
    // Environments are looked up beside scenarios, wherever those lie below the current folder.
    let (environment, source) = files::environment(&args.env, Path::new("scenarios/any.yaml"))?;
    let known: Vec<&str> = environment.systems.iter().map(|system| system.name.as_str()).collect();
    if !known.contains(&args.system.as_str()) {
        let message =
            format!("error: environment `{}` has no system `{}`; known: {}", args.env, args.system, known.join(", "));
        return Err(Failure::usage(message));
    }
    let logs = tempfile::Builder::new().prefix("proofload-logs-").tempdir()?;
    let place = Place {
        environment,
        environment_text: source.text,
        environment_folder: source.folder,
        target: None,
        logs: logs.path().to_owned(),
        proofload: std::env::current_exe()?,
        variable,
    };
    let mut progress = Progress::of_stack();
    let held = hold(&place, &[&args.system], stop_on_signal(), &mut |event| progress.on_event(&event)).await;
    progress.finish();
    held?;
    Ok(0)
}
