//! One connection: its frames are driven by a task of its own, which ends with it.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use h2::Ping;
use h2::client::{Builder, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::load::broken::Broken;
use crate::load::exchange::HEAD_BYTES_MAX;

/// Most requests at once on one connection, even where the server allows more: beyond it a second one serves better.
const STREAMS_MAX: usize = 100;
/// What the server may send of one answer before it hears that it was read.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// What it may send of all answers together.
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// A connection to a target.
pub(super) struct Connection {
    requests: SendRequest<Bytes>,
    streams: Cell<usize>,
    /// Takes no further request.
    retired: Cell<bool>,
    ended: Rc<Cell<bool>>,
    driver: AbortHandle,
    /// Told whenever a place is free again.
    freed: Rc<Notify>,
}

impl Connection {
    /// Greets the server, and drives the connection from now on. Waits until the server has said how many requests it
    /// takes at once: it answers a ping only after that.
    pub(super) async fn greet(
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        freed: Rc<Notify>,
    ) -> Result<Self, Broken> {
        let (requests, mut connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(|error| why(&error))?;
        let mut ping = connection.ping_pong().expect("nobody else has asked for it");
        let ended = Rc::new(Cell::new(false));
        let told = Rc::clone(&ended);
        let driver = tokio::task::spawn_local(async move {
            // What went wrong is told to every request on it.
            let _ = connection.await;
            told.set(true);
        });
        let (streams, retired) = (Cell::new(0), Cell::new(false));
        let connection = Self { requests, streams, retired, ended, driver: driver.abort_handle(), freed };
        ping.ping(Ping::opaque()).await.map_err(|error| why(&error))?;
        Ok(connection)
    }

    /// Whether it will ever take another request.
    pub(super) fn is_over(&self) -> bool {
        self.retired.get() || self.ended.get()
    }

    /// Whether it takes another request right now.
    pub(super) fn has_room(&self) -> bool {
        !self.is_over() && self.streams.get() < STREAMS_MAX.min(self.requests.current_max_send_streams())
    }

    /// A place for one request.
    pub(super) fn place(self: &Rc<Self>) -> Place {
        self.streams.set(self.streams.get() + 1);
        Place { connection: Rc::clone(self), lives: false }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // No request is on it any more. A server that reads nothing would keep it open for as long as it likes.
        self.driver.abort();
    }
}

/// A place for one request on a connection. One that is let go without a sign of life retires the connection: it may
/// be dead without having said so, and the next request shall not wait for it too.
pub(super) struct Place {
    connection: Rc<Connection>,
    lives: bool,
}

impl Place {
    /// Where the request goes.
    pub(super) fn requests(&self) -> SendRequest<Bytes> {
        self.connection.requests.clone()
    }

    /// The connection lives and may take further requests.
    pub(super) fn lives(&mut self) {
        self.lives = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.streams.set(self.connection.streams.get() - 1);
        if !self.lives {
            self.connection.retired.set(true);
        }
        self.connection.freed.notify_one();
    }
}

/// The class of an error that the connection or one request on it ended with.
pub(super) fn why(error: &h2::Error) -> Broken {
    if is_ours(error) {
        Broken::NotSent
    } else if error.is_library() {
        // What this side found wrong was not as the RFC says.
        Broken::Malformed
    } else {
        Broken::Reset
    }
}

/// The request itself has no place in HTTP/2; nothing was sent.
pub(super) fn is_ours(error: &h2::Error) -> bool {
    !(error.is_io() || error.is_remote() || error.is_library() || error.is_go_away() || error.is_reset())
}
