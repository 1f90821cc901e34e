//! The server from outside: over HTTP on a free port, and through the in-process handle.

#![expect(
    clippy::unwrap_used,
    reason = "the whole binary is a test; helpers outside #[test] functions count as such too"
)]

mod accuracy;
mod defects;
mod goldens;
mod load;
mod rest;
mod start;
mod world;
