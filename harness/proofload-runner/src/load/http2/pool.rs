//! Connections to one target: the first with room takes a request, and another is opened when none has any.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::{Mutex, Notify};

use super::connection::{Connection, Place};
use super::exchange::{Again, exchange};
use super::request::request;
use crate::clock::RunClock;
use crate::load::broken::Broken;
use crate::load::connector::{Connector, Offer};
use crate::load::exchange::{Exchange, Outgoing};
use crate::load::http1::Stream;

/// Connections that a request is offered to: those that just told that they take no more are passed over.
const OFFERS_MAX: usize = 8;

/// Connections to one target.
#[derive(Default)]
pub(in crate::load) struct Pool {
    connections: RefCell<Vec<Rc<Connection>>>,
    /// Held by the one that opens a connection, so that those who wait with it share what it opened.
    opening: Mutex<()>,
    /// Told whenever a place is free again.
    freed: Rc<Notify>,
}

impl Pool {
    /// Sends a request and reads its answer. `on_send` is called when a connection takes it. What a connection did not
    /// take goes to another; a request that the server did not begin, or that went out on a connection which ended
    /// meanwhile, is sent once more.
    pub(in crate::load) async fn exchange(
        &self,
        connector: &Connector,
        outgoing: &Outgoing,
        clock: RunClock,
        mut on_send: impl FnMut(bool),
    ) -> Result<Exchange, Broken> {
        let is_tls = connector.target().tls.is_some();
        let request = request(&outgoing.head, is_tls).ok_or(Broken::NotSent)?;
        let (mut last, mut is_second) = (Broken::Reset, false);
        for _ in 0..OFFERS_MAX {
            let (place, is_new) = self.place(connector).await?;
            let failed = match exchange(place, (request.clone(), outgoing), clock, &mut on_send).await {
                Ok(exchange) => return Ok(exchange),
                Err(failed) => failed,
            };
            let again = match failed.again {
                Again::Never => false,
                Again::OnceIfOld => !is_new && !is_second,
                Again::Once => !is_second,
                Again::AsOftenAsNeeded => true,
            };
            if !again {
                return Err(failed.broken);
            }
            is_second |= failed.again != Again::AsOftenAsNeeded;
            last = failed.broken;
        }
        Err(last)
    }

    /// Takes in a connection that is open already.
    pub(in crate::load) async fn adopt(&self, stream: Stream) -> Result<(), Broken> {
        self.greet(stream).await.map(drop)
    }

    /// A place on a connection; says whether that is a new one. Waits for whatever comes first: a place that is free
    /// again, or the turn to open a connection.
    async fn place(&self, connector: &Connector) -> Result<(Place, bool), Broken> {
        loop {
            if let Some(connection) = self.with_room() {
                return Ok((connection.place(), false));
            }
            let _one = tokio::select! {
                one = self.opening.lock() => one,
                () = self.freed.notified() => continue,
            };
            if self.with_room().is_some() {
                continue;
            }
            let stream = connector.connect(Offer::Http2).await?;
            if connector.target().tls.is_some() && !stream.speaks_http2() {
                return Err(Broken::Tls);
            }
            return Ok((self.greet(stream).await?.place(), true));
        }
    }

    async fn greet(&self, stream: Stream) -> Result<Rc<Connection>, Broken> {
        let freed = Rc::clone(&self.freed);
        let connection = match stream {
            Stream::Plain(socket) => Connection::greet(socket, freed).await?,
            Stream::Tls(tls) => Connection::greet(tls, freed).await?,
        };
        let connection = Rc::new(connection);
        self.connections.borrow_mut().push(Rc::clone(&connection));
        self.freed.notify_waiters();
        Ok(connection)
    }

    fn with_room(&self) -> Option<Rc<Connection>> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| !connection.is_over());
        connections.iter().find(|connection| connection.has_room()).cloned()
    }
}
