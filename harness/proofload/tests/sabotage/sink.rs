//! The target of sabotaged runs: it answers every request after a while, with nothing that could go wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// How long the slow sink takes, so that connections pile up.
pub(crate) const SLOW: Duration = Duration::from_secs(1);

/// Serves on a free port of the loopback address until the test program ends; `/ready` is answered at once.
pub(crate) fn start(delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, delay));
        }
    });
    address
}

fn answer(mut stream: TcpStream, delay: Duration) {
    let mut request = Vec::new();
    let mut room = [0u8; 4096];
    stream.set_nodelay(true).unwrap();
    while let Ok(read @ 1..) = stream.read(&mut room) {
        request.extend_from_slice(&room[..read]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        if !request.starts_with(b"GET /ready") {
            std::thread::sleep(delay);
        }
        request.clear();
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

/// No test, but the slow sink as a process, for a run that has a network of its own.
#[test]
#[ignore = "started by the test of exhausted ports"]
#[expect(clippy::print_stdout, reason = "the run reads where it listens")]
fn serves_as_a_process() {
    let address = start(SLOW);
    // The test runner has begun a line of its own.
    println!("\n{{\"event\":\"listening\",\"address\":\"{address}\"}}");
    // Ends with the run, which kills what it started; the bound is for a run that cannot.
    std::thread::sleep(Duration::from_mins(1));
}
