//! What gateway and worker need from the outside, as traits. Adapters implement them; a contract suite holds every adapter to
//! the same behaviour.

pub mod cache;
pub mod fetch;
pub mod inference;
pub mod jobs;
pub mod keys;
pub mod objects;
pub mod queue;

/// A neighbour could not do what was asked; the caller may try again later.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PortError {
    /// The store, the broker or the disk does not answer, or is full.
    #[error("{what} is not available: {cause}")]
    Unavailable {
        /// Which neighbour, as a reader would name it.
        what: &'static str,
        /// What it said.
        cause: String,
    },
    /// The thing asked for is not there.
    #[error("{what} has no {name:?}")]
    Missing {
        /// Which neighbour.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
}

impl PortError {
    /// A neighbour that failed with `cause`.
    pub fn unavailable(what: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::Unavailable { what, cause: cause.to_string() }
    }
}

/// What a port answers.
pub type PortResult<T> = Result<T, PortError>;
