//! `proofload`: parse, run, exit code.

mod args;
mod colour;
mod commands;
mod doctor;
mod failure;
mod files;
mod progress;
mod stamp;
mod stored;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let no_color = commands::run::variable("NO_COLOR");
    let colour = args.color.allowed(no_color.as_deref(), std::io::stderr().is_terminal());
    // A local stack runs a dozen processes beside each other; two threads each are enough for any command here.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(commands::dispatch(args.command, colour)),
        Err(error) => Err(failure::Failure::internal(format!("the runtime could not start: {error}"))),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.tell(colour),
    }
}
