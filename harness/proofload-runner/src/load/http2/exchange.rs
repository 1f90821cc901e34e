//! One request on a connection and its answer, both at once where a server answers before it was told all.

use std::future::poll_fn;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::Request;

use super::connection::{Place, why};
use crate::clock::RunClock;
use crate::load::broken::Broken;
use crate::load::exchange::{ANSWER_BYTES_MAX, Answer, Exchange, Failed, Keep, Outgoing, Piece, head_of, read_stretch};

/// Sends a request and reads its answer; `on_send` is called when the connection takes it.
pub(super) async fn exchange(
    mut place: Place,
    (request, outgoing): (Request<()>, &Outgoing),
    clock: RunClock,
    on_send: impl FnOnce(bool),
) -> Result<Exchange, Failed> {
    let failed = |error: h2::Error| Failed {
        broken: why(&error),
        // A request that the server reset was begun, unless it says otherwise; one on a connection that ended may
        // have met its end on the way.
        repeatable: if error.is_reset() {
            error.reason() == Some(Reason::REFUSED_STREAM)
        } else {
            outgoing.is_idempotent
        },
    };
    let mut requests = place.requests().ready().await.map_err(failed)?;
    let is_all = outgoing.pieces.iter().all(|piece| piece.bytes() == 0);
    // The connection may have kept it waiting for a place.
    on_send(true);
    let (response, stream) = requests.send_request(request, is_all).map_err(failed)?;
    let mut reading = Reading { keep: outgoing.keep, clock, first_byte_ns: None };
    let answer = {
        let answer = pin!(reading.answer(response));
        let sending = pin!(async {
            if !is_all {
                send(stream, &outgoing.pieces).await;
            }
        });
        match select(answer, sending).await {
            // The answer is whole: nobody wants the rest of the content. Dropping the stream says so.
            Either::Left((answer, _)) => answer,
            // Even where sending failed the server may have said why.
            Either::Right(((), answer)) => answer.await,
        }
    };
    // A server that resets one request has still spoken.
    if reading.first_byte_ns.is_some() || matches!(&answer, Err(Ended::Error(error)) if error.is_remote()) {
        place.answered();
    }
    match answer {
        Ok(answer) => Ok(Exchange { answer, first_byte_ns: reading.first_byte_ns.unwrap_or_else(|| clock.now_ns()) }),
        Err(Ended::TooLarge) => Err(Failed { broken: Broken::TooLarge, repeatable: false }),
        Err(Ended::Error(error)) => {
            let failed = failed(error);
            Err(Failed { repeatable: failed.repeatable && reading.first_byte_ns.is_none(), ..failed })
        }
    }
}

/// How an answer ended that is not whole.
enum Ended {
    Error(h2::Error),
    TooLarge,
}

/// Sends the content as the server gives room for it. Why it may fail is told with the answer.
async fn send(mut stream: SendStream<Bytes>, pieces: &[Piece]) {
    for piece in pieces {
        let sent = match piece {
            Piece::Bytes(bytes) => send_bytes(&mut stream, bytes.clone()).await,
            Piece::File { file, bytes } => {
                let mut offset = 0;
                loop {
                    if offset == *bytes {
                        break Some(());
                    }
                    let Ok(stretch) = read_stretch(file, offset, bytes - offset) else { break None };
                    offset += stretch.len() as u64;
                    if send_bytes(&mut stream, stretch).await.is_none() {
                        break None;
                    }
                }
            }
        };
        if sent.is_none() {
            return;
        }
    }
    let _ = stream.send_data(Bytes::new(), true);
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
        let (head, mut body) = response.await.map_err(Ended::Error)?.into_parts();
        self.first_byte_ns = Some(self.clock.now_ns());
        let mut answer = Answer::default();
        answer.status = head.status.as_u16();
        answer.body = self.content(&mut body, &mut answer.body_bytes).await?;
        let trailers = body.trailers().await.map_err(Ended::Error)?.unwrap_or_default();
        if self.keep.head {
            answer.keep_head(&head_of(answer.status, &head.headers, &trailers));
        }
        Ok(answer)
    }

    async fn content(&self, body: &mut RecvStream, body_bytes: &mut u64) -> Result<Bytes, Ended> {
        let mut kept = BytesMut::new();
        while let Some(part) = body.data().await {
            let part = part.map_err(Ended::Error)?;
            *body_bytes += part.len() as u64;
            if *body_bytes > ANSWER_BYTES_MAX {
                return Err(Ended::TooLarge);
            }
            body.flow_control().release_capacity(part.len()).map_err(Ended::Error)?;
            if self.keep.body {
                kept.extend_from_slice(&part);
            }
        }
        Ok(kept.freeze())
    }
}
