//! What can go wrong: at start, while serving, and with one prediction.

use std::net::SocketAddr;
use std::time::Duration;

use crate::engine::EngineError;
use crate::repository::RepositoryError;

/// Why the role did not start. Each is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The repository could not be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The engine refused a model.
    #[error(
        "the engine cannot load {path}: {source}; export it to ONNX opset 17 with the names and shapes that model.json gives"
    )]
    Engine {
        /// The model file.
        path: String,
        /// What the engine said.
        source: EngineError,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for a free one")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused a thread.
    #[error("cannot start a session thread: {0}; ask for fewer sessions")]
    Thread(std::io::Error),
}

impl StartError {
    /// Whether the address is to blame (exit code 5), not the models (exit code 2).
    pub fn is_address(&self) -> bool {
        matches!(self, Self::Listen { .. })
    }
}

/// Why serving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

/// Why one prediction was not made. The texts are TF Serving's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// No such model or version; the text is the request in TF Serving's form, `Latest(name)`.
    #[error("Servable not found for request: {0}")]
    UnknownModel(String),
    /// The request is at fault: wrong size, undecodable image. Never worth a retry.
    #[error("{0}")]
    Invalid(String),
    /// The queue is full.
    #[error("The batch scheduling queue to which this task was submitted is full; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// When there should be room.
        retry_after: Duration,
    },
    /// The deadline passed first.
    #[error("Deadline exceeded before the prediction was made")]
    DeadlineExceeded,
    /// The server is going down.
    #[error("The server is shutting down")]
    ShuttingDown,
    /// The engine failed.
    #[error("{0}")]
    Engine(String),
}

impl PredictError {
    /// Whether the same request may succeed later or elsewhere.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::UnknownModel(_) | Self::Invalid(_))
    }
}
