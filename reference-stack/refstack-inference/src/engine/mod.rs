//! Engines: what loads a model and runs batches. The rest of the crate knows only these traits.

mod rten;

use crate::repository::ModelFiles;

pub use rten::Rten;

/// Something that can load ONNX models.
pub trait Engine: Send + Sync {
    /// The engine's name, as reports and metrics show it.
    fn name(&self) -> &'static str;

    /// Loads a model and opens `count` sessions on it, which share its weights where the engine can.
    fn load(&self, model: &ModelFiles, count: usize) -> Result<Vec<Box<dyn Session>>, EngineError>;
}

/// A loaded model that runs one batch at a time, on the thread that calls it.
pub trait Session: Send {
    /// Scores of each instance, one row after the other: `batch.len * classes` numbers.
    fn run(&mut self, batch: Batch) -> Result<Vec<f32>, EngineError>;
}

/// Instances one after the other, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// How many instances.
    pub len: usize,
    /// Their numbers.
    pub data: Vec<f32>,
}

/// What an engine could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);
