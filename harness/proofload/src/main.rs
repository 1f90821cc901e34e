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

use clap::{CommandFactory, FromArgMatches};

fn main() -> ExitCode {
    // Help and mistakes of the command line are told by clap, before anything is parsed.
    let told_in = colour::Colour::asked_for(std::env::args()).into();
    let matches = args::Args::command().color(told_in).get_matches();
    let args = args::Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
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
