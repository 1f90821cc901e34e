//! The one integration test binary of this crate.

#![expect(clippy::unwrap_used, reason = "every line of this binary is a test")]

mod files;
mod goldens;
mod invariants;
mod lint;
mod manifests;
mod overlays;
mod trajectory;
