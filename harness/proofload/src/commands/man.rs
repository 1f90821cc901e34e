//! `proofload man`: the manual, one page for each command.

use std::io::Write;

use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::args::{Args, ManArgs};
use crate::failure::{Failure, INTERNAL};

pub(crate) fn man(args: &ManArgs) -> Result<u8, Failure> {
    if let Some(folder) = &args.out {
        let written = std::fs::create_dir_all(folder).and_then(|()| generate_to(Args::command(), folder));
        written.map_err(|error| {
            Failure::new(INTERNAL, format!("error: {} cannot be written: {error}", folder.display()))
        })?;
        writeln!(std::io::stdout(), "every page is in {}", folder.display())?;
        return Ok(0);
    }
    let mut command = Args::command().disable_help_subcommand(true);
    // Gives every command its whole name, `proofload-run`, which is that of its page.
    command.build();
    for word in &args.command {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| {
            let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            Failure::usage(format!("error: there is no command `{word}`; known: {}", known.join(", ")))
        })?;
    }
    Man::new(command).render(&mut std::io::stdout())?;
    Ok(0)
}
