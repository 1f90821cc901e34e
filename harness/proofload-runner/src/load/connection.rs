//! Connections: hyper's HTTP/1 client over an own pool, last used first, one pool per target and purpose.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::body::PartsBody;
use super::target::Target;

/// Why no whole answer came. The words are error classes in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// No connection could be made.
    Refused,
    /// The TLS handshake failed.
    Tls,
    /// The connection ended before the whole answer was there.
    Reset,
    /// The answer took longer than the request's timeout.
    TimedOut,
    /// The answer was larger than anything a flow reads.
    TooLarge,
    /// The request could not be built, for want of a value or by a bad one.
    NotSent,
    /// An earlier step of the pass went wrong, so this one never began.
    NotReached,
    /// This machine had no port, no file descriptor or no memory left for a connection: proofload's own limit.
    Local,
}

impl Broken {
    /// The class in a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Broken::Refused => "refused",
            Broken::Tls => "tls",
            Broken::Reset => "reset",
            Broken::TimedOut => "timed-out",
            Broken::TooLarge => "too-large",
            Broken::NotSent => "not-sent",
            Broken::NotReached => "not-reached",
            Broken::Local => "no connection could be opened on this machine",
        }
    }
}

/// Idle connections to one target.
#[derive(Clone)]
pub(super) struct Pool {
    target: Rc<Target>,
    tls: Option<Arc<rustls::ClientConfig>>,
    idle: Rc<RefCell<Vec<SendRequest<PartsBody>>>>,
}

/// A connection lent by a pool.
pub(super) struct Lent {
    sender: SendRequest<PartsBody>,
    fresh: bool,
}

impl Pool {
    pub(super) fn new(target: Rc<Target>, tls: Option<Arc<rustls::ClientConfig>>) -> Self {
        Self { target, tls, idle: Rc::default() }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// An idle connection, or a new one.
    pub(super) async fn lend(&self) -> Result<Lent, Broken> {
        loop {
            let idle = self.idle.borrow_mut().pop();
            match idle {
                Some(sender) if sender.is_ready() => return Ok(Lent { sender, fresh: false }),
                Some(_) => {}
                None => return Ok(Lent { sender: self.connect().await?, fresh: true }),
            }
        }
    }

    /// Takes a connection back whose answer was read to its end.
    pub(super) fn give_back(&self, lent: Lent) {
        if !lent.sender.is_closed() {
            self.idle.borrow_mut().push(lent.sender);
        }
    }

    /// Sends a request. A connection that the server had closed while it idled is replaced once; nothing was sent on
    /// it then, so nothing is sent twice.
    pub(super) async fn send(
        &self,
        lent: &mut Lent,
        request: Request<PartsBody>,
    ) -> Result<hyper::Response<Incoming>, Broken> {
        let mut request = request;
        loop {
            match lent.sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !lent.fresh => {
                        *lent = Lent { sender: self.connect().await?, fresh: true };
                        request = unsent;
                    }
                    _ => return Err(Broken::Reset),
                },
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<PartsBody>, Broken> {
        let stream = TcpStream::connect(self.target.address).await.map_err(|error| why_not_connected(&error))?;
        // A request is one write; waiting to fill segments would only add latency.
        stream.set_nodelay(true).map_err(|_| Broken::Refused)?;
        match (&self.target.tls, &self.tls) {
            (Some(name), Some(config)) => {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await.map_err(|_| Broken::Tls)?;
                speak_http1(stream).await
            }
            (Some(_), None) => Err(Broken::Tls),
            (None, _) => speak_http1(stream).await,
        }
    }
}

/// Tells our own limits from the target's refusal.
pub(super) fn why_not_connected(error: &std::io::Error) -> Broken {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM) => Broken::Local,
        _ => Broken::Refused,
    }
}

async fn speak_http1(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Result<SendRequest<PartsBody>, Broken> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Broken::Refused)?;
    tokio::task::spawn_local(async move {
        // An error here reaches the request in flight as its own error.
        let _ = connection.await;
    });
    Ok(sender)
}
