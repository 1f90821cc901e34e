//! What proofload read of itself, of its machine and of its clocks while it measured. Absent means that nobody could
//! say; the judge shows it as unknown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Readings of the self-audit, one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditEvidence {
    /// Share of each second that the generator thread which waited longest was ready and not run
    /// (`/proc/…/schedstat`).
    pub run_queue: Vec<f64>,
    /// Share of each second that the machine's hypervisor gave to others (`/proc/stat`).
    pub steal: Vec<f64>,
    /// How often the kernel stopped this process's control group for having used up its CPU quota.
    pub throttled: Option<u64>,
    /// Longest time between two beats of a thread that should beat every 10 ms.
    pub standstill: Option<Standstill>,
    /// Largest jump of the wall clock against the monotonic one, ms.
    pub clock_step_ms: Option<f64>,
    /// By which share the two clocks went apart over the whole run.
    pub clock_drift: Option<f64>,
    /// How far the clock of a generator elsewhere may have been from this run's own at worst, ms: what it went by from
    /// the start of the run to its end, and what neither look at it could tell. `None` where all ran in one process.
    pub host_clock_ms: Option<f64>,
    /// Highest share of the local ports that connections to one target held, those in TIME_WAIT included.
    pub ports: Option<f64>,
    /// Highest share of the allowed file descriptors that were open.
    pub descriptors: Option<f64>,
    /// Connections that some listener of this machine turned away for a full queue (`ListenOverflows`).
    pub listen_overflows: Option<u64>,
}

/// A stretch in which the whole process did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standstill {
    /// When it ended, ms from the start of the run.
    pub at_ms: u64,
    /// How long it was, ms.
    pub lasted_ms: f64,
}

/// What became of the check that is made before the first request: this machine, this rate, an answer at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case", deny_unknown_fields)]
pub enum Calibration {
    /// It was not made.
    Skipped {
        /// Why, in a sentence.
        why: String,
    },
    /// The plan's highest rate was sent to a server inside proofload.
    Rate {
        /// Arrivals per second.
        per_second: f64,
        /// Wake lag, ms: half were no later.
        wake_lag_p50_ms: f64,
        /// Wake lag, ms: 99 % were no later.
        wake_lag_p99_ms: f64,
        /// Share of the time that the busiest generator thread computed; `None` where the kernel does not say.
        busy: Option<f64>,
    },
    /// Virtual users sent as fast as a server inside proofload answered: the most that this machine can do.
    Ceiling {
        /// How many users.
        vus: u32,
        /// Answers per second.
        per_second: f64,
    },
}

impl AuditEvidence {
    /// Takes in the readings of another process of the same run: of each signal, the worse of the two.
    pub fn merge(&mut self, other: &AuditEvidence) {
        worse_of_each(&mut self.run_queue, &other.run_queue);
        worse_of_each(&mut self.steal, &other.steal);
        self.throttled = self.throttled.max(other.throttled);
        self.clock_step_ms = worse(self.clock_step_ms, other.clock_step_ms);
        self.clock_drift = worse(self.clock_drift, other.clock_drift);
        self.host_clock_ms = worse(self.host_clock_ms, other.host_clock_ms);
        self.ports = worse(self.ports, other.ports);
        self.descriptors = worse(self.descriptors, other.descriptors);
        self.listen_overflows = self.listen_overflows.max(other.listen_overflows);
        let longer = |a: &Standstill, b: &Standstill| a.lasted_ms.total_cmp(&b.lasted_ms);
        self.standstill = self.standstill.into_iter().chain(other.standstill).max_by(longer);
    }
}

/// The larger of two readings; one that is unknown says nothing against the other.
pub fn worse(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

/// Second by second the larger; the longer list keeps its tail.
pub fn worse_of_each(seconds: &mut Vec<f64>, others: &[f64]) {
    for (second, other) in seconds.iter_mut().zip(others) {
        *second = second.max(*other);
    }
    let known = seconds.len().min(others.len());
    seconds.extend_from_slice(&others[known..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_reading_of_two_processes_stands() {
        let mut one = AuditEvidence {
            run_queue: vec![0.1, 0.0],
            throttled: Some(2),
            standstill: Some(Standstill { at_ms: 7, lasted_ms: 30.0 }),
            ports: Some(0.2),
            ..AuditEvidence::default()
        };
        let other = AuditEvidence {
            run_queue: vec![0.0, 0.3, 0.2],
            standstill: Some(Standstill { at_ms: 9, lasted_ms: 301.0 }),
            descriptors: Some(0.5),
            ports: Some(0.1),
            ..AuditEvidence::default()
        };
        one.merge(&other);
        let expected = AuditEvidence {
            run_queue: vec![0.1, 0.3, 0.2],
            throttled: Some(2),
            standstill: Some(Standstill { at_ms: 9, lasted_ms: 301.0 }),
            ports: Some(0.2),
            descriptors: Some(0.5),
            ..AuditEvidence::default()
        };
        assert_eq!(one, expected);
    }
}
