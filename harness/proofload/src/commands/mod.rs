//! One file per command.

mod baseline;
mod compare;
mod completions;
mod conform;
mod doctor;
mod generator;
mod judge;
mod lint;
mod man;
mod pairs;
mod plan;
mod report;
pub(crate) mod run;
mod schema;
mod search;
mod stack;

use crate::args::Command;
use crate::failure::Failure;

/// Runs a command; gives its exit code.
pub(crate) async fn dispatch(command: Command, colour: bool) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run::run(args, colour).await,
        Command::Plan(args) => plan::plan(&args),
        Command::Judge(args) => judge::judge(&args),
        Command::Search(args) => search::search(args, colour).await,
        Command::Compare(args) => compare::compare(&args),
        Command::Pairs(args) => pairs::pairs(args, colour).await,
        Command::Baseline { action } => baseline::baseline(action),
        Command::Report(args) => report::report(args).await,
        Command::Conform(args) => conform::conform(args).await,
        Command::Lint(args) => lint::lint(&args),
        Command::Generator(args) => generator::generator(&args).await,
        Command::Stack { action } => stack::stack(action).await,
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Man(args) => man::man(&args),
        Command::Schema { of } => schema::schema(of),
        Command::Completions { shell } => completions::completions(shell),
    }
}
