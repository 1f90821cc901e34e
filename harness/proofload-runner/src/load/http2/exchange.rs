//! One request on a connection and its answer, both at once where a server answers before it was told all.

use std::future::poll_fn;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::Request;

use super::connection::{Place, is_ours, why};
use crate::clock::RunClock;
use crate::load::broken::Broken;
use crate::load::exchange::{
    ANSWER_BYTES_MAX, Answer, Exchange, FIELDS_MAX, Keep, Outgoing, Piece, head_of, read_stretch,
};

/// Why there is no answer.
pub(super) struct Failed {
    /// The error class.
    pub(super) broken: Broken,
    /// When it may be sent again without doing anything twice.
    pub(super) again: Again,
}

/// When a request may be sent again without doing anything twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// The connection ended while it was under way: if that had served before, and so may have ended in between.
    OnceIfOld,
    /// The server said that it did not begin it (RFC 9113 §8.7).
    Once,
    /// Nothing of it was sent.
    AsOftenAsNeeded,
}

/// Sends a request and reads its answer; `on_send` is called when the connection takes it.
pub(super) async fn exchange(
    mut place: Place,
    (request, outgoing): (Request<()>, &Outgoing),
    clock: RunClock,
    on_send: impl FnOnce(bool),
) -> Result<Exchange, Failed> {
    let has_content = outgoing.pieces.iter().any(|piece| piece.bytes() > 0);
    let sent = match place.requests().ready().await {
        Ok(mut requests) => {
            on_send(true);
            requests.send_request(request, !has_content)
        }
        Err(error) => Err(error),
    };
    let (response, stream) = sent.map_err(|error| unsent(&error, &mut place))?;
    let mut reading = Reading { keep: outgoing.keep, clock, first_byte_ns: None };
    let answer = {
        let answer = pin!(reading.answer(response));
        let sending = pin!(async { if has_content { send(stream, &outgoing.pieces).await } else { Ok(()) } });
        match select(answer, sending).await {
            // The answer is whole: nobody wants the rest of the content. Dropping the stream says so.
            Either::Left((answer, _)) => answer,
            Either::Right((Err(Unreadable), _)) => Err(Ended::Here(Broken::NotSent)),
            // Even where the server took no more it may have said why.
            Either::Right((Ok(()), answer)) => answer.await,
        }
    };
    let has_spoken = reading.first_byte_ns.is_some();
    match answer {
        Ok(answer) => {
            place.lives();
            Ok(Exchange { answer, first_byte_ns: reading.first_byte_ns.unwrap_or_else(|| clock.now_ns()) })
        }
        Err(Ended::Here(broken)) => {
            place.lives();
            Err(Failed { broken, again: Again::Never })
        }
        Err(Ended::There(error)) => {
            // A server that resets one request lives; one that says GOAWAY takes no more.
            if error.is_reset() && error.is_remote() {
                place.lives();
            }
            let again = if has_spoken { Again::Never } else { again(&error, outgoing.is_idempotent) };
            Err(Failed { broken: why(&error), again })
        }
    }
}

/// Nothing was sent: the connection takes no more requests, or the request is none.
fn unsent(error: &h2::Error, place: &mut Place) -> Failed {
    if is_ours(error) {
        place.lives();
        return Failed { broken: Broken::NotSent, again: Again::Never };
    }
    Failed { broken: why(error), again: Again::AsOftenAsNeeded }
}

fn again(error: &h2::Error, is_idempotent: bool) -> Again {
    // GOAWAY ends only the requests that it says were not begun.
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM) || error.is_go_away();
    match (error.is_remote() && refused, is_idempotent && error.is_io()) {
        (true, _) => Again::Once,
        (false, true) => Again::OnceIfOld,
        (false, false) => Again::Never,
    }
}

/// How an answer ended that is not whole.
enum Ended {
    /// By this side, which found it wrong; the connection is sound.
    Here(Broken),
    /// By the server or the network.
    There(h2::Error),
}

/// The file that is sent cannot be read any more.
struct Unreadable;

/// Sends the content as the server gives room for it. Why the server may take no more is told with the answer.
async fn send(mut stream: SendStream<Bytes>, pieces: &[Piece]) -> Result<(), Unreadable> {
    for piece in pieces {
        let (file, bytes) = match piece {
            Piece::Bytes(bytes) => {
                if send_bytes(&mut stream, bytes.clone()).await.is_none() {
                    return Ok(());
                }
                continue;
            }
            Piece::File { file, bytes } => (file, *bytes),
        };
        let mut offset = 0;
        while offset < bytes {
            let stretch = read_stretch(file, offset, bytes - offset).map_err(|_| Unreadable)?;
            offset += stretch.len() as u64;
            if send_bytes(&mut stream, stretch).await.is_none() {
                return Ok(());
            }
        }
    }
    let _ = stream.send_data(Bytes::new(), true);
    Ok(())
}

/// Sends bytes in as many frames as the windows allow (RFC 9113 §5.2); `None` where the stream has ended.
async fn send_bytes(stream: &mut SendStream<Bytes>, mut bytes: Bytes) -> Option<()> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = poll_fn(|context| stream.poll_capacity(context)).await?.ok()?;
        stream.send_data(bytes.split_to(room.min(bytes.len())), false).ok()?;
    }
    Some(())
}

/// An answer as it comes.
struct Reading {
    keep: Keep,
    clock: RunClock,
    first_byte_ns: Option<u64>,
}

impl Reading {
    async fn answer(&mut self, response: ResponseFuture) -> Result<Answer, Ended> {
        let (head, mut body) = response.await.map_err(Ended::There)?.into_parts();
        self.first_byte_ns = Some(self.clock.now_ns());
        let mut answer = Answer::default();
        answer.status = head.status.as_u16();
        answer.body = self.content(&mut body, &mut answer.body_bytes).await?;
        let trailers = body.trailers().await.map_err(Ended::There)?.unwrap_or_default();
        if head.headers.len() + trailers.len() > FIELDS_MAX {
            return Err(Ended::Here(Broken::Malformed));
        }
        if self.keep.head {
            answer.keep_head(&head_of(answer.status, &head.headers, &trailers));
        }
        Ok(answer)
    }

    async fn content(&self, body: &mut RecvStream, body_bytes: &mut u64) -> Result<Bytes, Ended> {
        let mut kept = BytesMut::new();
        while let Some(part) = body.data().await {
            let part = part.map_err(Ended::There)?;
            *body_bytes += part.len() as u64;
            if *body_bytes > ANSWER_BYTES_MAX {
                return Err(Ended::Here(Broken::TooLarge));
            }
            body.flow_control().release_capacity(part.len()).map_err(Ended::There)?;
            if self.keep.body {
                kept.extend_from_slice(&part);
            }
        }
        Ok(kept.freeze())
    }
}
