//! What a judged run looks like to people and to other programs.
//!
//! The modules say `cfg(test)` for clippy, which else takes their helpers for code that may not `unwrap`.

#[cfg(test)]
mod comparing;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod indexing;
#[cfg(test)]
mod judging;
#[cfg(test)]
mod large;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod payloads;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod regression;
#[cfg(test)]
mod report;
#[cfg(test)]
mod sarif;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod series;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod tracing;
#[cfg(test)]
mod truth;
#[cfg(test)]
mod validity;
#[cfg(test)]
mod walking;
#[cfg(test)]
mod workloads;
