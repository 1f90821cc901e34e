//! rten: pure Rust, nothing to install.

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use super::{Batch, Engine, EngineError, Session};
use crate::repository::{ModelFiles, ModelSpec};

/// The rten engine; each session runs on one thread of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rten;

impl Engine for Rten {
    fn name(&self) -> &'static str {
        "rten"
    }

    fn load(&self, files: &ModelFiles, count: usize) -> Result<Vec<Box<dyn Session>>, EngineError> {
        let model = Arc::new(Model::load(files.onnx.to_vec()).map_err(said)?);
        let input = model.node_id(&files.spec.input.name).map_err(said)?;
        let output = model.node_id(&files.spec.output.name).map_err(said)?;
        let mut sessions: Vec<Box<dyn Session>> = Vec::with_capacity(count);
        for _ in 0..count {
            let threads = Arc::new(ThreadPool::with_num_threads(1));
            let mut session = RtenSession {
                model: Arc::clone(&model),
                input,
                output,
                shape: shape(&files.spec),
                classes: files.spec.output.classes,
                threads,
            };
            // A wrong shape shows here, at start, not on the first request.
            session.run(Batch { len: 1, data: vec![0.0; files.spec.input_len()] })?;
            sessions.push(Box::new(session));
        }
        Ok(sessions)
    }
}

struct RtenSession {
    model: Arc<Model>,
    input: NodeId,
    output: NodeId,
    /// The input's shape; the batch dimension, first, is set for each run.
    shape: Vec<usize>,
    classes: usize,
    threads: Arc<ThreadPool>,
}

impl Session for RtenSession {
    fn run(&mut self, batch: Batch) -> Result<Vec<f32>, EngineError> {
        self.shape[0] = batch.len;
        let input = Tensor::from_data(&self.shape, batch.data);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let [output] =
            self.model.run_n(vec![(self.input, input.into())], [self.output], Some(options)).map_err(said)?;
        let scores: NdTensor<f32, 2> = output.try_into().map_err(said)?;
        if scores.shape() != [batch.len, self.classes] {
            return Err(EngineError(format!(
                "the output has shape {:?}, not [{}, {}]",
                scores.shape(),
                batch.len,
                self.classes
            )));
        }
        Ok(scores.into_data())
    }
}

fn shape(spec: &ModelSpec) -> Vec<usize> {
    std::iter::once(1).chain(spec.input.shape.iter().copied()).collect()
}

fn said(error: impl std::fmt::Display) -> EngineError {
    EngineError(error.to_string())
}
