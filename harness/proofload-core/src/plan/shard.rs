//! One plan for several generators: each gets its part, and the parts together are the plan, exactly.

use super::{Arrival, Plan, PlannedWorkload};

/// Which part of a whole: part `index` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0; below `of`.
    pub index: u32,
    /// How many parts there are; at least 1.
    pub of: u32,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// This shard's part of a number of equal things; the parts of all shards together are `total`.
    pub fn share(self, total: u64) -> u64 {
        let (index, of) = (u64::from(self.index), u64::from(self.of));
        total / of + u64::from(index < total % of)
    }

    /// Whether the thing with this number, counted from 0 over all shards, is this shard's.
    pub fn has(self, number: u64) -> bool {
        number % u64::from(self.of) == u64::from(self.index)
    }

    /// The number, over all shards, of this shard's thing with a number of its own: passes of virtual users are
    /// counted so, and stay unique. There are [`Shard::share`] of them.
    pub fn number(self, own: u64) -> u64 {
        own * u64::from(self.of) + u64::from(self.index)
    }
}

impl Plan {
    /// Part `index` of `of`: arrival k of a workload goes to shard k modulo `of`, and so does virtual user k. Stages
    /// and the end stay where they are.
    ///
    /// # Panics
    /// Where `index` is not below `of`, or this plan is itself a part.
    #[must_use]
    pub fn shard(&self, index: u32, of: u32) -> Plan {
        assert!(index < of, "shard {index} of {of} does not exist");
        assert_eq!(self.shard, Shard::WHOLE, "a part of a plan is not split again");
        let shard = Shard { index, of };
        let mut seen = vec![0u64; self.workloads.len()];
        let mut is_ours = |arrival: &Arrival| {
            let rank = &mut seen[arrival.workload as usize];
            *rank += 1;
            shard.has(*rank - 1)
        };
        let arrivals: Vec<Arrival> = self.arrivals.iter().copied().filter(|arrival| is_ours(arrival)).collect();
        let users = self.users.iter().copied().filter(|window| shard.has(u64::from(window.user))).collect();
        let workloads =
            (0u32..).zip(&self.workloads).map(|(number, whole)| part_of(whole, number, &arrivals)).collect();
        Plan { seed: self.seed, arrivals, users, ends_ns: self.ends_ns, workloads, shard }
    }
}

/// A workload with the arrivals of a part of the plan counted anew.
fn part_of(whole: &PlannedWorkload, number: u32, arrivals: &[Arrival]) -> PlannedWorkload {
    let due = |from_ns: u64, to_ns: u64| {
        let from = arrivals.partition_point(|arrival| arrival.at_ns < from_ns);
        let within = arrivals[from..].iter().take_while(|arrival| arrival.at_ns < to_ns);
        within.filter(|arrival| arrival.workload == number).count() as u64
    };
    let mut part = whole.clone();
    part.arrivals = arrivals.iter().filter(|arrival| arrival.workload == number).count() as u64;
    for stage in &mut part.stages {
        stage.arrivals = due(stage.starts_ns, stage.ends_ns);
    }
    part
}
