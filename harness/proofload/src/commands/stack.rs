//! `proofload stack`: a role of the reference stack in this process.

use refstack::stack::{StackCommand, run, signals};

use crate::failure::Failure;

pub(crate) async fn stack(role: StackCommand) -> Result<u8, Failure> {
    run(role, signals(), &mut std::io::stdout())
        .await
        .map_err(|error| Failure::new(error.exit_code(), format!("error: {error}")))?;
    Ok(0)
}
