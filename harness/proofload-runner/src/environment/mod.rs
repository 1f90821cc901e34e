//! Bringing an environment to life: secrets, processes, tokens, payload files. Everything made here is gone at the end.

mod payloads;
mod process;
mod secrets;
mod tokens;

pub(crate) use payloads::load_payloads;
pub(crate) use process::{Running, Spawner};
pub(crate) use secrets::Secrets;
pub(crate) use tokens::authorization;
