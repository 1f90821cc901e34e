//! Opening connections to one target: the socket, and TLS with the versions of HTTP that are offered in it.

use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::broken::{Broken, why_not_connected};
use super::http1::Stream;
use super::target::Target;

/// The version that the server is asked for in the TLS handshake (ALPN, RFC 7301).
#[derive(Debug, Clone, Copy)]
pub(super) enum Offer {
    /// The server chooses; most choose HTTP/2.
    Either,
    Http1,
    Http2,
}

/// Opens connections to one target.
pub(super) struct Connector {
    target: Rc<Target>,
    /// By [`Offer`].
    tls: Option<[TlsConnector; 3]>,
}

impl Connector {
    pub(super) fn new(target: Rc<Target>, tls: Option<&rustls::ClientConfig>) -> Self {
        let offering = |tls: &rustls::ClientConfig, versions: &[&[u8]]| {
            let mut tls = tls.clone();
            tls.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
            TlsConnector::from(Arc::new(tls))
        };
        let tls = tls
            .filter(|_| target.tls.is_some())
            .map(|tls| [offering(tls, &[b"h2", b"http/1.1"]), offering(tls, &[b"http/1.1"]), offering(tls, &[b"h2"])]);
        Self { target, tls }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// A new connection.
    pub(super) async fn connect(&self, offer: Offer) -> Result<Stream, Broken> {
        let socket = TcpStream::connect(self.target.address).await.map_err(|error| why_not_connected(&error))?;
        // A request is one write; waiting to fill segments would only add latency.
        socket.set_nodelay(true).map_err(|_| Broken::Refused)?;
        let Some(name) = &self.target.tls else { return Ok(Stream::Plain(socket)) };
        let connector = &self.tls.as_ref().ok_or(Broken::Tls)?[offer as usize];
        let stream = connector.connect(name.clone(), socket).await.map_err(|_| Broken::Tls)?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}
