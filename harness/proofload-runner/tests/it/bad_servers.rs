//! A server that resets, talks nonsense, trickles or answers too much is a counted error class with a bounded cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proofload_core::judge::judge;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::driven::{drive, get, scenario, total};

/// A server of raw bytes: reads a request, then does as told. `/ready` is always answered well.
pub(crate) async fn server<F, R>(behave: F) -> SocketAddr
where
    F: Fn(TcpStream, u64) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let behave = Arc::new(behave);
    let count = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let (behave, count) = (Arc::clone(&behave), Arc::clone(&count));
            tokio::spawn(async move {
                let mut request = [0u8; 4096];
                // A connection without a request is somebody looking whether this address accepts any.
                let Ok(read @ 1..) = stream.read(&mut request).await else { return };
                if request[..read].starts_with(b"GET /ready") {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
                    return;
                }
                behave(stream, count.fetch_add(1, Ordering::Relaxed)).await;
            });
        }
    });
    address
}

/// Drives 40 requests and tells what came of them.
async fn check(address: SocketAddr, expected: &str) {
    let scenario = scenario("executor: constant-arrival-rate, rate: 40/s, for: 1s", "{ sli: errors(get), max: 10% }");
    let record = drive(&scenario, address).await;
    let classes: Vec<String> =
        get(&record).error_classes.iter().map(|(class, times)| format!("{times} {class}")).collect();
    let told = format!(
        "{} answered, {} wrong, {} broken: {} | {}",
        total(&record, |second| second.answered),
        total(&record, |second| second.errors),
        total(&record, |second| second.broken),
        classes.join(", "),
        judge(&scenario, &record).verdict,
    );
    assert_eq!(told, expected);
    assert_eq!(total(&record, |second| second.due), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_resets_is_broken() {
    check(server(|stream, _| async move { drop(stream) }).await, "0 answered, 0 wrong, 40 broken: 40 reset | FAIL")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_talks_nonsense_is_broken() {
    let nonsense = |mut stream: TcpStream, _| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    };
    check(server(nonsense).await, "0 answered, 0 wrong, 40 broken: 40 malformed | FAIL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_in_the_middle_of_its_answer_is_broken() {
    let half = |mut stream: TcpStream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    };
    check(server(half).await, "0 answered, 0 wrong, 40 broken: 40 reset | FAIL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_announces_ten_gigabytes_is_not_read() {
    let huge = |mut stream: TcpStream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n").await;
        let chunk = vec![b'x'; 1 << 16];
        while stream.write_all(&chunk).await.is_ok() {}
    };
    check(server(huge).await, "0 answered, 0 wrong, 40 broken: 40 too-large | FAIL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_byte_by_byte_is_an_answer() {
    let trickle = |mut stream: TcpStream, _| async move {
        for byte in b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok" {
            let _ = stream.write_all(&[*byte]).await;
            tokio::task::yield_now().await;
        }
    };
    check(server(trickle).await, "40 answered, 0 wrong, 0 broken:  | PASS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_cut_off() {
    let endless = |mut stream: TcpStream, number| async move {
        if number > 0 {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let chunk = vec![b'x'; 1 << 16];
        while stream.write_all(&chunk).await.is_ok() {}
    };
    check(server(endless).await, "39 answered, 0 wrong, 1 broken: 1 too-large | PASS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_status_is_an_answer_and_an_error() {
    let unavailable = |mut stream: TcpStream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    };
    check(server(unavailable).await, "40 answered, 40 wrong, 0 broken: 40 status 503 | FAIL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_closed_while_idle_costs_nothing() {
    // Keeps the connection open by its headers and closes it all the same: every request finds a closed connection in
    // the pool and must get a new one, unseen.
    let closes = |mut stream: TcpStream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    };
    check(server(closes).await, "40 answered, 0 wrong, 0 broken:  | PASS").await;
}
