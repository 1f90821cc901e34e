//! A target that freezes: within its stalls it answers nothing, and what waits then is answered at their end.
//! `stall-server STALL_MS STALLS LEAD_MS GAP_MS`: the first stall begins LEAD_MS after the first request, the next
//! GAP_MS after the end of the one before. `GET /report` tells when each request came and when the stalls were, all in
//! nanoseconds of one clock. Compiled and run by `stall.py`.

mod http;

use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|word| word.parse().expect("four whole numbers")).collect();
    let [stall, count, lead, gap] = numbers[..] else { panic!("usage: stall-server STALL_MS STALLS LEAD_MS GAP_MS") };
    let [stall, lead, gap] = [stall, lead, gap].map(Duration::from_millis);
    let windows: Vec<(Duration, Duration)> = (0..u32::try_from(count).expect("few stalls"))
        .map(|k| lead + (stall + gap) * k)
        .map(|from| (from, from + stall))
        .collect();
    let (first, stamps) = (OnceLock::<Instant>::new(), Mutex::new(Vec::<Duration>::with_capacity(1_000_000)));
    http::serve(2048, move |head, connection| {
        if head.path == "/report" {
            let stamps = stamps.lock().expect("no holder of the lock panics");
            return connection.reply("200 OK", "", &report(&stamps, &windows));
        }
        let now = Instant::now();
        let since = now.duration_since(*first.get_or_init(|| now));
        stamps.lock().expect("no holder of the lock panics").push(since);
        if let Some((_, until)) = windows.iter().find(|(from, until)| (*from..*until).contains(&since)) {
            thread::sleep(*until - since);
        }
        connection.body(head, |_| ())?;
        connection.reply("200 OK", "", "hello from the target\n")
    })
}

fn report(stamps: &[Duration], windows: &[(Duration, Duration)]) -> String {
    let stamps: Vec<String> = stamps.iter().map(|at| at.as_nanos().to_string()).collect();
    let windows: Vec<String> =
        windows.iter().map(|(from, until)| format!("[{}, {}]", from.as_nanos(), until.as_nanos())).collect();
    format!("{{\"stamps_ns\": [{}], \"windows_ns\": [{}]}}", stamps.join(", "), windows.join(", "))
}
