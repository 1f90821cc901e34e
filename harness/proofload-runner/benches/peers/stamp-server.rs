//! A target that stamps every arrival of a `GET /hello` with the monotonic clock. `GET /report` tells how evenly they came: the deviation
//! of each from the straight line fitted through all, and the rate that the line says. Compiled and run by `lag.py`.

#[expect(dead_code, reason = "this target needs less of it")]
mod http;

use std::sync::Mutex;
use std::time::Instant;

/// Room for all arrivals of a run, so that no stamp waits for memory.
const STAMPS_EXPECTED: usize = 4_000_000;

fn main() -> std::io::Result<()> {
    let stamps_ns = Mutex::new(Vec::with_capacity(STAMPS_EXPECTED));
    let zero = Instant::now();
    http::serve(4096, move |head, connection| {
        if head.path == "/report" {
            let mut stamps_ns = stamps_ns.lock().expect("no holder of the lock panics").clone();
            return connection.reply("200 OK", "", &report(&mut stamps_ns));
        }
        if head.path != "/hello" {
            // Somebody looks whether the target is there; that is no arrival of the load.
            return connection.reply("404 Not Found", "", "");
        }
        let now_ns = u64::try_from(zero.elapsed().as_nanos()).expect("the server does not run for 584 years");
        stamps_ns.lock().expect("no holder of the lock panics").push(now_ns);
        connection.reply("200 OK", "", "hello from the target\n")
    })
}

/// JSON: `count`, `rate_per_s` of the fitted line, and the absolute deviation from it at three shares, µs.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
fn report(stamps_ns: &mut [u64]) -> String {
    stamps_ns.sort_unstable();
    if stamps_ns.len() < 2 {
        return format!("{{\"count\": {}}}", stamps_ns.len());
    }
    let first = stamps_ns[0];
    let times: Vec<f64> = stamps_ns.iter().map(|at| (at - first) as f64).collect();
    let (offset_ns, gap_ns) = fitted(&times);
    let mut deviations: Vec<f64> =
        times.iter().enumerate().map(|(k, at)| (at - (offset_ns + gap_ns * k as f64)).abs() / 1e3).collect();
    deviations.sort_unstable_by(f64::total_cmp);
    let at =
        |share: f64| deviations[((share * deviations.len() as f64).ceil() as usize).clamp(1, deviations.len()) - 1];
    format!(
        "{{\"count\": {}, \"rate_per_s\": {:.6}, \"p50_us\": {:.1}, \"p99_us\": {:.1}, \"p999_us\": {:.1}}}",
        times.len(),
        1e9 / gap_ns,
        at(0.5),
        at(0.99),
        at(0.999)
    )
}

/// Offset and slope of the least-squares line through (k, times\[k\]).
#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 arrivals")]
fn fitted(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let (middle, mean) = ((count - 1.0) / 2.0, times.iter().sum::<f64>() / count);
    let (mut along, mut across) = (0.0, 0.0);
    for (k, at) in times.iter().enumerate() {
        let from_middle = k as f64 - middle;
        along += from_middle * from_middle;
        across += from_middle * (at - mean);
    }
    let slope = across / along;
    (mean - slope * middle, slope)
}
