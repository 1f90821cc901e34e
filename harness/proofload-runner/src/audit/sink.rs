//! The server inside proofload that calibration sends to: it answers every request at once with the same few bytes,
//! on a thread of its own. It understands requests without a body, which is all that it is sent.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The whole of every answer.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// Where a request without a body ends.
const END: &[u8] = b"\r\n\r\n";

/// A running sink; ends when it is dropped.
pub(super) struct Sink {
    /// Where it listens.
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Listens on a free port of the loopback address.
    pub(super) fn start() -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("sink".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed, and the calibration shows what came of it.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream));
    }
}

/// Answers until the client closes. The blank line that ends a request may come in pieces.
async fn answer(mut stream: TcpStream) {
    let mut room = [0u8; 4096];
    let mut matched = 0;
    // Without it, answers wait for acknowledgements; where it fails they are only slower.
    let _ = stream.set_nodelay(true);
    while let Ok(read @ 1..) = stream.read(&mut room).await {
        let requests = ends(&room[..read], &mut matched);
        if requests > 0 && stream.write_all(&ANSWER.repeat(requests)).await.is_err() {
            return;
        }
    }
}

/// How many requests end in these bytes; `matched` is how much of the end the bytes before them held.
fn ends(bytes: &[u8], matched: &mut usize) -> usize {
    let mut found = 0;
    for byte in bytes {
        *matched = match (END[*matched] == *byte, *byte) {
            (true, _) => *matched + 1,
            (false, b'\r') => 1,
            (false, _) => 0,
        };
        if *matched == END.len() {
            (found, *matched) = (found + 1, 0);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn requests_end_wherever_the_bytes_are_cut() {
        let text = b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\r\n\r\n";
        for cut in 0..text.len() {
            let mut matched = 0;
            let found = ends(&text[..cut], &mut matched) + ends(&text[cut..], &mut matched);
            assert_eq!(found, 2, "cut at {cut}");
        }
    }

    #[test]
    fn every_request_of_a_connection_is_answered() {
        let sink = Sink::start().unwrap();
        let mut stream = std::net::TcpStream::connect(sink.address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answers = vec![0; ANSWER.len() * 2];
        stream.read_exact(&mut answers).unwrap();
        assert_eq!(answers, ANSWER.repeat(2));
    }
}
