//! One connection: sends a request and reads its answer, both at once where a server answers before it was told all.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use futures::FutureExt;
use tokio::io::AsyncReadExt;

use super::decode::{Decoder, Progress, Wrong};
use super::outgoing::Unsent;
use super::stream::Stream;
use crate::clock::RunClock;
use crate::load::broken::Broken;
use crate::load::exchange::{ANSWER_BYTES_MAX, Exchange, Failed, Outgoing};

/// Room that is made for what comes next: a small answer needs no second read.
const READ_BYTES: usize = 4 * 1024;
/// Room while a large answer comes.
const READ_LARGE_BYTES: usize = 64 * 1024;

/// A connection to a target.
pub(in crate::load) struct Connection {
    stream: Stream,
    buffer: BytesMut,
    /// The last read filled the buffer, so more room pays.
    filled: bool,
}

impl Connection {
    /// A connection over a stream that is ready.
    pub(in crate::load) fn new(stream: Stream) -> Self {
        Self { stream, buffer: BytesMut::new(), filled: false }
    }

    /// Whether the server has closed it, or sent what nobody asked for, while it was idle.
    pub(in crate::load) fn is_stale(&mut self) -> bool {
        let mut byte = [0u8; 1];
        // Tokio asks the kernel only after it was told of news, so a connection without news costs no call.
        let read = pin!(self.stream.read(&mut byte)).now_or_never();
        !self.buffer.is_empty() || read.is_some()
    }

    /// Sends a request and reads its answer; says whether the connection may carry another one.
    ///
    /// # Errors
    /// [`Failed`], after which the connection is of no use.
    pub(in crate::load) async fn exchange(
        &mut self,
        outgoing: &Outgoing,
        clock: RunClock,
    ) -> Result<(Exchange, bool), Failed> {
        let mut reading = Reading {
            decoder: Decoder::new(outgoing.keep, ANSWER_BYTES_MAX, outgoing.to_head),
            first_byte_ns: None,
            clock,
        };
        let mut unsent = Unsent::new(outgoing);
        let sent = poll_fn(|context| self.poll_send(context, &mut unsent, &mut reading)).await;
        let ended = match sent {
            Ok(Sent::Everything) => self.read_to_end(&mut reading).await.map(|()| true),
            Ok(Sent::Enough) => Ok(false),
            Err(broken) => Err(broken),
        };
        let repeatable = outgoing.is_idempotent && reading.first_byte_ns.is_none();
        let sent_all = ended.map_err(|broken| Failed { broken, repeatable })?;
        let first_byte_ns = reading.first_byte_ns.unwrap_or_else(|| clock.now_ns());
        let (answer, reusable) = reading.decoder.finish(self.buffer.len());
        if self.buffer.capacity() > READ_LARGE_BYTES / 2 {
            // An idle connection keeps no more memory than a small answer takes.
            self.buffer = BytesMut::new();
            self.filled = false;
        }
        Ok((Exchange { answer, first_byte_ns }, reusable && sent_all))
    }

    /// Sends everything, or until the answer is whole. Content that is long is sent while looking for an answer, since
    /// a server may refuse it early and stop reading.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        unsent: &mut Unsent<'_>,
        reading: &mut Reading,
    ) -> Poll<Result<Sent, Broken>> {
        loop {
            if !unsent.turn() {
                ready!(self.stream.poll_flush(context)).map_err(|_| Broken::Reset)?;
                return Poll::Ready(Ok(Sent::Everything));
            }
            match self.poll_send_some(context, unsent) {
                Poll::Ready(Ok(())) => {}
                // Of the file that is sent: a socket never says so.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Err(Broken::NotSent));
                }
                Poll::Ready(Err(_)) => return self.poll_last_words(context, reading),
                Poll::Pending => {
                    // The socket is full: time to look whether the server has said something.
                    if ready!(self.poll_take(context, reading))? == Progress::Whole {
                        return Poll::Ready(Ok(Sent::Enough));
                    }
                }
            }
        }
    }

    fn poll_send_some(&mut self, context: &mut Context<'_>, unsent: &mut Unsent<'_>) -> Poll<io::Result<()>> {
        if let Some((file, offset, left)) = unsent.file() {
            match self.stream.poll_send_file(context, file, offset, left) {
                Some(sent) => {
                    unsent.advance_file(ready!(sent)?);
                    return Poll::Ready(Ok(()));
                }
                None => unsent.read_file()?,
            }
        }
        let sent = ready!(self.stream.poll_send(context, &unsent.bytes, unsent.next_bytes()))?;
        unsent.advance(sent);
        Poll::Ready(Ok(()))
    }

    /// Nothing more can be sent. What the server said before it hung up is its answer.
    fn poll_last_words(&mut self, context: &mut Context<'_>, reading: &mut Reading) -> Poll<Result<Sent, Broken>> {
        while ready!(self.poll_take(context, reading))? == Progress::More {}
        Poll::Ready(Ok(Sent::Enough))
    }

    async fn read_to_end(&mut self, reading: &mut Reading) -> Result<(), Broken> {
        while poll_fn(|context| self.poll_take(context, reading)).await? == Progress::More {}
        Ok(())
    }

    /// Reads once and gives it to the decoder.
    fn poll_take(&mut self, context: &mut Context<'_>, reading: &mut Reading) -> Poll<Result<Progress, Broken>> {
        self.buffer.reserve(if self.filled { READ_LARGE_BYTES } else { READ_BYTES });
        let read = ready!(tokio_util::io::poll_read_buf(pin!(&mut self.stream), context, &mut self.buffer));
        self.filled = self.buffer.len() == self.buffer.capacity();
        Poll::Ready(reading.take(read, &mut self.buffer))
    }
}

/// How sending ended.
enum Sent {
    /// All of it is on its way; the answer is to be read.
    Everything,
    /// The answer was whole before all was sent.
    Enough,
}

/// The answer as it comes.
struct Reading {
    decoder: Decoder,
    first_byte_ns: Option<u64>,
    clock: RunClock,
}

impl Reading {
    fn take(&mut self, read: io::Result<usize>, buffer: &mut BytesMut) -> Result<Progress, Broken> {
        match read {
            Ok(0) => self.decoder.ended().map(|()| Progress::Whole).map_err(why),
            Ok(_) => {
                if self.first_byte_ns.is_none() {
                    self.first_byte_ns = Some(self.clock.now_ns());
                }
                self.decoder.advance(buffer).map_err(why)
            }
            // Some servers end TLS without saying so; an answer that lasts until the end is whole all the same.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.decoder.ended().map(|()| Progress::Whole).map_err(why)
            }
            Err(_) => Err(Broken::Reset),
        }
    }
}

fn why(wrong: Wrong) -> Broken {
    match wrong {
        Wrong::Malformed => Broken::Malformed,
        Wrong::TooLarge => Broken::TooLarge,
        Wrong::CutOff => Broken::Reset,
    }
}
