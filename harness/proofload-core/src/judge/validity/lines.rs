//! Where each signal warns and where it makes a run INVALID, and what to do then. Lines from
//! `facts/load-engine.md` §6; a signal of the whole machine has no second one.

use std::time::Duration;

use super::super::finding::Outcome;
use super::Signal;

/// What is fixed about a signal.
pub(super) struct Line {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    warn_above: f64,
    pub(super) invalid_above: Option<f64>,
}

pub(super) const WAKE_LAG: Line = line("wake-lag", "wake lag p99: how late proofload itself was", "ms", 2.0, 20.0);
pub(super) const UNDELIVERED: Line =
    line("undelivered", "arrivals due and never dispatched, other than those dropped for a full line", "%", 0.5, 1.0);
pub(super) const GAPS: Line = line(
    "gaps",
    "arrivals that left in another rhythm than planned (distance between gaps planned and gaps kept)",
    "%",
    10.0,
    25.0,
);
pub(super) const DROPPED: Line =
    machine("dropped", "arrivals given up because too many waited already", "arrivals", 0.0);
pub(super) const LOST_GENERATORS: Line = line(
    "lost-generators",
    "generators that were lost on the way, and their share of the load with them",
    "generators",
    0.0,
    0.0,
);
pub(super) const LOST_SAMPLES: Line = line(
    "lost-samples",
    "samples that the books miss: begun and not ended, or due and never begun",
    "samples",
    0.0,
    0.0,
);
pub(super) const SATURATED: Line = machine("saturated", "times too long to be told apart (a day)", "samples", 0.0);
pub(super) const THREAD_BUSY: Line =
    line("thread-busy", "generator thread busy, best second of the worst three in a row", "%", 70.0, 90.0);
pub(super) const RUN_QUEUE: Line = line(
    "run-queue",
    "generator threads ready and not run by the machine, worst three seconds in a row",
    "%",
    2.0,
    10.0,
);
pub(super) const FROZEN: Line = line("frozen", "longest time in which proofload stood still", "ms", 100.0, 200.0);
pub(super) const CLOCK_STEP: Line =
    line("clock-step", "largest jump of the wall clock against the monotonic one", "ms", 10.0, 100.0);
pub(super) const CLOCK_DRIFT: Line =
    line("clock-drift", "wall clock and monotonic clock apart over the whole run", "%", 0.1, 1.0);
pub(super) const HOST_CLOCKS: Line =
    line("host-clocks", "clock of another generator and that of the run apart at worst", "ms", 5.0, 100.0);
pub(super) const WATCHER: Line = line(
    "watcher",
    "longest time in which the cluster's watcher looked at nothing, in its own periods",
    "periods",
    2.0,
    8.0,
);
pub(super) const THROTTLED: Line =
    line("throttled", "times that proofload's control group had used up its CPU quota", "times", 0.0, 0.0);
pub(super) const LOCAL_LIMITS: Line =
    line("local-limits", "connections that this machine had no port or file descriptor for", "connections", 0.0, 0.0);
pub(super) const PORTS: Line = line("ports", "local ports towards one target in use or in TIME_WAIT", "%", 50.0, 90.0);
pub(super) const DESCRIPTORS: Line = machine("descriptors", "allowed file descriptors that were open", "%", 80.0);
pub(super) const ACCEPT_QUEUE: Line =
    machine("accept-queue", "connections turned away by a full listener of this machine", "connections", 0.0);
pub(super) const CPU_PRESSURE: Line = machine("cpu-pressure", "CPU pressure of the whole machine", "%", 20.0);
pub(super) const STEAL: Line =
    machine("steal", "CPU time that the hypervisor gave to others, worst three seconds in a row", "%", 1.0);
pub(super) const COLLECTOR: Line = machine("collector", "readings of queues that failed", "%", 1.0);
pub(super) const COLLECTOR_GAP: Line =
    machine("collector-gap", "longest time in which a queue of the environment was not read", "s", 5.0);

/// Above this, steal is no longer noise: the measurements of this machine are another tenant's.
const STEAL_STRONG: f64 = 5.0;

impl Line {
    /// The signal with its value.
    pub(super) fn read(&self, value: Option<f64>) -> Signal {
        Signal {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            value,
            unit: self.unit.to_owned(),
            warn_above: self.warn_above,
            invalid_above: self.invalid_above,
        }
    }
}

/// Where wake lag warns and makes INVALID, ms, for a scenario whose tightest latency limit is this.
pub(super) fn wake_lag_ms(tightest_ms: f64) -> (f64, f64) {
    let invalid = WAKE_LAG.invalid_above.unwrap_or(f64::INFINITY);
    ((tightest_ms * 0.05).min(WAKE_LAG.warn_above), (tightest_ms * 0.10).min(invalid))
}

/// The shortest change of rhythm that a rule of this scenario could see: a hundredth of its tightest latency limit, but
/// no more than the wake lag that warns.
pub(super) fn rhythm_seen(tightest_ms: f64) -> Duration {
    Duration::from_secs_f64((tightest_ms * 0.01).min(WAKE_LAG.warn_above) / 1e3)
}

/// What to do about a signal that crossed a line; `clean` where none crossed the second.
pub(super) fn advice(signal: &Signal, clean: bool) -> &'static str {
    match (signal.outcome(), signal.id.as_str()) {
        (Outcome::Invalid, "lost-samples") => "; proofload lost evidence, please report it",
        (Outcome::Invalid, "frozen") => "; something stopped the whole process, a debugger or a sleeping machine",
        (Outcome::Invalid, "host-clocks") => "; let the hosts of the generators keep one time (NTP), and run it again",
        (Outcome::Invalid, "clock-step" | "clock-drift") => "; run it again once the machine's clock is steady",
        (Outcome::Invalid, "throttled") => "; give proofload a higher CPU limit, or none",
        (Outcome::Invalid, "local-limits") => {
            "; raise `ulimit -n` or `net.ipv4.ip_local_port_range`, or let the target keep connections open"
        }
        (Outcome::Invalid, "ports") => {
            "; widen `net.ipv4.ip_local_port_range`, or let the target keep connections open"
        }
        (Outcome::Invalid, _) => "; run it again on a machine with more room",
        (_, "dropped") if clean => {
            "; the target's doing, for proofload's own signals are clean: they count late and failed"
        }
        (_, "dropped") => "; they count late and failed, and whose doing it was cannot be said",
        (_, "descriptors") => "; raise `ulimit -n` before it ends the run",
        (_, "accept-queue") => "; a target on this machine does not accept as fast as clients come",
        (_, "steal") if signal.value.is_some_and(|value| value > STEAL_STRONG) => {
            "; do not compare times of this run with others: another tenant had this machine's cores"
        }
        _ => "",
    }
}

/// A signal about proofload itself.
const fn line(id: &'static str, title: &'static str, unit: &'static str, warn_above: f64, invalid_above: f64) -> Line {
    Line { id, title, unit, warn_above, invalid_above: Some(invalid_above) }
}

/// A signal about the machine or the target, which only warns.
const fn machine(id: &'static str, title: &'static str, unit: &'static str, warn_above: f64) -> Line {
    Line { id, title, unit, warn_above, invalid_above: None }
}
