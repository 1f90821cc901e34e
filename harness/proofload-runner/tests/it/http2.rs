//! HTTP/2: by prior knowledge and by negotiation, many requests on one connection, content in both directions, and
//! servers that behave badly.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use proofload_core::evidence::RunRecord;
use proofload_core::judge::judge;
use proofload_core::scenario::Scenario;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::driven::{drive_at, get, scenario, scenario_of, total};
use crate::tls::acceptor;

/// What a server does with one request; it is told which number the request has.
pub(crate) type Behave =
    fn(http::Request<RecvStream>, SendResponse<Bytes>, u64) -> futures::future::BoxFuture<'static, ()>;

/// A server, and what it saw.
pub(crate) struct Server {
    pub(crate) port: u16,
    connections: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
    /// Its certificate, where it speaks TLS.
    certificate: Option<String>,
}

/// A server of HTTP/2 without TLS that takes so many requests at once on one connection.
pub(crate) async fn plain(streams: u32, behave: Behave) -> Server {
    going_away(u64::MAX, streams, behave).await
}

/// The same, but each connection says after so many requests that it takes no more.
async fn going_away(requests_max: u64, streams: u32, behave: Behave) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = server(&listener, None);
    let (connections, requests) = (Arc::clone(&server.connections), Arc::clone(&server.requests));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let limits = (streams, requests_max);
            tokio::spawn(speak(stream, limits, behave, Arc::clone(&connections), Arc::clone(&requests)));
        }
    });
    server
}

/// A server with TLS that offers these versions, and speaks the one that was agreed on.
async fn encrypted(versions: &[&str]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (acceptor, certificate) = acceptor(versions);
    let server = server(&listener, Some(certificate));
    let (connections, requests) = (Arc::clone(&server.connections), Arc::clone(&server.requests));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, connections, requests) = (acceptor.clone(), Arc::clone(&connections), Arc::clone(&requests));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    speak(stream, (100, u64::MAX), hello, connections, requests).await;
                } else {
                    speak_http1(stream).await;
                }
            });
        }
    });
    server
}

fn server(listener: &TcpListener, certificate: Option<String>) -> Server {
    let port = listener.local_addr().unwrap().port();
    Server { port, connections: Arc::default(), requests: Arc::default(), certificate }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    (streams, requests_max): (u32, u64),
    behave: Behave,
    connections: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
) {
    let greeted = h2::server::Builder::new().max_concurrent_streams(streams).handshake(stream).await;
    let Ok(mut connection): Result<Connection<_, Bytes>, _> = greeted else { return };
    let mut taken = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        if request.uri().path() == "/ready" {
            hello(request, respond, 0).await;
            continue;
        }
        taken += 1;
        if taken == 1 {
            connections.fetch_add(1, Ordering::Relaxed);
        }
        if taken == requests_max {
            connection.graceful_shutdown();
        }
        tokio::spawn(behave(request, respond, requests.fetch_add(1, Ordering::Relaxed)));
    }
}

/// Says in HTTP/1.1 that it did, so that a version taken for another shows.
async fn speak_http1(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0u8; 4096];
    while let Ok(1..) = stream.read(&mut request).await {
        let _ = stream.write_all(b"HTTP/1.1 203 Old\r\ncontent-length: 0\r\n\r\n").await;
    }
}

fn hello(
    _: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    _: u64,
) -> futures::future::BoxFuture<'static, ()> {
    Box::pin(async move {
        let answer = http::Response::builder().header("x-kind", "greeting").body(()).unwrap();
        let Ok(mut stream) = respond.send_response(answer, false) else { return };
        let _ = stream.send_data(Bytes::from(r#"{"said":"hello"}"#), true);
    })
}

/// Drives the server and says what came of it.
async fn drive(server: &Server, http: &str, scenario: &Scenario) -> RunRecord {
    let folder = tempfile::tempdir().unwrap();
    let (scheme, trust) = match &server.certificate {
        Some(certificate) => {
            std::fs::write(folder.path().join("ca.pem"), certificate).unwrap();
            ("https", "trust: [ca.pem]\n")
        }
        None => ("http", ""),
    };
    let system = format!("s: {{ url: '{scheme}://localhost:{}', http: {http}, ready: /ready }}", server.port);
    drive_at(scenario, &format!("{trust}systems: {{ {system} }}"), folder.path()).await
}

fn told(record: &RunRecord, scenario: &Scenario) -> String {
    let classes = &get(record).error_classes;
    let classes: Vec<String> = classes.iter().map(|(class, times)| format!("{times} {class}")).collect();
    let answered = total(record, |second| second.answered);
    format!("{answered} answered, {} | {}", classes.join(", "), judge(scenario, record).verdict)
}

/// 200 requests in a second.
fn quick() -> Scenario {
    scenario("executor: constant-arrival-rate, rate: 200/s, for: 1s", "{ sli: errors(get), max: 10% }")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_one_connection() {
    let server = plain(100, hello).await;
    let record = drive(&server, "http2", &quick()).await;
    assert_eq!(told(&record, &quick()), "200 answered,  | PASS");
    assert_eq!((server.requests.load(Ordering::Relaxed), server.connections.load(Ordering::Relaxed)), (200, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_chooses_the_version_in_the_handshake() {
    let flows = "flows:\n  f: [{ request: { name: get, path: /, expect: { status: 200 }, checks: [{ header: x-kind, equals: greeting }, { json: /said, equals: hello }] } }]\n";
    let load = "executor: constant-arrival-rate, rate: 50/s, for: 1s";
    let rules = "{ sli: checks(get), max: 0% }";
    let modern = encrypted(&["h2", "http/1.1"]).await;
    let scenario = scenario_of(flows, load, rules);
    assert_eq!(told(&drive(&modern, "auto", &scenario).await, &scenario), "50 answered,  | PASS");
    assert_eq!(modern.connections.load(Ordering::Relaxed), 1);

    let old = encrypted(&["http/1.1"]).await;
    let scenario = scenario_of(
        &flows
            .replace("200", "203")
            .replace("{ header: x-kind, equals: greeting }, { json: /said, equals: hello }", "{ bytes: ..0B }"),
        load,
        rules,
    );
    assert_eq!(told(&drive(&old, "auto", &scenario).await, &scenario), "50 answered,  | PASS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_that_the_environment_names_is_spoken() {
    let modern = encrypted(&["h2", "http/1.1"]).await;
    let scenario = scenario("executor: constant-arrival-rate, rate: 50/s, for: 1s", "{ sli: errors(get), max: 10% }");
    assert_eq!(told(&drive(&modern, "http1", &scenario).await, &scenario), "50 answered,  | PASS");
    assert_eq!(modern.connections.load(Ordering::Relaxed), 0, "nothing was said in HTTP/2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_of_any_size_arrives_whole() {
    let count: Behave = |request, mut respond, _| {
        Box::pin(async move {
            let mut body = request.into_body();
            let mut bytes = 0u64;
            while let Some(Ok(part)) = body.data().await {
                bytes += part.len() as u64;
                let _ = body.flow_control().release_capacity(part.len());
            }
            let answer = http::Response::builder().body(()).unwrap();
            let Ok(mut stream) = respond.send_response(answer, false) else { return };
            let _ = stream.send_data(Bytes::from(format!("{{\"bytes\":\"{bytes}\"}}")), true);
        })
    };
    let server = plain(100, count).await;
    let size = 3 * 1024 * 1024;
    let flows = format!(
        "payloads: {{ big: {{ generate: bytes, bytes: {size}B, count: 2 }} }}\nflows:\n  f: [{{ request: {{ name: get, method: POST, path: /, body: '{{{{payload big}}}}', checks: [{{ json: /bytes, equals: '{size}' }}] }} }}]\n"
    );
    let load = "executor: shared-iterations, vus: 4, iterations: 20, for: 20s";
    let scenario = scenario_of(&flows, load, "{ sli: checks(get), max: 0% }");
    assert_eq!(told(&drive(&server, "http2", &scenario).await, &scenario), "20 answered,  | PASS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_connection_is_opened_when_the_server_takes_no_more_on_one() {
    let slow: Behave = |request, respond, number| {
        Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            hello(request, respond, number).await;
        })
    };
    let server = plain(4, slow).await;
    let record = drive(&server, "http2", &quick()).await;
    assert_eq!(told(&record, &quick()), "200 answered,  | PASS");
    // 40 are under way at once.
    let connections = server.connections.load(Ordering::Relaxed);
    assert!((8..=25).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_did_not_begin_is_sent_again() {
    // Every path is refused once.
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let refuse: Behave = |request, mut respond, number| {
        Box::pin(async move {
            if SEEN.lock().unwrap().insert(request.uri().path().to_owned()) {
                respond.send_reset(h2::Reason::REFUSED_STREAM);
            } else {
                hello(request, respond, number).await;
            }
        })
    };
    let server = plain(100, refuse).await;
    let flows = "flows:\n  f: [{ request: { name: get, method: POST, path: '/{{iteration}}' } }]\n";
    let load = "executor: constant-arrival-rate, rate: 50/s, for: 1s";
    let scenario = scenario_of(flows, load, "{ sli: errors(get), max: 10% }");
    let record = drive(&server, "http2", &scenario).await;
    assert_eq!(told(&record, &scenario), "50 answered,  | PASS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_reset_is_broken_and_the_others_are_not() {
    let reset: Behave = |request, mut respond, number| {
        Box::pin(async move {
            if number % 10 == 0 {
                respond.send_reset(h2::Reason::INTERNAL_ERROR);
            } else {
                hello(request, respond, number).await;
            }
        })
    };
    let server = plain(100, reset).await;
    // Not sent again, although a GET could be: the server has begun it.
    let scenario = scenario("executor: constant-arrival-rate, rate: 200/s, for: 1s", "{ sli: errors(get), max: 11% }");
    let record = drive(&server, "http2", &scenario).await;
    assert_eq!(told(&record, &scenario), "180 answered, 20 reset | PASS");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_too_large() {
    let endless: Behave = |_, mut respond, _| {
        Box::pin(async move {
            let Ok(mut stream) = respond.send_response(http::Response::new(()), false) else { return };
            let chunk = Bytes::from(vec![b'x'; 1 << 16]);
            loop {
                stream.reserve_capacity(chunk.len());
                let Some(Ok(room)) = std::future::poll_fn(|context| stream.poll_capacity(context)).await else {
                    return;
                };
                if stream.send_data(chunk.slice(..room), false).is_err() {
                    return;
                }
            }
        })
    };
    let server = plain(100, endless).await;
    let scenario = scenario("executor: constant-arrival-rate, rate: 4/s, for: 1s", "{ sli: errors(get), max: 10% }");
    let record = drive(&server, "http2", &scenario).await;
    assert_eq!(told(&record, &scenario), "0 answered, 4 too-large | FAIL");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_speaks_no_http2_is_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = server(&listener, None);
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            number += 1;
            // The first connections are those that look whether the target is there and ready.
            if number <= 2 {
                tokio::spawn(speak(stream, (100, u64::MAX), hello, Arc::default(), Arc::default()));
            } else {
                tokio::spawn(speak_http1(stream));
            }
        }
    });
    let scenario = scenario("executor: constant-arrival-rate, rate: 20/s, for: 1s", "{ sli: errors(get), max: 10% }");
    let record = drive(&server, "http2", &scenario).await;
    assert_eq!(total(&record, |second| second.broken), 20, "{}", told(&record, &scenario));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_goes_away_costs_no_request() {
    // POSTs, which may not be sent twice: of those that a connection did not take, nothing was done.
    let server = going_away(10, 100, hello).await;
    let flows = "flows:\n  f: [{ request: { name: get, method: POST, path: / } }]\n";
    let load = "executor: shared-iterations, vus: 8, iterations: 400, for: 30s";
    let scenario = scenario_of(flows, load, "{ sli: errors(get), max: 10% }");
    let record = drive(&server, "http2", &scenario).await;
    assert_eq!(told(&record, &scenario), "400 answered,  | PASS");
    assert_eq!(server.requests.load(Ordering::Relaxed), 400, "none was sent twice");
    let connections = server.connections.load(Ordering::Relaxed);
    assert!(connections >= 10, "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_http2_forbids_are_left_out() {
    let server = plain(100, hello).await;
    let flows = "flows:\n  f: [{ request: { name: get, path: /, headers: { connection: close, keep-alive: a, te: gzip, upgrade: h2c, x-mine: b } } }]\n";
    let load = "executor: constant-arrival-rate, rate: 50/s, for: 1s";
    let scenario = scenario_of(flows, load, "{ sli: errors(get), max: 10% }");
    assert_eq!(told(&drive(&server, "http2", &scenario).await, &scenario), "50 answered,  | PASS");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}
