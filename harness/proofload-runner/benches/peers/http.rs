//! The little HTTP/1.1 that the benchmarks' targets speak, on the standard library alone: one thread per connection,
//! bodies of known length, connections kept open. Each target is a file of its own that says `mod http;`.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Enough for a handler and a read buffer on the heap; thousands of connections are held at once.
const STACK_BYTES: usize = 64 * 1024;
/// Most connections at once; the kernel gives a process about 16,000 threads. Further ones are closed unanswered.
const CONNECTIONS_MAX: usize = 12_000;
/// A request head longer than this is refused.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The head of a request, as far as a target needs it.
pub struct Head {
    /// Path and query.
    pub path: String,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// The boundary of a multipart body, without its dashes.
    pub boundary: Option<String>,
}

/// One connection and what was read of it too early.
pub struct Connection {
    stream: Arc<TcpStream>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// Answers requests until the process is ended. Prints `listening PORT` once it can be reached.
pub fn serve<H>(buffer_bytes: usize, handler: H) -> io::Result<()>
where
    H: Fn(&Head, &mut Connection) -> io::Result<()> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?.port());
    let handler = Arc::new(handler);
    let alive = Arc::new(());
    for stream in listener.incoming() {
        let (stream, handler, alive) = (stream?, Arc::clone(&handler), Arc::clone(&alive));
        if Arc::strong_count(&alive) > CONNECTIONS_MAX {
            continue;
        }
        stream.set_nodelay(true)?;
        thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
            let stream = Arc::new(stream);
            let mut connection = Connection { stream, buffer: vec![0; buffer_bytes], start: 0, end: 0 };
            // A client that goes away ends its thread; what it left half done is not counted.
            while let Ok(Some(head)) = connection.head() {
                if handler(&head, &mut connection).is_err() {
                    break;
                }
            }
            drop(alive);
        })?;
    }
    Ok(())
}

impl Connection {
    /// The next request; `None` once the client has closed.
    fn head(&mut self) -> io::Result<Option<Head>> {
        let mut searched = 0;
        loop {
            let bytes = &self.buffer[self.start..self.end];
            if let Some(at) = find(&bytes[searched..], b"\r\n\r\n") {
                let length = searched + at + 4;
                let head = parse(&String::from_utf8_lossy(&bytes[..length]));
                self.start += length;
                return Ok(Some(head));
            }
            searched = bytes.len().saturating_sub(3);
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Hands the body over in pieces, as they come.
    pub fn body(&mut self, head: &Head, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = head.body_bytes;
        while left > 0 {
            if self.start == self.end && !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let piece = (self.end - self.start).min(usize::try_from(left).unwrap_or(usize::MAX));
            take(&self.buffer[self.start..self.start + piece]);
            self.start += piece;
            left -= piece as u64;
        }
        Ok(())
    }

    /// Answers; `headers` are whole lines, each with its line end.
    pub fn reply(&mut self, status: &str, headers: &str, body: &str) -> io::Result<()> {
        reply(&self.stream, status, headers, body)
    }

    /// The way back, for an answer that somebody else gives later.
    pub fn way_back(&self) -> Arc<TcpStream> {
        Arc::clone(&self.stream)
    }

    fn fill(&mut self) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.buffer.len() {
            if self.end >= HEAD_BYTES_MAX && self.start == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let longer = (self.end + 1024).max(self.buffer.len());
            self.buffer.resize(longer, 0);
        }
        let count = (&*self.stream).read(&mut self.buffer[self.end..])?;
        self.end += count;
        Ok(count > 0)
    }
}

/// Answers on a connection; `headers` are whole lines, each with its line end.
pub fn reply(mut stream: &TcpStream, status: &str, headers: &str, body: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes())
}

fn parse(text: &str) -> Head {
    let path = text.split_ascii_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut head = Head { path, body_bytes: 0, boundary: None };
    for line in text.lines().skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => head.body_bytes = value.trim().parse().unwrap_or_default(),
            "content-type" => {
                head.boundary =
                    value.split_once("boundary=").map(|(_, boundary)| boundary.trim().trim_matches('"').to_owned());
            }
            _ => {}
        }
    }
    head
}

/// Where `wanted` begins.
pub fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
