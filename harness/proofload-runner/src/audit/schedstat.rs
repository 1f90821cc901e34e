//! How long each generator thread computed, and how long it was ready and not run: `/proc/self/task/*/schedstat`
//! (kernel `Documentation/scheduler/sched-stats.rst`). Read from outside, so several threads need no help.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use super::ticks;

/// How the names of generator threads begin.
pub(crate) const GENERATOR_THREAD: &str = "generator";

/// Shares of wall time since the last reading; of several threads, the worst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    /// Computed.
    pub(super) busy: f64,
    /// Could have computed and was not let; unknown where the kernel does not say.
    pub(super) run_queue: Option<f64>,
}

/// Times of one thread since it began, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// On a CPU.
    pub(super) ran_ns: u64,
    /// Waiting for one.
    pub(super) waited_ns: Option<u64>,
}

/// The generator threads of this process.
#[derive(Debug, Default)]
pub(super) struct GeneratorThreads {
    last: HashMap<String, (Instant, Times)>,
}

impl GeneratorThreads {
    /// The worst shares since the last call; `None` on the first, and where no thread is to be seen.
    pub(super) fn read(&mut self, now: Instant) -> Option<Shares> {
        let current: HashMap<_, _> =
            generator_threads().into_iter().map(|(thread, times)| (thread, (now, times))).collect();
        let last = std::mem::replace(&mut self.last, current);
        let shares = self.last.iter().filter_map(|(thread, (now, times))| since(last.get(thread)?, (*now, *times)));
        shares.reduce(worst)
    }
}

/// The highest share of `wall_ns` that any generator thread alive now has computed since it began.
pub(super) fn busiest_since_birth(wall_ns: u64) -> Option<f64> {
    let shares = generator_threads().into_iter().map(|(_, times)| share(times.ran_ns, wall_ns));
    shares.reduce(f64::max)
}

/// Names of the threads' folders, with their times. Nothing where there is no `/proc`.
fn generator_threads() -> Vec<(String, Times)> {
    let Ok(folders) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let threads = folders.flatten().filter_map(|folder| {
        let name = std::fs::read_to_string(folder.path().join("comm")).ok()?;
        let times = name.starts_with(GENERATOR_THREAD).then(|| times(&folder.path()))??;
        Some((folder.file_name().to_string_lossy().into_owned(), times))
    });
    threads.collect()
}

fn times(thread: &Path) -> Option<Times> {
    let exact = std::fs::read_to_string(thread.join("schedstat")).ok().and_then(|text| parse(&text));
    exact.or_else(|| ticks::times(thread))
}

/// Two of the three numbers: ns on a CPU, ns waiting for one.
fn parse(text: &str) -> Option<Times> {
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().ok());
    Some(Times { ran_ns: numbers.next()??, waited_ns: Some(numbers.next()??) })
}

fn since((before, first): &(Instant, Times), (now, last): (Instant, Times)) -> Option<Shares> {
    let wall_ns = u64::try_from(now.saturating_duration_since(*before).as_nanos()).ok().filter(|wall| *wall > 0)?;
    let waited = last.waited_ns.zip(first.waited_ns);
    // The kernel enters a wait when it ends, so one second may hold more of it than it lasted.
    Some(Shares {
        busy: share(last.ran_ns.saturating_sub(first.ran_ns), wall_ns),
        run_queue: waited.map(|(last, first)| share(last.saturating_sub(first), wall_ns).min(1.0)),
    })
}

fn worst(one: Shares, other: Shares) -> Shares {
    let run_queue = one.run_queue.into_iter().chain(other.run_queue).reduce(f64::max);
    Shares { busy: one.busy.max(other.busy), run_queue }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run fit a double")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn two_numbers_of_three_are_taken() {
        assert_eq!(parse("8031 27 3\n"), Some(Times { ran_ns: 8031, waited_ns: Some(27) }));
        assert_eq!([parse(""), parse("8031"), parse("a b c")], [None, None, None]);
    }

    #[test]
    fn shares_are_of_the_time_between_two_readings_and_the_worst_thread_counts() {
        let start = crate::clock::now();
        let later = start + Duration::from_secs(2);
        let times = |ran_ms: u64, waited_ms: Option<u64>| Times {
            ran_ns: ran_ms * 1_000_000,
            waited_ns: waited_ms.map(|ms| ms * 1_000_000),
        };
        let busy = since(&(start, times(500, Some(10))), (later, times(1500, Some(30)))).unwrap();
        assert_eq!(busy, Shares { busy: 0.5, run_queue: Some(0.01) });
        let waiting = since(&(start, times(0, Some(0))), (later, times(200, Some(400)))).unwrap();
        assert_eq!(worst(busy, waiting), Shares { busy: 0.5, run_queue: Some(0.2) });
        let silent = since(&(start, times(0, None)), (later, times(200, None))).unwrap();
        assert_eq!((silent.run_queue, worst(silent, busy).run_queue), (None, Some(0.01)));
        assert_eq!(since(&(start, times(0, None)), (start, times(0, None))), None);
    }
}
