//! Several generator processes as one: the same load, one record, and a lost process never passed over.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proofload_core::evidence::{RunRecord, StepKind};
use rustix::process::{Pid, Signal, kill_process};

/// A server that answers every request at once and counts them; of each connection a thread.
fn sink() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer(stream, &counter));
        }
    });
    (address, served)
}

fn answer(mut stream: TcpStream, served: &AtomicU64) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut is_load = false;
    while let Some(Ok(line)) = lines.next() {
        is_load |= line.starts_with("GET /load");
        if line.is_empty() {
            served.fetch_add(u64::from(std::mem::take(&mut is_load)), Ordering::Relaxed);
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

/// A run of 200 arrivals a second; `for_s` seconds of them.
struct Run {
    folder: tempfile::TempDir,
    child: Child,
}

impl Run {
    fn start(address: SocketAddr, for_s: u32, generators: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scenario = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: split\nsystem: s\nflows:\n  f: [{{ request: {{ name: get, path: /load }} }}]\nworkloads:\n  w: {{ flow: f, executor: poisson-arrival-rate, rate: 200/s, for: {for_s}s }}\nslos: [{{ sli: errors(get), max: 1% }}]\n"
        );
        let environment = format!(
            "apiVersion: proofload/v1\nkind: Environment\nname: test\nsystems:\n  s: {{ url: \"http://{address}\" }}\n"
        );
        std::fs::write(folder.path().join("s.yaml"), scenario).unwrap();
        std::fs::write(folder.path().join("e.yaml"), environment).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_proofload"))
            .current_dir(folder.path())
            .args([
                "run",
                "s.yaml",
                "-e",
                "e.yaml",
                "--out",
                "out",
                "--no-calibration",
                "--generators",
                &generators.to_string(),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    /// Waits for the end; exit code, record and summary.
    fn end(self) -> (Option<i32>, RunRecord, String) {
        let output = self.child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let folder = only_folder(&self.folder.path().join("out"), &said);
        let record =
            std::fs::read_to_string(folder.join("record.json")).unwrap_or_else(|_| panic!("no record: {said}"));
        let summary = std::fs::read_to_string(folder.join("summary.md")).unwrap();
        (output.status.code(), RunRecord::from_json(&record).unwrap(), summary)
    }

    /// The processes that it started.
    fn children(&self) -> Vec<i32> {
        let pid = self.child.id();
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap();
        let all: String = tasks.map(of_task).collect::<Vec<_>>().join(" ");
        all.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

fn only_folder(parent: &Path, said: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(parent).unwrap().flatten().map(|entry| entry.path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}: {said}");
    folders.remove(0)
}

#[test]
fn three_processes_send_the_load_of_one() {
    let (address, served) = sink();
    let (code, record, summary) = Run::start(address, 3, 3).end();
    let step = record.step(StepKind::Request, "get").unwrap();
    let due: u64 = step.seconds.iter().map(|second| second.due).sum();
    let answered: u64 = step.seconds.iter().map(|second| second.answered).sum();
    let recorded: u64 = step.seconds.iter().map(|second| second.response.thaw().len()).sum();
    let planned = record.plan[0].arrivals;
    assert_eq!((due, answered, recorded, served.load(Ordering::Relaxed)), (planned, planned, planned, planned));
    assert_eq!((record.generator.shards, record.generator.lost), (3, 0));
    // On one machine the clocks are one; a look at it costs at most a few round trips.
    let apart_ms = record.generator.audit.as_ref().unwrap().host_clock_ms.unwrap();
    assert!((0.0..5.0).contains(&apart_ms), "{apart_ms} ms");
    let gaps = &record.generator.gaps["w"];
    let lens = (gaps.planned.thaw().len(), gaps.dispatched.thaw().len());
    // Of each process, the first arrival has none before it.
    assert_eq!(lens, (planned - 3, planned - 3));
    // On a machine that other tests keep busy it may be INVALID; what was sent and counted is the same.
    assert!(matches!(code, Some(0 | 3)), "{code:?}: {summary}");
}

#[test]
fn a_process_that_is_killed_makes_the_run_invalid() {
    let (address, served) = sink();
    let mut run = Run::start(address, 6, 2);
    // Both are at work once the first arrivals are there; before that there is nobody to kill.
    while served.load(Ordering::Relaxed) < 100 {
        assert!(run.child.try_wait().unwrap().is_none(), "the run ended before its load began");
        std::thread::yield_now();
    }
    let children = run.children();
    assert_eq!(children.len(), 2);
    kill_process(Pid::from_raw(children[0]).unwrap(), Signal::KILL).unwrap();
    let (code, record, summary) = run.end();
    assert_eq!((code, record.generator.lost), (Some(3), 1), "{summary}");
    assert!(summary.contains("lost"), "{summary}");
    assert!(served.load(Ordering::Relaxed) < record.plan[0].arrivals);
}

#[test]
fn a_worker_that_nobody_asked_for_is_sent_away() {
    let output = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .args(["generator", "--join", "127.0.0.1:1"])
        .env("PROOFLOAD_JOIN_TOKEN", "x")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: no run listens at 127.0.0.1:1"), "{said}");
}
