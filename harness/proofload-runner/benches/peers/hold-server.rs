//! A target that is slow: `GET /hold/MS` answers after so many milliseconds, `GET /hello` at once. Jobs: `POST /jobs`
//! is accepted with a new id, `GET /jobs/ID` says that it runs and to ask again much later. `GET /report` counts
//! submissions, polls and requests held right now. Compiled and run by `memory.py`.

#[expect(dead_code, reason = "this target needs less of it")]
mod http;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// What a poll is told to wait, seconds: longer than any run.
const RETRY_AFTER_S: u32 = 3600;

fn main() -> std::io::Result<()> {
    let (accepted, polls, held) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    http::serve(2048, move |head, connection| {
        connection.body(head, |_| ())?;
        if let Some(millis) = head.path.strip_prefix("/hold/") {
            held.fetch_add(1, Relaxed);
            thread::sleep(Duration::from_millis(millis.parse().unwrap_or(0)));
            held.fetch_sub(1, Relaxed);
            return connection.reply("200 OK", "", "held\n");
        }
        if head.path == "/jobs" {
            let id = accepted.fetch_add(1, Relaxed);
            return connection.reply("202 Accepted", JSON, &format!("{{\"id\": \"job-{id}\"}}"));
        }
        if head.path.starts_with("/jobs/") {
            polls.fetch_add(1, Relaxed);
            let headers = format!("{JSON}Retry-After: {RETRY_AFTER_S}\r\n");
            return connection.reply("200 OK", &headers, "{\"state\": \"running\"}");
        }
        if head.path == "/report" {
            let counts = [&accepted, &polls, &held].map(|count| count.load(Relaxed));
            let [accepted, polls, held] = counts;
            let body = format!("{{\"accepted\": {accepted}, \"polls\": {polls}, \"held\": {held}}}");
            return connection.reply("200 OK", "", &body);
        }
        connection.reply("200 OK", "", "hello from the target\n")
    })
}

const JSON: &str = "Content-Type: application/json\r\n";
