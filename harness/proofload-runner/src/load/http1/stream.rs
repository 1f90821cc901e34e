//! A connection's stream: plain or TLS, one type for both.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::SendFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Most of a file that the kernel is asked to send in one call, so that others get their turn.
const SEND_FILE_BYTES: u64 = 256 * 1024;

/// A connection's stream.
pub(in crate::load) enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Through TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether the server chose HTTP/2 in the TLS handshake.
    pub(in crate::load) fn speaks_http2(&self) -> bool {
        matches!(self, Stream::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2"))
    }

    /// Sends a stretch of a file from the page cache straight to the socket (`sendfile(2)`); `None` where that cannot
    /// be, because the bytes must be encrypted first.
    pub(super) fn poll_send_file(
        &self,
        context: &mut Context<'_>,
        file: &File,
        offset: u64,
        left: u64,
    ) -> Option<Poll<io::Result<u64>>> {
        let Stream::Plain(socket) = self else { return None };
        Some(loop {
            match socket.poll_write_ready(context) {
                Poll::Pending => break Poll::Pending,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            let step = usize::try_from(left.min(SEND_FILE_BYTES)).unwrap_or(0);
            let sent = socket.try_io(Interest::WRITABLE, || {
                let mut at = offset;
                rustix::fs::sendfile(socket, file, Some(&mut at), step).map_err(io::Error::from)
            });
            match sent {
                Ok(0) => break Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file got shorter"))),
                Ok(sent) => break Poll::Ready(Ok(sent as u64)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => break Poll::Ready(Err(error)),
            }
        })
    }

    /// Sends the start of `first`, or of both where the stream takes two slices.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let slices = [io::IoSlice::new(first), io::IoSlice::new(second)];
        // One slice goes without the kernel having to read a list of slices.
        let sent = match (self, second.is_empty()) {
            (Stream::Plain(socket), true) => ready!(poll_send_slice(socket, context, first)),
            (Stream::Plain(socket), false) => ready!(Pin::new(socket).poll_write_vectored(context, &slices)),
            (Stream::Tls(tls), true) => ready!(Pin::new(tls).poll_write(context, first)),
            (Stream::Tls(tls), false) => ready!(Pin::new(tls).poll_write_vectored(context, &slices)),
        };
        Poll::Ready(match sent {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            sent => sent,
        })
    }

    /// Pushes out what TLS still holds back; a plain stream holds nothing.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }
}

/// Sends as `poll_write` does, by the system call itself: the way through the C library, which looks whether the thread
/// is to be cancelled, costs a hundredth of a small request.
fn poll_send_slice(socket: &TcpStream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.poll_write_ready(context))?;
        let write = || rustix::net::send(socket, bytes, SendFlags::NOSIGNAL).map_err(io::Error::from);
        match socket.try_io(Interest::WRITABLE, write) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return Poll::Ready(sent),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_read(context, into),
            Stream::Tls(tls) => Pin::new(tls).poll_read(context, into),
        }
    }
}
