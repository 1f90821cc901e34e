//! What the role and the in-process handle can be told; every limit has a name here.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::defect::Defect;
use crate::error::StartError;
use crate::server::Server;

/// The HTTP role.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one, see [`Server::address`].
    pub listen: SocketAddr,
    /// The largest request body; beyond it the answer is 413.
    pub max_body_bytes: usize,
    /// How long requests in hand may take once the shutdown signal has come.
    pub drain: Duration,
    /// Models, sessions and queues.
    pub predictor: PredictorConfig,
}

/// Models, sessions and queues, with or without an HTTP server in front.
#[derive(Debug, Clone)]
pub struct PredictorConfig {
    /// A folder of `<model>/<version>/{model.onnx,labels.txt,model.json}`; `None` takes the models embedded in the binary.
    pub models_dir: Option<PathBuf>,
    /// The models to serve; empty means every model of the repository.
    pub only: Vec<String>,
    /// Worker threads, each with a session of its own, per model.
    pub sessions: NonZeroUsize,
    /// Requests parsed and decoded at the same time.
    pub decode_threads: NonZeroUsize,
    /// The most instances in one run of the engine.
    pub max_batch: NonZeroUsize,
    /// The most instances waiting per model; beyond it requests are shed with 503.
    pub max_queue: NonZeroUsize,
    /// How long a request may wait and run; beyond it the answer is 504.
    pub deadline: Duration,
    /// Each instance holds its session at least this long, without using CPU.
    pub min_service_time: Option<Duration>,
    /// Planted faults.
    pub defects: Vec<Defect>,
}

impl Config {
    /// Loads the models, starts the sessions and listens.
    pub async fn build(self) -> Result<Server, StartError> {
        Server::start(self).await
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            max_body_bytes: 64 << 20,
            drain: Duration::from_secs(8),
            predictor: PredictorConfig::default(),
        }
    }
}

impl Default for PredictorConfig {
    fn default() -> Self {
        Self {
            models_dir: None,
            only: Vec::new(),
            sessions: NonZeroUsize::MIN,
            decode_threads: NonZeroUsize::MIN.saturating_add(1),
            max_batch: NonZeroUsize::MIN.saturating_add(7),
            max_queue: NonZeroUsize::MIN.saturating_add(127),
            deadline: Duration::from_secs(30),
            min_service_time: None,
            defects: Vec::new(),
        }
    }
}
