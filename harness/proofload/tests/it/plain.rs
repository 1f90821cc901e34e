//! A plain server for runs through the binary: a thread per connection, 200 to every request once its work is done.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Serves on a free port until the test ends; `work` is what an answer takes.
pub(crate) fn serve(work: impl Fn() + Send + Sync + 'static) -> SocketAddr {
    serve_paths(move |_| work())
}

/// The same, where the work depends on the first line of the request.
pub(crate) fn serve_paths(work: impl Fn(&str) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let work = Arc::new(work);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let work = Arc::clone(&work);
            std::thread::spawn(move || while answer_one(&stream, &*work).is_some() {});
        }
    });
    address
}

/// Reads one request without a body and answers it; `None` once the client has gone.
fn answer_one(mut stream: &TcpStream, work: &impl Fn(&str)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    }
    work(&first);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").ok()
}
