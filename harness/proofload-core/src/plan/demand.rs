//! What a plan asks of the machine that carries it out: numbers that the edge compares with the machine's limits.

use super::Plan;
use crate::scenario::{Executor, Scenario};

/// Memory of one open connection with its buffers (the goal of `facts/load-engine.md`).
const CONNECTION_BYTES: u64 = 32 * 1024;
/// Memory of one virtual user between two passes.
const USER_BYTES: u64 = 4 * 1024;
/// Memory of one planned arrival.
const ARRIVAL_BYTES: u64 = 16;
/// Descriptors beside connections: timers, logs, processes, queues.
const DESCRIPTORS_BESIDE: u64 = 256;

/// What a plan asks of its machine, at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Arrivals in the fullest second.
    pub arrivals_in_1s: u64,
    /// Arrivals in the fullest tenth of a second.
    pub arrivals_in_100ms: u64,
    /// Requests on the wire at once: each needs a connection.
    pub on_the_wire: u64,
    /// New connections in the fullest second if the target keeps none open. `None` where virtual users do not think
    /// between passes: they are as fast as the answers.
    pub connections_in_1s: Option<u64>,
    /// File descriptors: a fifth more than connections, and what else is open.
    pub file_descriptors: u64,
    /// Virtual users at once.
    pub users: u64,
    /// Bytes of connections, users and arrivals, without payloads.
    pub memory_bytes: u64,
}

impl Demand {
    /// Bytes with `payload_bytes` of files held in memory.
    pub fn memory_bytes_with(&self, payload_bytes: u64) -> u64 {
        self.memory_bytes.saturating_add(payload_bytes)
    }
}

/// What `plan` asks of its machine, at most.
pub fn demand(scenario: &Scenario, plan: &Plan) -> Demand {
    // Polls of jobs have connections of their own, and keep them.
    let requests: Vec<u64> =
        scenario.workloads.iter().map(|load| scenario.flows[load.flow].requests_per_pass_max()).collect();
    let users: u64 = scenario.workloads.iter().map(|load| u64::from(load.executor.peak_vus())).sum();
    let on_the_wire = scenario.workloads.iter().zip(&plan.workloads).map(|(load, planned)| {
        let limit = u64::from(load.max_in_flight);
        match &load.executor {
            Executor::Open { .. } | Executor::Replay(_) => limit.min(planned.arrivals),
            Executor::Vus { .. } | Executor::Iterations { .. } => limit.min(u64::from(load.executor.peak_vus())),
        }
    });
    let on_the_wire: u64 = on_the_wire.sum();
    let opened = fullest(plan, 1_000_000_000, |workload| requests[workload]);
    Demand {
        arrivals_in_1s: fullest(plan, 1_000_000_000, |_| 1),
        arrivals_in_100ms: fullest(plan, 100_000_000, |_| 1),
        on_the_wire,
        connections_in_1s: opened_by_users(scenario, &requests).map(|by_users| by_users.saturating_add(opened)),
        file_descriptors: on_the_wire + on_the_wire.div_ceil(5) + DESCRIPTORS_BESIDE,
        users,
        memory_bytes: on_the_wire * CONNECTION_BYTES + users * USER_BYTES + plan.arrivals.len() as u64 * ARRIVAL_BYTES,
    }
}

/// The most weight of arrivals within any stretch of `length_ns`.
pub(crate) fn fullest(plan: &Plan, length_ns: u64, weight: impl Fn(usize) -> u64) -> u64 {
    let weight_of = |index: usize| weight(plan.arrivals[index].workload as usize);
    let (mut first, mut within, mut most) = (0, 0, 0);
    for (index, arrival) in plan.arrivals.iter().enumerate() {
        within += weight_of(index);
        while arrival.at_ns - plan.arrivals[first].at_ns >= length_ns {
            within -= weight_of(first);
            first += 1;
        }
        most = most.max(within);
    }
    most
}

/// Connections in a second if every virtual user were answered at once and only thought.
fn opened_by_users(scenario: &Scenario, requests: &[u64]) -> Option<u64> {
    let mut opened = 0u64;
    for (load, requests) in scenario.workloads.iter().zip(requests) {
        let (Executor::Vus { think, .. } | Executor::Iterations { think, .. }) = &load.executor else { continue };
        let shortest_ms = u64::try_from(think.0.as_millis()).unwrap_or(u64::MAX);
        let passes_in_1s = 1_000u64.checked_div(shortest_ms)? + 1;
        opened = opened.saturating_add(u64::from(load.executor.peak_vus()) * requests * passes_in_1s);
    }
    Some(opened)
}
