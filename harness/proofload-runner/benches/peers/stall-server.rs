//! A target that freezes: within its stalls it answers nothing, and what waits then is answered at their end, in the
//! order in which it came. `stall-server STALL_MS STALLS LEAD_MS GAP_MS`: the first stall begins LEAD_MS after the first
//! `GET /hello`, the next GAP_MS after the end of the one before. `GET /report` tells when each request came and when
//! the stalls were, all in nanoseconds of one clock. Compiled and run by `stall.py`.
//!
//! One thread looks at all connections in turn and never sleeps: the truth that the run is held against knows no time
//! for answering, so what a stall leaves owing must be answered as fast as a core can.

#[expect(dead_code, reason = "this target needs less of it")]
mod http;

use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const BODY: &str = "hello from the target\n";
/// Room for a request; they have no content.
const REQUEST_BYTES: usize = 4096;

/// A connection and what was read of its next request.
struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
}

/// All that the target knows.
struct Freezer {
    /// From the first request to the beginnings and ends of the stalls.
    windows: Vec<(Duration, Duration)>,
    first: Option<Instant>,
    stamps: Vec<Duration>,
    /// Connections that wait for the end of a stall, in order.
    held: Vec<usize>,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?.port());
    listener.set_nonblocking(true)?;
    let mut freezer = Freezer { windows: windows(), first: None, stamps: Vec::new(), held: Vec::new() };
    // A connection keeps its place when it ends, so that places can be remembered.
    let mut peers: Vec<Option<Peer>> = Vec::new();
    loop {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            peers.push(Some(Peer { stream, read: Vec::with_capacity(REQUEST_BYTES) }));
        }
        for place in 0..peers.len() {
            freezer.thaw(&mut peers);
            if let Some(peer) = &mut peers[place]
                && freezer.serve(place, peer).is_err()
            {
                peers[place] = None;
            }
        }
    }
}

fn windows() -> Vec<(Duration, Duration)> {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|word| word.parse().expect("four whole numbers")).collect();
    let [stall, count, lead, gap] = numbers[..] else { panic!("usage: stall-server STALL_MS STALLS LEAD_MS GAP_MS") };
    let starts = (0..count).map(|k| lead + (stall + gap) * k);
    starts.map(|from| (Duration::from_millis(from), Duration::from_millis(from + stall))).collect()
}

impl Freezer {
    /// Reads what has come on a connection and answers it, or keeps it if it came in a stall.
    fn serve(&mut self, place: usize, peer: &mut Peer) -> io::Result<()> {
        let mut bytes = [0; REQUEST_BYTES];
        match peer.stream.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => peer.read.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        if http::find(&peer.read, b"\r\n\r\n").is_none() {
            return Ok(());
        }
        let path = peer.read.split(|byte| *byte == b' ').nth(1).unwrap_or_default().to_vec();
        peer.read.clear();
        match path.as_slice() {
            b"/report" => {
                // Long, and asked for by one who waits: written as to a stream that blocks.
                peer.stream.set_nonblocking(false)?;
                http::reply(&peer.stream, "200 OK", "", &self.report())?;
                peer.stream.set_nonblocking(true)
            }
            b"/hello" if self.holds() => {
                self.held.push(place);
                Ok(())
            }
            b"/hello" => http::reply(&peer.stream, "200 OK", "", BODY),
            // Somebody looks whether the target is there; that is no arrival of the load.
            _ => http::reply(&peer.stream, "404 Not Found", "", ""),
        }
    }

    /// Stamps a request; whether it came in a stall.
    fn holds(&mut self) -> bool {
        let now = Instant::now();
        let since = now.duration_since(*self.first.get_or_insert(now));
        self.stamps.push(since);
        self.windows.iter().any(|(from, until)| (*from..*until).contains(&since))
    }

    /// Answers what was held, once its stall is over.
    fn thaw(&mut self, peers: &mut [Option<Peer>]) {
        if self.held.is_empty() {
            return;
        }
        let since = self.first.map_or(Duration::ZERO, |first| first.elapsed());
        if self.windows.iter().any(|(from, until)| (*from..*until).contains(&since)) {
            return;
        }
        for place in self.held.drain(..) {
            if let Some(peer) = &peers[place] {
                // A client that has given up meanwhile is told by its own record.
                let _ = http::reply(&peer.stream, "200 OK", "", BODY);
            }
        }
    }

    fn report(&self) -> String {
        let stamps: Vec<String> = self.stamps.iter().map(|at| at.as_nanos().to_string()).collect();
        let windows = self.windows.iter().map(|(from, until)| format!("[{}, {}]", from.as_nanos(), until.as_nanos()));
        let windows: Vec<String> = windows.collect();
        format!("{{\"stamps_ns\": [{}], \"windows_ns\": [{}]}}", stamps.join(", "), windows.join(", "))
    }
}
