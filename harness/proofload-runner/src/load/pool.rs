//! Connections to one target, last used first, one pool per target and purpose.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::broken::{Broken, why_not_connected};
use super::http1::{Connection, Exchange, Outgoing, Stream};
use super::target::Target;
use crate::clock::RunClock;

/// Connections to one target.
pub(super) struct Pool {
    target: Rc<Target>,
    tls: Option<Arc<rustls::ClientConfig>>,
    clock: RunClock,
    idle: RefCell<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(target: Rc<Target>, tls: Option<Arc<rustls::ClientConfig>>, clock: RunClock) -> Self {
        Self { target, tls, clock, idle: RefCell::default() }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends a request and reads its answer. `on_send` is called when a connection is there to send on.
    ///
    /// A connection that the server closed while it idled is replaced, once and unseen, where that sends nothing twice:
    /// the request is idempotent and the server said nothing (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
    pub(super) async fn exchange(&self, outgoing: &Outgoing, mut on_send: impl FnMut()) -> Result<Exchange, Broken> {
        let idle = self.usable();
        let was_idle = idle.is_some();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        on_send();
        let exchange = match connection.exchange(outgoing, self.clock).await {
            Err(failed) if was_idle && failed.unanswered && outgoing.is_idempotent => {
                connection = self.connect().await?;
                on_send();
                connection.exchange(outgoing, self.clock).await
            }
            exchange => exchange,
        }
        .map_err(|failed| failed.broken)?;
        if exchange.reusable {
            self.idle.borrow_mut().push(connection);
        }
        Ok(exchange)
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
        let socket = TcpStream::connect(self.target.address).await.map_err(|error| why_not_connected(&error))?;
        // A request is one write; waiting to fill segments would only add latency.
        socket.set_nodelay(true).map_err(|_| Broken::Refused)?;
        let Some(name) = &self.target.tls else { return Ok(Connection::new(Stream::Plain(socket))) };
        let connector = TlsConnector::from(Arc::clone(self.tls.as_ref().ok_or(Broken::Tls)?));
        let stream = connector.connect(name.clone(), socket).await.map_err(|_| Broken::Tls)?;
        Ok(Connection::new(Stream::Tls(Box::new(stream))))
    }
}
