//! Connections to one target, last used first, one pool per target and purpose.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use proofload_core::environment::HttpVersion;
use tokio::sync::Mutex;

use super::broken::Broken;
use super::connector::{Connector, Offer};
use super::exchange::{Exchange, Outgoing};
use super::http1::Connection;
use super::http2;
use super::target::Target;
use crate::clock::RunClock;

/// Connections to one target.
pub(super) struct Pool {
    connector: Connector,
    clock: RunClock,
    version: Cell<HttpVersion>,
    /// Held by the one that finds out the version.
    negotiating: Mutex<()>,
    idle: RefCell<Vec<Connection>>,
    http2: http2::Pool,
}

impl Pool {
    pub(super) fn new(target: Rc<Target>, tls: Option<&Arc<rustls::ClientConfig>>, clock: RunClock) -> Self {
        let version = match target.http {
            // Without TLS nothing is negotiated, and a server that is not told otherwise expects HTTP/1.1.
            HttpVersion::Auto if target.tls.is_none() => HttpVersion::Http1,
            version => version,
        };
        Self {
            connector: Connector::new(target, tls.map(Arc::as_ref)),
            clock,
            version: Cell::new(version),
            negotiating: Mutex::default(),
            idle: RefCell::default(),
            http2: http2::Pool::default(),
        }
    }

    pub(super) fn target(&self) -> &Target {
        self.connector.target()
    }

    /// Sends a request and reads its answer. `on_send` is called when a connection is there to send on, and told whether
    /// there was any wait for it.
    ///
    /// A connection that the server closed while it idled is replaced, once and unseen, where that sends nothing twice
    /// (RFC 9110 §9.2.2, RFC 9112 §9.3.1, RFC 9113 §8.7).
    pub(super) async fn exchange(
        &self,
        outgoing: &Outgoing,
        mut on_send: impl FnMut(bool),
    ) -> Result<Exchange, Broken> {
        let negotiated = self.version.get() == HttpVersion::Auto;
        if negotiated {
            Box::pin(self.negotiate()).await?;
        }
        if self.version.get() == HttpVersion::Http2 {
            // In a box, so that passes over HTTP/1.1 stay small.
            return Box::pin(self.http2.exchange(&self.connector, outgoing, self.clock, on_send)).await;
        }
        let idle = self.usable();
        // What was opened to find out the version has never served.
        let was_idle = idle.is_some() && !negotiated;
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        on_send(!was_idle);
        let exchange = match connection.exchange(outgoing, self.clock).await {
            Err(failed) if was_idle && failed.repeatable => {
                connection = self.connect().await?;
                on_send(true);
                connection.exchange(outgoing, self.clock).await
            }
            exchange => exchange,
        };
        let (exchange, reusable) = exchange.map_err(|failed| failed.broken)?;
        if reusable {
            self.idle.borrow_mut().push(connection);
        }
        Ok(exchange)
    }

    /// Opens one connection to find out which version the server chooses; all others wait for that.
    async fn negotiate(&self) -> Result<(), Broken> {
        let _one = self.negotiating.lock().await;
        if self.version.get() != HttpVersion::Auto {
            return Ok(());
        }
        let stream = self.connector.connect(Offer::Either).await?;
        if stream.speaks_http2() {
            self.http2.adopt(stream).await?;
            self.version.set(HttpVersion::Http2);
        } else {
            self.idle.borrow_mut().push(Connection::new(stream));
            self.version.set(HttpVersion::Http1);
        }
        Ok(())
    }

    /// The connection that was used last, of those that still stand.
    fn usable(&self) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        loop {
            let mut connection = idle.pop()?;
            if !connection.is_stale() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Broken> {
        Ok(Connection::new(self.connector.connect(Offer::Http1).await?))
    }
}
