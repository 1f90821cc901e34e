//! Connections to one target: the first with room takes a request, and another is opened when none has any.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::Mutex;

use super::connection::{Connection, Place};
use super::exchange::exchange;
use super::request::request;
use crate::clock::RunClock;
use crate::load::broken::Broken;
use crate::load::connector::{Connector, Offer};
use crate::load::exchange::{Exchange, Outgoing};
use crate::load::http1::Stream;

/// Connections to one target.
#[derive(Default)]
pub(in crate::load) struct Pool {
    connections: RefCell<Vec<Rc<Connection>>>,
    /// Held by the one that opens a connection, so that those who wait with it share what it opened.
    opening: Mutex<()>,
}

impl Pool {
    /// Sends a request and reads its answer. `on_send` is called when a connection takes it. A request that the server
    /// did not begin, on a connection that it was about to close, is sent once more.
    pub(in crate::load) async fn exchange(
        &self,
        connector: &Connector,
        outgoing: &Outgoing,
        clock: RunClock,
        mut on_send: impl FnMut(bool),
    ) -> Result<Exchange, Broken> {
        let is_tls = connector.target().tls.is_some();
        let request = request(&outgoing.head, is_tls).ok_or(Broken::NotSent)?;
        let (place, is_new) = self.place(connector).await?;
        let again = (!is_new).then(|| request.clone());
        let failed = match exchange(place, (request, outgoing), clock, &mut on_send).await {
            Ok(exchange) => return Ok(exchange),
            Err(failed) => failed,
        };
        let Some(request) = again.filter(|_| failed.repeatable) else { return Err(failed.broken) };
        let (place, _) = self.place(connector).await?;
        exchange(place, (request, outgoing), clock, on_send).await.map_err(|failed| failed.broken)
    }

    /// Takes in a connection that is open already.
    pub(in crate::load) async fn adopt(&self, stream: Stream) -> Result<(), Broken> {
        self.greet(stream).await.map(drop)
    }

    /// A place on a connection; says whether that is a new one.
    async fn place(&self, connector: &Connector) -> Result<(Place, bool), Broken> {
        if let Some(connection) = self.with_room() {
            return Ok((connection.place(), false));
        }
        let _one = self.opening.lock().await;
        if let Some(connection) = self.with_room() {
            return Ok((connection.place(), false));
        }
        let stream = connector.connect(Offer::Http2).await?;
        if connector.target().tls.is_some() && !stream.speaks_http2() {
            return Err(Broken::Tls);
        }
        Ok((self.greet(stream).await?.place(), true))
    }

    async fn greet(&self, stream: Stream) -> Result<Rc<Connection>, Broken> {
        let connection = match stream {
            Stream::Plain(socket) => Connection::greet(socket).await?,
            Stream::Tls(tls) => Connection::greet(tls).await?,
        };
        let connection = Rc::new(connection);
        self.connections.borrow_mut().push(Rc::clone(&connection));
        Ok(connection)
    }

    fn with_room(&self) -> Option<Rc<Connection>> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| !connection.is_over());
        connections.iter().find(|connection| connection.has_room()).cloned()
    }
}
