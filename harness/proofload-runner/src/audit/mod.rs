//! The self-audit: was proofload itself let run, and had it what it needed? One file per source; what a source does
//! not say stays unknown. Nothing here can end a run: the judge decides by what is written into the record.

mod calibration;
mod cgroup;
mod clocks;
mod descriptors;
mod heartbeat;
mod pressure;
mod schedstat;
mod sink;
mod sockets;
mod steal;
mod ticks;

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use proofload_core::environment::Pacing;
use proofload_core::evidence::{AuditEvidence, Standstill, worse, worse_of_each};
use serde::{Deserialize, Serialize};

use crate::clock::{self, RunClock};

pub(crate) use calibration::calibrate;
pub(crate) use schedstat::GENERATOR_THREAD;

/// How often the machine is read.
const READ_EVERY: Duration = Duration::from_secs(1);
/// Shares of less time than this say more of chance than of a second; the time goes to the next reading.
const SHARE_OF_LEAST: Duration = Duration::from_millis(500);

/// What was read so far, as the record takes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// What belongs to the audit alone.
    pub(crate) audit: AuditEvidence,
    /// Share of each second that the busiest generator thread computed.
    pub(crate) thread_busy: Vec<f64>,
    /// Highest CPU pressure of the machine, percent.
    pub(crate) cpu_pressure: Option<f64>,
}

impl Found {
    /// Takes in what another process of the same run found: of each signal, the worse of the two.
    pub(crate) fn merge(&mut self, other: &Found) {
        self.audit.merge(&other.audit);
        worse_of_each(&mut self.thread_busy, &other.thread_busy);
        self.cpu_pressure = worse(self.cpu_pressure, other.cpu_pressure);
    }

    /// The same to the millionth, in which a stored record reads back as the very same numbers.
    fn rounded(mut self) -> Self {
        let audit = &mut self.audit;
        for share in self.thread_busy.iter_mut().chain(&mut audit.run_queue).chain(&mut audit.steal) {
            *share = rounded(*share);
        }
        for reading in [&mut audit.clock_step_ms, &mut audit.clock_drift, &mut audit.ports, &mut audit.descriptors] {
            *reading = reading.map(rounded);
        }
        if let Some(standstill) = &mut audit.standstill {
            standstill.lasted_ms = rounded(standstill.lasted_ms);
        }
        self
    }
}

/// To the millionth.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Everything that is read once a second.
pub(crate) struct MachineAudit {
    found: Found,
    shares_since: Option<Instant>,
    threads: schedstat::GeneratorThreads,
    clocks: clocks::Clocks,
    throttled: cgroup::Throttling,
    steal: steal::Steal,
    sockets: sockets::Sockets,
    pacing: Pacing,
}

impl MachineAudit {
    /// An audit of this process, which sends to `targets`. The first reading is what later ones are compared with.
    pub(crate) fn new(targets: &[SocketAddr], pacing: Pacing) -> Self {
        Self {
            found: Found::default(),
            shares_since: None,
            threads: schedstat::GeneratorThreads::default(),
            clocks: clocks::Clocks::default(),
            throttled: cgroup::Throttling::default(),
            steal: steal::Steal::default(),
            sockets: sockets::Sockets::new(targets),
            pacing,
        }
    }

    /// Reads every source once.
    pub(crate) fn read(&mut self) {
        let moments = clock::both();
        self.read_shares(moments.monotonic);
        let audit = &mut self.found.audit;
        if let Some(apart) = self.clocks.read(moments) {
            audit.clock_step_ms = Some(apart.step_ms);
            audit.clock_drift = Some(apart.drift);
        }
        audit.throttled = self.throttled.read().or(audit.throttled);
        audit.ports = worse(audit.ports, self.sockets.ports());
        audit.listen_overflows = self.sockets.listen_overflows().or(audit.listen_overflows);
        audit.descriptors = worse(audit.descriptors, descriptors::share());
        self.found.cpu_pressure = worse(self.found.cpu_pressure, pressure::some_avg10());
    }

    /// Reads what is a share of the time since the last reading.
    fn read_shares(&mut self, now: Instant) {
        if self.shares_since.is_some_and(|since| now.saturating_duration_since(since) < SHARE_OF_LEAST) {
            return;
        }
        self.shares_since = Some(now);
        if let Some(shares) = self.threads.read(now) {
            // A thread that spins is always busy, which says nothing.
            if self.pacing == Pacing::Timer {
                self.found.thread_busy.push(shares.busy);
            }
            self.found.audit.run_queue.extend(shares.run_queue);
        }
        self.found.audit.steal.extend(self.steal.read());
    }
}

/// Two threads that watch while a run goes: one reads the machine, one beats.
pub(crate) struct Watch {
    stop: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    found: Arc<Mutex<Found>>,
    standstill: Arc<Mutex<Option<Standstill>>>,
}

impl Watch {
    /// Watches from the start of the clock's axis; a thread that cannot be had leaves its signals unknown.
    pub(crate) fn start(clock: RunClock, targets: &[SocketAddr], pacing: Pacing) -> Self {
        let mut watch =
            Self { stop: Vec::new(), threads: Vec::new(), found: Arc::default(), standstill: Arc::default() };
        let (machine, found) = (MachineAudit::new(targets, pacing), Arc::clone(&watch.found));
        watch.spawn("audit", move |stop| read_on(machine, clock, &stop, &found));
        let standstill = Arc::clone(&watch.standstill);
        watch.spawn("heartbeat", move |stop| heartbeat::beat(clock, &stop, &standstill));
        watch
    }

    /// What was found so far.
    pub(crate) fn so_far(&self) -> Found {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        found.audit.standstill = *self.standstill.lock().unwrap_or_else(PoisonError::into_inner);
        found.rounded()
    }

    /// Reads a last time and ends both threads.
    pub(crate) fn end(&mut self) -> Found {
        self.stop.clear();
        for thread in self.threads.drain(..) {
            // A panic in it was printed; its signals stay as they were.
            let _ = thread.join();
        }
        self.so_far()
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce(Receiver<()>) + Send + 'static) {
        let (stop, stopped) = channel();
        if let Ok(thread) = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(stopped)) {
            self.stop.push(stop);
            self.threads.push(thread);
        }
    }
}

/// Reads at the start of the axis, every second, and a last time when told to stop.
fn read_on(mut machine: MachineAudit, clock: RunClock, stop: &Receiver<()>, found: &Mutex<Found>) {
    let mut due = clock.instant(0);
    loop {
        let stopped = wait_until(due, stop);
        machine.read();
        machine.found.clone_into(&mut found.lock().unwrap_or_else(PoisonError::into_inner));
        if stopped {
            return;
        }
        due = (due + READ_EVERY).max(clock::now());
    }
}

/// Waits for a moment; says whether the watch ended before it.
fn wait_until(due: Instant, stop: &Receiver<()>) -> bool {
    let wait = due.saturating_duration_since(clock::now());
    stop.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
}
