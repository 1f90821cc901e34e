//! The listening role: build, serve, drain.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config::Config;
use crate::error::{ServeError, StartError};
use crate::http::{self, Front};
use crate::predictor::Predictor;

/// A server that listens but does not answer yet; [`Server::serve`] does.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    predictor: Predictor,
    max_body_bytes: usize,
    drain: Duration,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same models without HTTP.
    pub fn predictor(&self) -> Predictor {
        self.predictor.clone()
    }

    /// Answers until `shutdown` completes, then finishes the requests in hand, for as long as [`Config::drain`] allows.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let front = Front { predictor: self.predictor.clone(), max_body_bytes: self.max_body_bytes };
        let (began, draining) = oneshot::channel();
        let signal = async move {
            shutdown.await;
            // The receiver is gone only when the listener has failed already.
            let _listening = began.send(());
        };
        let serving = axum::serve(self.listener, http::router(front)).with_graceful_shutdown(signal);
        let drained = async {
            if draining.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(self.drain).await;
        };
        let outcome = tokio::select! {
            outcome = serving => outcome,
            () = drained => {
                tracing::warn!("requests were still in hand at the end of the drain time and are dropped");
                Ok(())
            }
        };
        if timeout(Duration::from_secs(1), self.predictor.close()).await.is_err() {
            tracing::warn!("a session was still busy at the end of the drain time");
        }
        Ok(outcome?)
    }

    pub(crate) async fn start(config: Config) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let predictor = Predictor::open(config.predictor)?;
        Ok(Self { listener, address, predictor, max_body_bytes: config.max_body_bytes, drain: config.drain })
    }
}
