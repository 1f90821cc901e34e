//! The inference role of the reference stack: TF Serving's REST interface over one batch former and the rten engine.
//!
//! A request goes through these parts, in this order: `http` reads the path, `json` streams the body into tensors, `image` decodes encoded pictures
//! (both on `pool`, never on the runtime's threads), `batch` queues the instances and hands whole batches to idle sessions, `engine` runs them,
//! `json` writes the scores. `repository` holds the model files: those embedded in the binary, or a folder.
//!
//! Absent, and where they belong when they come: gRPC (`grpc/`, beside `http/`, over the same [`Predictor`]), Open Inference v2 (`http/oip.rs`),
//! ONNX Runtime (`engine/ort.rs`), reload of a changed repository (`repository/`, a swap of the served table in `predictor`), several versions of
//! one model at a time (only the newest is served), batch delays and allowed sizes for a GPU (`batch/queue.rs`, the rule in `take`).

mod batch;
mod clock;
mod config;
mod defect;
mod engine;
mod error;
mod http;
mod image;
mod json;
mod metrics;
mod pool;
mod predictor;
mod repository;
mod server;

pub use config::{Config, PredictorConfig};
pub use defect::{Defect, UnknownDefect};
pub use engine::{Batch, Engine, EngineError, Rten, Session};
pub use error::{PredictError, ServeError, StartError};
pub use predictor::{Input, ModelInfo, Prediction, Predictor};
pub use repository::{
    Colour, ImageSpec, InputSpec, ModelFiles, ModelSpec, OutputSpec, Repository, RepositoryError, Resize,
};
pub use server::Server;
