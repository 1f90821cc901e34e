//! One connection: its frames are driven by a task of its own, and it ends when nobody sends on it any more.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};

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
}

impl Connection {
    /// Greets the server, and drives the connection from now on.
    pub(super) async fn greet(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Result<Self, Broken> {
        let (requests, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(|error| why(&error))?;
        let ended = Rc::new(Cell::new(false));
        let told = Rc::clone(&ended);
        tokio::task::spawn_local(async move {
            // What went wrong is told to every request on it.
            let _ = connection.await;
            told.set(true);
        });
        Ok(Self { requests, streams: Cell::new(0), retired: Cell::new(false), ended })
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
        Place { connection: Rc::clone(self), answered: false }
    }
}

/// A place for one request on a connection. One that is let go unanswered retires the connection: it may be dead
/// without having said so, and the next request shall not wait for it too.
pub(super) struct Place {
    connection: Rc<Connection>,
    answered: bool,
}

impl Place {
    /// Where the request goes.
    pub(super) fn requests(&self) -> SendRequest<Bytes> {
        self.connection.requests.clone()
    }

    /// The server has answered, so the connection lives.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.streams.set(self.connection.streams.get() - 1);
        if !self.answered {
            self.connection.retired.set(true);
        }
    }
}

/// The class of an error that the connection or one request on it ended with.
pub(super) fn why(error: &h2::Error) -> Broken {
    // What this side found wrong was not as the RFC says; all else the server or the network ended.
    if error.is_library() && !error.is_io() { Broken::Malformed } else { Broken::Reset }
}
