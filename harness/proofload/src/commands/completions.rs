//! `proofload completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::Failure;

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn completions(shell: Shell) -> Result<u8, Failure> {
    clap_complete::generate(shell, &mut Args::command(), "proofload", &mut std::io::stdout());
    Ok(0)
}
