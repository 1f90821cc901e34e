//! What the embedded queue does on this disk, beside what the disk does bare:
//!
//!     cargo bench --workspace --bench queue -- [--dir DIR] [--seconds 5]
//!
//! Prints the table of `reports/benchmarks/queue.md`. Every message is on disk before it counts.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement that cannot go on has failed; it prints, and time is what it measures"
)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use refstack::adapters::embedded::Store;
use refstack::clock::Clock;
use refstack::ports::queue::{Claim, Queue as _};

const QUEUE: &str = "bench";
const BODY_BYTES: usize = 512;
/// Callers that wait for their message at once, over all processes.
const IN_FLIGHT: usize = 256;
const CLAIM: Claim = Claim { queue: QUEUE, count: 256, lease: Duration::from_mins(10), attempts_max: 5 };

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).map(|at| args[at + 1].clone());
    let seconds: u64 = value("--seconds").map_or(5, |text| text.parse().unwrap());
    let time = Duration::from_secs(seconds);
    if let Some(dir) = value("--child") {
        let in_flight = value("--in-flight").unwrap().parse().unwrap();
        return child(Path::new(&dir), in_flight, time);
    }
    let dir = value("--dir").map_or_else(std::env::temp_dir, PathBuf::from);
    table(&dir, time);
}

fn table(dir: &Path, time: Duration) {
    println!("| what | per second | to one bare fdatasync |");
    println!("|---|---|---|");
    let syncs = bare_syncs(dir, time);
    println!("| fdatasync after each {BODY_BYTES} bytes | {syncs:.0} | 1 |");
    for processes in [1, 4, 8] {
        let folder = tempfile::tempdir_in(dir).unwrap();
        let published = publish(folder.path(), processes, time);
        println!(
            "| published, {processes} process(es), {IN_FLIGHT} in flight | {published:.0} | {:.0} |",
            published / syncs
        );
        if processes == 1 {
            let worked = work_off(folder.path());
            println!(
                "| claimed and acknowledged, 1 process, {} at once | {worked:.0} | {:.0} |",
                CLAIM.count,
                worked / syncs
            );
        }
    }
    println!("| fdatasync once more, at the end | {:.0} | |", bare_syncs(dir, time));
}

/// Appends and waits for the disk, one after the other, as a queue without group commit would.
fn bare_syncs(dir: &Path, time: Duration) -> f64 {
    let folder = tempfile::tempdir_in(dir).unwrap();
    let mut file = File::create(folder.path().join("bare")).unwrap();
    let (start, mut syncs) = (Instant::now(), 0_u32);
    while start.elapsed() < time {
        file.write_all(&[7; BODY_BYTES]).unwrap();
        rustix::fs::fdatasync(file.as_fd()).unwrap();
        syncs += 1;
    }
    f64::from(syncs) / start.elapsed().as_secs_f64()
}

/// Messages per second that `processes` publish on one file.
fn publish(dir: &Path, processes: usize, time: Duration) -> f64 {
    // It exists before they share it, so that none of them measures its making.
    runtime().block_on(async { drop(open(dir).await) });
    let mut children: Vec<Child> = (0..processes).map(|_| start_child(dir, IN_FLIGHT / processes, time)).collect();
    for child in &mut children {
        // All are ready before any begins.
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }
    for child in &mut children {
        drop(child.stdin.take());
    }
    let counts = children.into_iter().map(|child| {
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap()
    });
    counts.sum::<f64>() / time.as_secs_f64()
}

fn start_child(dir: &Path, in_flight: usize, time: Duration) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .arg("--child")
        .arg(dir)
        .args(["--in-flight", &in_flight.to_string(), "--seconds", &time.as_secs().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Publishes with so many in flight, from the end of standard input on, and prints how many were answered in time.
fn child(dir: &Path, in_flight: usize, time: Duration) {
    runtime().block_on(async {
        let store = Arc::new(open(dir).await);
        println!("ready");
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).unwrap();
        let (answered, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let callers: Vec<_> = (0..in_flight)
            .map(|_| {
                let (store, answered, over) = (Arc::clone(&store), Arc::clone(&answered), Arc::clone(&over));
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        store.publish(QUEUE, vec![7; BODY_BYTES]).await.unwrap();
                        if !over.load(Ordering::Relaxed) {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(time).await;
        over.store(true, Ordering::Relaxed);
        println!("{}", answered.load(Ordering::Relaxed));
        futures::future::join_all(callers).await;
    });
}

/// Messages per second that one process takes and acknowledges, until none is left.
fn work_off(dir: &Path) -> f64 {
    runtime().block_on(async {
        let store = open(dir).await;
        let (start, mut done) = (Instant::now(), 0_u32);
        loop {
            let taken = store.claim(CLAIM).await.unwrap();
            if taken.is_empty() {
                return f64::from(done) / start.elapsed().as_secs_f64();
            }
            let acks = taken.iter().map(|delivery| store.ack(&delivery.lease));
            let acks = futures::future::try_join_all(acks).await.unwrap();
            done += u32::try_from(acks.iter().filter(|ack| **ack).count()).unwrap();
        }
    })
}

async fn open(dir: &Path) -> Store {
    Store::open(dir, Clock::system()).await.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}
