//! What a machine allows, held against what a plan asks of it. Pure: the edge reads the machine.

use super::Demand;

/// What a machine allows; `None` where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MachineLimits {
    /// Open files of one process, at most (the hard limit of `RLIMIT_NOFILE`).
    pub file_descriptors: Option<u64>,
    /// Local ports for connections to one address (`net.ipv4.ip_local_port_range`).
    pub local_ports: Option<u64>,
    /// Memory that can still be had, bytes (`MemAvailable`).
    pub memory_bytes: Option<u64>,
}

/// How long a closed connection keeps its port, s (`TCP_TIMEWAIT_LEN` of Linux).
const TIME_WAIT_S: u64 = 60;

impl MachineLimits {
    /// Why the plan cannot be carried out here, a sentence for each limit that it goes over.
    pub fn refuse(&self, demand: &Demand) -> Vec<String> {
        let mut refusals = Vec::new();
        let mut hold = |needed: u64, allowed: Option<u64>, tell: &dyn Fn(u64, u64) -> String| {
            if let Some(allowed) = allowed.filter(|allowed| needed > *allowed) {
                refusals.push(tell(needed, allowed));
            }
        };
        hold(demand.file_descriptors, self.file_descriptors, &|needed, allowed| {
            format!(
                "the plan may need {needed} open files, and this machine allows a process {allowed}; lower `max_in_flight` or `vus`, or raise the hard limit (`ulimit -Hn`, or LimitNOFILE of a service)"
            )
        });
        hold(demand.on_the_wire, self.local_ports, &|needed, allowed| {
            format!(
                "the plan may need {needed} connections at once, and this machine has {allowed} local ports for one address; lower `max_in_flight` or `vus`, or widen net.ipv4.ip_local_port_range"
            )
        });
        hold(demand.memory_bytes, self.memory_bytes, &|needed, allowed| {
            format!(
                "the plan may need {} MiB of memory, and this machine has {} MiB left; lower `max_in_flight`, `vus` or the rates, or split the load with --generators on a larger machine",
                mebibytes(needed),
                mebibytes(allowed)
            )
        });
        refusals
    }

    /// New connections per second that the ports last for where a target closes each after its answer; a closed
    /// connection keeps its port for a minute.
    pub fn connections_per_second_max(&self) -> Option<u64> {
        self.local_ports.map(|ports| ports / TIME_WAIT_S)
    }
}

/// Whole mebibytes, rounded up.
pub fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMAND: Demand = Demand {
        arrivals_in_1s: 40,
        arrivals_in_100ms: 4,
        on_the_wire: 1_000,
        connections_in_1s: Some(40),
        file_descriptors: 1_456,
        users: 0,
        memory_bytes: 32 * 1024 * 1024,
    };

    fn check(limits: MachineLimits, expected: &[&str]) {
        let refusals = limits.refuse(&DEMAND);
        assert_eq!(refusals.len(), expected.len(), "{refusals:?}");
        for (refusal, words) in refusals.iter().zip(expected) {
            assert!(refusal.contains(words), "{refusal}");
        }
    }

    #[test]
    fn each_limit_that_a_plan_goes_over_is_named_with_its_way_out() {
        check(MachineLimits { file_descriptors: Some(1_456), ..MachineLimits::default() }, &[]);
        check(MachineLimits::default(), &[]);
        let narrow =
            MachineLimits { file_descriptors: Some(1_024), local_ports: Some(500), memory_bytes: Some(1024 * 1024) };
        check(narrow, &["1456 open files", "1000 connections at once", "32 MiB of memory, and this machine has 1 MiB"]);
    }

    #[test]
    fn ports_last_for_a_470th_of_new_connections() {
        let limits = MachineLimits { local_ports: Some(28_232), ..MachineLimits::default() };
        assert_eq!(limits.connections_per_second_max(), Some(470));
    }
}
