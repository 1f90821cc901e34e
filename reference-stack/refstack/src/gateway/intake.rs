//! Takes request bodies in: counts their bytes against the limit, gives up on a body that stalls, remembers why one ended
//! early, and reads the rest of a refused one for a while, because closing on a client that still sends loses it the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, Sleep};

/// The longest pause between two pieces of a body.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest a body may take altogether.
const BODY_TIME_MAX: Duration = Duration::from_mins(5);
/// What is read and thrown away of a body whose request is answered already.
const REST_BYTES_MAX: u64 = 64 * 1024 * 1024;
const REST_TIME_MAX: Duration = Duration::from_secs(3);

/// Why a body ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    TooLarge { limit: u64 },
    Stalled,
    Broken,
}

/// The body of one request, as seen from outside the handler.
#[derive(Clone, Default)]
pub(crate) struct Intake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cause: Option<Cause>,
    rest: Option<Body>,
}

impl Intake {
    /// Puts the metered body in place of the plain one, and the intake among the request's extensions.
    pub(crate) fn meter(request: Request, limit: Option<u64>) -> (Request, Self) {
        let intake = Self::default();
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(intake.clone());
        let metered = Metered {
            body: Some(body),
            intake: intake.clone(),
            left: limit,
            limit: limit.unwrap_or(u64::MAX),
            end: Instant::now() + BODY_TIME_MAX,
            patience: Box::pin(tokio::time::sleep(PAUSE_MAX)),
        };
        (Request::from_parts(parts, Body::new(metered)), intake)
    }

    /// Why the body ended early, if it did.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.lock(|state| state.cause)
    }

    /// Reads what the handler left, within limits.
    pub(crate) async fn read_rest(&self) {
        let Some(mut body) = self.lock(|state| state.rest.take()) else { return };
        let reading = async {
            let mut left = REST_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                match left.checked_sub(bytes) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        };
        let _ = tokio::time::timeout(REST_TIME_MAX, reading).await;
    }

    fn lock<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        use_state(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&self, cause: Cause) -> Ended {
        self.lock(|state| state.cause = Some(cause));
        Ended
    }
}

/// The body ended early; the [`Intake`] knows why.
#[derive(Debug, thiserror::Error)]
#[error("the body ended early")]
pub(crate) struct Ended;

struct Metered {
    body: Option<Body>,
    intake: Intake,
    left: Option<u64>,
    limit: u64,
    end: Instant,
    patience: Pin<Box<Sleep>>,
}

impl http_body::Body for Metered {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            ready!(this.patience.as_mut().poll(cx));
            this.body = None;
            return Poll::Ready(Some(Err(this.intake.end(Cause::Stalled))));
        };
        let now = Instant::now();
        this.patience.as_mut().reset((now + PAUSE_MAX).min(this.end));
        match frame {
            None => {
                this.body = None;
                Poll::Ready(None)
            }
            Some(Err(_)) => {
                this.body = None;
                Poll::Ready(Some(Err(this.intake.end(Cause::Broken))))
            }
            Some(Ok(frame)) => Poll::Ready(Some(this.admit(frame, now))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(http_body::Body::size_hint).unwrap_or_default()
    }
}

impl Metered {
    fn admit(&mut self, frame: Frame<Bytes>, now: Instant) -> Result<Frame<Bytes>, Ended> {
        if now > self.end {
            self.body = None;
            return Err(self.intake.end(Cause::Stalled));
        }
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(left) = &mut self.left {
            match left.checked_sub(bytes) {
                Some(rest) => *left = rest,
                None => return Err(self.intake.end(Cause::TooLarge { limit: self.limit })),
            }
        }
        Ok(frame)
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.intake.lock(|state| state.rest = Some(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(body: Body, limit: Option<u64>, expected: (usize, Option<Cause>)) {
        let (request, intake) = Intake::meter(Request::new(body), limit);
        let mut body = request.into_body();
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
        }
        assert_eq!((bytes, intake.cause()), expected);
    }

    fn stream(pieces: impl futures::Stream<Item = Result<&'static str, std::io::Error>> + Send + 'static) -> Body {
        Body::from_stream(pieces)
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_end_whole_or_with_a_cause() {
        use futures::{StreamExt as _, stream};
        let two = || stream::iter([Ok("four"), Ok("more")]);
        check(Body::empty(), Some(0), (0, None)).await;
        check(stream(two()), None, (8, None)).await;
        check(stream(two()), Some(8), (8, None)).await;
        check(stream(two()), Some(7), (4, Some(Cause::TooLarge { limit: 7 }))).await;
        let hanging = two().chain(stream::pending());
        check(stream(hanging), None, (8, Some(Cause::Stalled))).await;
        let broken = two().chain(stream::iter([Err(std::io::Error::other("gone"))]));
        check(stream(broken), None, (8, Some(Cause::Broken))).await;
        let dripping = stream::unfold((), async |()| {
            tokio::time::sleep(PAUSE_MAX / 2).await;
            Some((Ok("x"), ()))
        });
        let drops = usize::try_from(BODY_TIME_MAX.as_secs() / (PAUSE_MAX.as_secs() / 2)).unwrap();
        check(stream(dripping), None, (drops, Some(Cause::Stalled))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_handler_leaves_is_read_within_limits() {
        let (request, intake) = Intake::meter(Request::new(stream(futures::stream::pending())), None);
        drop(request);
        intake.read_rest().await;
        intake.read_rest().await;
        assert_eq!(intake.cause(), None);
    }
}
