//! A target that freezes: within its stalls it answers nothing, and what waits then is answered at their end, in the
//! order in which it came. `stall-server STALL_MS STALLS LEAD_MS GAP_MS`: the first stall begins LEAD_MS after the first
//! `GET /hello`, the next GAP_MS after the end of the one before. `GET /report` tells when each request came and when
//! the stalls were, all in nanoseconds of one clock. Compiled and run by `stall.py`.

mod http;

use std::net::TcpStream;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const BODY: &str = "hello from the target\n";

/// All that the threads share.
struct Freezer {
    /// From the first request to the beginnings and ends of the stalls.
    windows: Vec<(Duration, Duration)>,
    first: OnceLock<Instant>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    stamps: Vec<Duration>,
    /// Requests that wait for the end of a stall.
    held: Vec<Arc<TcpStream>>,
}

fn main() -> std::io::Result<()> {
    let freezer = Arc::new(Freezer { windows: windows(), first: OnceLock::new(), seen: Mutex::default() });
    http::serve(2048, move |head, connection| {
        connection.body(head, |_| ())?;
        match head.path.as_str() {
            "/report" => connection.reply("200 OK", "", &freezer.report()),
            "/hello" if freezer.holds(connection) => Ok(()),
            "/hello" => connection.reply("200 OK", "", BODY),
            // Somebody looks whether the target is there; that is no arrival of the load.
            _ => connection.reply("404 Not Found", "", ""),
        }
    })
}

fn windows() -> Vec<(Duration, Duration)> {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|word| word.parse().expect("four whole numbers")).collect();
    let [stall, count, lead, gap] = numbers[..] else { panic!("usage: stall-server STALL_MS STALLS LEAD_MS GAP_MS") };
    let starts = (0..count).map(|k| lead + (stall + gap) * k);
    starts.map(|from| (Duration::from_millis(from), Duration::from_millis(from + stall))).collect()
}

impl Freezer {
    /// Stamps a request and keeps its connection if it came in a stall.
    fn holds(self: &Arc<Self>, connection: &http::Connection) -> bool {
        let mut seen = self.seen.lock().expect("no holder of the lock panics");
        // Read under the lock: whoever is held here is held before the end of the stall takes the lock.
        let now = Instant::now();
        let first = *self.first.get_or_init(|| {
            let freezer = Arc::clone(self);
            thread::spawn(move || freezer.thaw_each(now));
            now
        });
        let since = now.duration_since(first);
        seen.stamps.push(since);
        let frozen = self.windows.iter().any(|(from, until)| (*from..*until).contains(&since));
        if frozen {
            seen.held.push(connection.way_back());
        }
        frozen
    }

    /// Answers what was held, at the end of each stall. One thread does it: waking one per connection takes longer.
    fn thaw_each(&self, first: Instant) {
        for (_, until) in &self.windows {
            thread::sleep((first + *until).saturating_duration_since(Instant::now()));
            let held = std::mem::take(&mut self.seen.lock().expect("no holder of the lock panics").held);
            for stream in held {
                // A client that has given up meanwhile is told by its own record.
                let _ = http::reply(&stream, "200 OK", "", BODY);
            }
        }
    }

    fn report(&self) -> String {
        let seen = self.seen.lock().expect("no holder of the lock panics");
        let stamps: Vec<String> = seen.stamps.iter().map(|at| at.as_nanos().to_string()).collect();
        let windows = self.windows.iter().map(|(from, until)| format!("[{}, {}]", from.as_nanos(), until.as_nanos()));
        let windows: Vec<String> = windows.collect();
        format!("{{\"stamps_ns\": [{}], \"windows_ns\": [{}]}}", stamps.join(", "), windows.join(", "))
    }
}
