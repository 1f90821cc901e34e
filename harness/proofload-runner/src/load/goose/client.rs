//! Requests as Goose's client sends them: rendered by us, sent, counted and timed by Goose, read to their end here.

use std::error::Error;
use std::os::unix::fs::FileExt;

use ::goose::goose::{GooseRequest, GooseResponse, GooseUser};
use bytes::{Bytes, BytesMut};
use proofload_core::environment::HttpVersion;
use proofload_core::scenario::Request;

use super::super::broken::{Broken, why_not_connected};
use super::super::exchange::{ANSWER_BYTES_MAX, Answer, FIELDS_MAX, Outgoing, Piece};
use super::super::target::Target;
use super::user::Attack;

/// What came of a request.
pub(super) struct Answered {
    /// Goose has sent and counted it.
    pub(super) counted: bool,
    /// When the head of the answer was there, or it was clear that none comes.
    pub(super) head_ns: u64,
    pub(super) answer: Result<Answer, Broken>,
}

/// The one client of all users. It goes to the address that was resolved before the run, follows nothing, and takes
/// content as it comes.
pub(super) fn build(target: &Target, tls: Option<&rustls::ClientConfig>) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .no_gzip()
        .no_proxy()
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .resolve(target.host(), target.address());
    let (builder, versions): (_, &[&[u8]]) = match target.http() {
        HttpVersion::Auto => (builder, &[b"h2", b"http/1.1"]),
        HttpVersion::Http1 => (builder.http1_only(), &[b"http/1.1"]),
        HttpVersion::Http2 => (builder.http2_prior_knowledge(), &[b"h2"]),
    };
    let Some(tls) = tls else { return builder.build() };
    let mut tls = tls.clone();
    tls.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
    builder.tls_backend_preconfigured(tls).build()
}

/// Sends a request through Goose and reads its answer.
pub(super) async fn send(attack: &Attack, user: &mut GooseUser, request: &Request, outgoing: &Outgoing) -> Answered {
    let unsent = |head_ns| Answered { counted: false, head_ns, answer: Err(Broken::NotSent) };
    let Some(builder) = builder(attack, request, outgoing) else { return unsent(attack.clock.now_ns()) };
    let mut goose = GooseRequest::builder().name(request.name.as_str()).set_request_builder(builder);
    if let Some(status) = request.expect_status {
        goose = goose.expect_status_code(status);
    }
    let sent = user.request(goose.build()).await;
    let head_ns = attack.clock.now_ns();
    let answer = match sent {
        Err(_) => return unsent(head_ns),
        Ok(GooseResponse { response: Ok(response), .. }) => read(response).await,
        Ok(GooseResponse { response: Err(error), .. }) => Err(broken(&error)),
    };
    Answered { counted: true, head_ns, answer }
}

/// The same request for the other client: its head is parsed, so that there is one place where requests are rendered.
fn builder(attack: &Attack, request: &Request, outgoing: &Outgoing) -> Option<reqwest::RequestBuilder> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Request::new(&mut fields);
    head.parse(&outgoing.head).ok()?;
    let method = reqwest::Method::from_bytes(head.method?.as_bytes()).ok()?;
    let mut builder = attack.client.request(method, attack.url_of(head.path?)).timeout(request.timeout);
    for field in head.headers.iter().filter(|field| !field.name.eq_ignore_ascii_case("host")) {
        builder = builder.header(field.name, field.value);
    }
    if outgoing.pieces.is_empty() { Some(builder) } else { Some(builder.body(whole(&outgoing.pieces)?)) }
}

/// All content in one piece of memory, which this engine may take: it is no measure of what a machine can send.
fn whole(pieces: &[Piece]) -> Option<Bytes> {
    if let [Piece::Bytes(only)] = pieces {
        return Some(only.clone());
    }
    let mut whole = BytesMut::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => whole.extend_from_slice(bytes),
            Piece::File { file, bytes } => {
                let from = whole.len();
                whole.resize(from + usize::try_from(*bytes).ok()?, 0);
                file.read_exact_at(&mut whole[from..], 0).ok()?;
            }
        }
    }
    Some(whole.freeze())
}

async fn read(mut response: reqwest::Response) -> Result<Answer, Broken> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > ANSWER_BYTES_MAX {
            return Err(Broken::TooLarge);
        }
    }
    Ok(Answer::of((response.status().as_u16(), response.headers()), body.freeze()))
}

/// Why there is no answer, in our words.
fn broken(error: &reqwest::Error) -> Broken {
    if error.is_timeout() {
        return Broken::TimedOut;
    }
    let io = cause::<std::io::Error>(error);
    if error.is_connect() {
        let is_tls = io.is_some_and(|io| io.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>));
        return if is_tls { Broken::Tls } else { io.map_or(Broken::Refused, why_not_connected) };
    }
    let is_malformed = cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
    if is_malformed { Broken::Malformed } else { Broken::Reset }
}

/// The first cause of an error that is of this kind.
fn cause<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
