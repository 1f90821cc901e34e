//! Uploads: large files leave from where they lie, whole, with their length, and what a server says early is heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::driven::{drive_in, get, scenario_of, total};

/// What a server got of each request: announced length, content's length and hash.
type Got = Arc<Mutex<Vec<(u64, u64, String)>>>;

/// A server that reads bodies to their announced ends, or answers `early` as soon as it has seen the head.
async fn server(early: bool) -> (SocketAddr, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let got = Got::default();
    let seen = Arc::clone(&got);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&seen), early));
        }
    });
    (address, got)
}

async fn serve(mut stream: TcpStream, got: Got, early: bool) {
    let mut buffer = Vec::new();
    loop {
        let Some(head_end) = read_head(&mut stream, &mut buffer).await else { return };
        let head = String::from_utf8_lossy(&buffer[..head_end]).to_lowercase();
        if head.starts_with("get /ready") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            buffer.clear();
            continue;
        }
        if early {
            let answer = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer).await;
            // Nothing more is read, but the connection stays: a client that only writes would hang here.
            std::future::pending::<()>().await;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let announced: u64 = length.parse().unwrap();
        let mut hash = Sha256::new();
        let mut content = buffer.split_off(head_end);
        let mut bytes = content.len() as u64;
        hash.update(&content);
        content.resize(1 << 16, 0);
        while bytes < announced {
            let read = stream.read(&mut content).await.unwrap();
            assert!(read > 0, "cut off after {bytes} of {announced} bytes");
            bytes += read as u64;
            hash.update(&content[..read]);
        }
        got.lock().unwrap().push((announced, bytes, format!("{:x}", hash.finalize())));
        buffer.clear();
        stream.write_all(b"HTTP/1.1 201 Made\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

/// Reads until a head is whole; where it ends.
async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return Some(at + 4);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

const BIG_BYTES: usize = 5 * 1024 * 1024 + 17;

fn big_file(folder: &std::path::Path) -> Vec<u8> {
    let bytes: Vec<u8> = (0..BIG_BYTES).map(|index| u8::try_from(index * 31 % 251).unwrap()).collect();
    std::fs::write(folder.join("big.bin"), &bytes).unwrap();
    bytes
}

fn upload(request: &str) -> proofload_core::scenario::Scenario {
    scenario_of(
        &format!(
            "payloads: {{ big: {{ files: big.bin }} }}\nflows:\n  f: [{{ request: {{ name: get, method: POST, path: /, {request} }} }}]\n"
        ),
        "executor: constant-arrival-rate, rate: 10/s, for: 1s",
        "{ sli: errors(get), max: 0 }",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_arrives_whole_and_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = big_file(folder.path());
    let (address, got) = server(false).await;
    let record = drive_in(&upload("body: \"{{payload big}}\""), address, folder.path()).await;
    assert_eq!(total(&record, |second| second.answered - second.errors), 10, "{:?}", get(&record).error_classes);
    let expected = (bytes.len() as u64, bytes.len() as u64, format!("{:x}", Sha256::digest(&bytes)));
    assert_eq!(*got.lock().unwrap(), vec![expected; 10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_a_large_file_has_the_announced_length() {
    let folder = tempfile::tempdir().unwrap();
    big_file(folder.path());
    let (address, got) = server(false).await;
    let request = "multipart: { a: before, file: \"{{payload big}}\", z: after }";
    let record = drive_in(&upload(request), address, folder.path()).await;
    assert_eq!(total(&record, |second| second.answered - second.errors), 10, "{:?}", get(&record).error_classes);
    let got = got.lock().unwrap();
    assert!(got.iter().all(|(announced, bytes, _)| announced == bytes && *bytes > BIG_BYTES as u64), "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_in_the_middle_of_an_upload_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    big_file(folder.path());
    let (address, _) = server(true).await;
    let record = drive_in(&upload("body: \"{{payload big}}\""), address, folder.path()).await;
    assert_eq!(get(&record).error_classes.get("status 413"), Some(&10), "{:?}", get(&record).error_classes);
}
