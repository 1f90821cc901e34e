//! WebSocket jobs: a connection of their own each, on which the system tells the job's states as JSON texts.

use std::sync::Arc;

use futures::StreamExt;
use http::{Request, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};

use super::book::Seen;
use super::broken::{Broken, why_not_connected};
use super::job::{Followed, Following};
use super::target::Target;
use super::world::World;

/// Largest message that is read.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Many wait at once, so their buffers are small.
const BUFFER_BYTES: usize = 4 * 1024;
/// Longest time to say goodbye.
const CLOSE_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// A connection, with or without TLS.
trait Wire: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

/// Connects to `path` and reads states until the job ends, the connection does, or it is time to give up.
pub(super) async fn read_until_end(world: &World, following: Following<'_>, path: String) -> Followed {
    let Some(left) = following.left(world) else { return Followed::GivenUp };
    match tokio::time::timeout(left, read(world, following, &path)).await {
        Ok(followed) => followed,
        Err(_) => Followed::GivenUp,
    }
}

async fn read(world: &World, following: Following<'_>, path: &str) -> Followed {
    let flow = world.jobs.borrow().entry(following.index).flow;
    let system = &world.systems[flow];
    let authorization = following.job.auth.as_ref().and_then(|name| system.tokens.get(name));
    let connected = connect(world, system.poll.target(), path, authorization).await;
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(why) => return Followed::Cut(why),
    };
    loop {
        let text = match stream.next().await {
            Some(Ok(Message::Text(text))) => text,
            // Pings are answered by the library while it reads.
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Followed::Cut("websocket: closed before an end"),
        };
        let Ok(json) = serde_json::from_str(&text) else { continue };
        let seen = Seen::in_json(&json, following.job);
        world.jobs.borrow_mut().note(following.index, &seen);
        if let Some(fate) = seen.end {
            // The job has ended now; the goodbye is nobody's latency.
            tokio::task::spawn_local(async move {
                let _ = tokio::time::timeout(CLOSE_WITHIN, stream.close(None)).await;
            });
            return Followed::Ended(fate);
        }
    }
}

async fn connect(
    world: &World,
    target: &Target,
    path: &str,
    authorization: Option<&http::HeaderValue>,
) -> Result<WebSocketStream<Box<dyn Wire>>, &'static str> {
    let stream = TcpStream::connect(target.address).await.map_err(|error| {
        if why_not_connected(&error) == Broken::Local {
            world.local_failures.set(world.local_failures.get() + 1);
        }
        "websocket: refused"
    })?;
    stream.set_nodelay(true).map_err(|_| "websocket: refused")?;
    let wire: Box<dyn Wire> = match (&target.tls, &world.tls) {
        (None, _) => Box::new(stream),
        (Some(name), Some(config)) => {
            // An upgrade is spoken in HTTP/1.1, whatever else the load offers.
            let mut config = rustls::ClientConfig::clone(config);
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            Box::new(connector.connect(name.clone(), stream).await.map_err(|_| "websocket: tls")?)
        }
        (Some(_), None) => return Err("websocket: tls"),
    };
    let request = request(target, path, authorization).ok_or("websocket: no such address")?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(BUFFER_BYTES * 4)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let upgraded = tokio_tungstenite::client_async_with_config(request, wire, Some(config)).await;
    upgraded.map(|(stream, _)| stream).map_err(|_| "websocket: not accepted")
}

/// The request to upgrade (RFC 6455 §4.1).
fn request(target: &Target, path: &str, authorization: Option<&http::HeaderValue>) -> Option<Request<()>> {
    // A whole URL may name its WebSocket scheme; where it goes is the target all the same.
    let path = match path.strip_prefix("ws") {
        Some(rest) if rest.starts_with("://") || rest.starts_with("s://") => format!("http{rest}"),
        _ => path.to_owned(),
    };
    let mut builder = Request::builder()
        .uri(format!("ws://{}{}", target.authority, target.path_of(&path)))
        .header(header::HOST, &*target.authority)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key());
    if let Some(value) = authorization {
        builder = builder.header(header::AUTHORIZATION, value);
    }
    builder.body(()).ok()
}
