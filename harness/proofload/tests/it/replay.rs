//! A recorded trace is sent again: every entry once, in its order, with the bytes that its hashes stand for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use proofload_core::evidence::RunRecord;

/// Bodies by path.
type Got = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A server that keeps the body of every request.
fn keeper() -> (SocketAddr, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let got = Got::default();
    let kept = Arc::clone(&got);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || while keep_one(&stream, &kept).is_some() {});
        }
    });
    (address, got)
}

/// Reads one request, keeps its body and answers.
fn keep_one(mut stream: &TcpStream, kept: &Got) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut start = String::new();
    reader.read_line(&mut start).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = start.split(' ').nth(1)?.to_owned();
    if path.starts_with("/entry") {
        kept.lock().unwrap().insert(path, body);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").ok()
}

/// Three entries of which the first and the last are the same prompt; ten seconds between first and last.
const TRACE: &str = r#"{"timestamp": 0, "input_length": 600, "output_length": 10, "hash_ids": [1, 2]}
{"timestamp": 4000, "input_length": 600, "output_length": 10, "hash_ids": [1, 3]}
{"timestamp": 10000, "input_length": 600, "output_length": 10, "hash_ids": [1, 2]}
"#;

const SCENARIO: &str = "apiVersion: proofload/v1
kind: Scenario
name: again
system: s
payloads:
  prompts: { generate: text, from: trace }
flows:
  f: [{ request: { name: ask, method: POST, path: '/entry/{{iteration}}', body: '{{payload prompts}}' } }]
workloads:
  w: { flow: f, executor: trace-replay, trace: { file: trace.jsonl, format: mooncake, speed: 10 } }
slos: [{ sli: errors(ask), max: 0 }]
";

#[test]
fn a_trace_is_sent_again_at_ten_times_its_speed() {
    let (address, got) = keeper();
    let folder = tempfile::tempdir().unwrap();
    let environment = format!(
        "apiVersion: proofload/v1\nkind: Environment\nname: test\nsystems: {{ s: {{ url: 'http://{address}' }} }}\n"
    );
    for (name, text) in [("s.yaml", SCENARIO), ("trace.jsonl", TRACE), ("e.yaml", &environment)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .current_dir(folder.path())
        .args(["run", "s.yaml", "-e", "e.yaml", "--out", "out", "--no-calibration"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let run = std::fs::read_dir(folder.path().join("out")).unwrap().next().unwrap_or_else(|| panic!("{said}")).unwrap();
    let record = RunRecord::from_json(&std::fs::read_to_string(run.path().join("record.json")).unwrap()).unwrap();
    let by_second: Vec<(u32, u64)> =
        record.steps[0].seconds.iter().filter(|second| second.due > 0).map(|second| (second.at, second.due)).collect();
    assert_eq!(by_second, [(0, 2), (1, 1)], "{said}");
    let got = got.lock().unwrap();
    let bodies: Vec<&Vec<u8>> = got.values().collect();
    assert_eq!(bodies.len(), 3, "{said}");
    assert!(bodies[0] == bodies[2], "the same hashes are the same bytes");
    assert!(bodies[0] != bodies[1] && bodies[0][..512] == bodies[1][..512], "the same first hash, the same start");
}
