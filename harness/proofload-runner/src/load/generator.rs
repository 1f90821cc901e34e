//! The generator: shards that send the load between them, heard as one.

use std::collections::VecDeque;
use std::sync::Arc;

use proofload_core::plan::Plan;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::event::{Control, GeneratorEvent};
use super::merge::Merge;
use super::shard::Shard;
use super::world::WorldParts;

/// Shards at work.
pub(crate) struct Generator {
    workers: Vec<Box<dyn Worker>>,
    events: UnboundedReceiver<(usize, GeneratorEvent)>,
    merge: Merge,
    ready: VecDeque<GeneratorEvent>,
}

/// Which shards a process runs, of how many over all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shards {
    /// The number of the first.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
    /// Over all processes.
    pub(crate) total: u32,
}

impl Shards {
    /// All shards, in this process.
    pub(crate) fn all(count: u32) -> Self {
        Self { first: 0, count, total: count }
    }
}

/// Something that sends a share of the load and tells of it: a thread here, or a process anywhere.
pub(crate) trait Worker: Send {
    /// Tells it; has no effect once it has ended.
    fn tell(&self, control: Control);
    /// Why it ended early, in a sentence; `None` while it runs, or where it says so by itself.
    fn failure(&mut self) -> Option<String>;
}

impl Worker for Shard {
    fn tell(&self, control: Control) {
        Shard::tell(self, control);
    }

    fn failure(&mut self) -> Option<String> {
        Shard::failure(self)
    }
}

impl Generator {
    /// Starts a thread for each of `shards`; the first arrival leaves at the start of the clock.
    ///
    /// # Errors
    /// Where the machine gives no thread.
    pub(crate) fn start(parts: &WorldParts, plan: &Arc<Plan>, shards: Shards) -> std::io::Result<Self> {
        let (tell, events) = unbounded_channel();
        let mut workers: Vec<Box<dyn Worker>> = Vec::new();
        for index in 0..shards.count {
            let (parts, plan) = share(parts, plan, shards.first + index, shards.total);
            workers.push(Box::new(Shard::start(index as usize, parts, plan, tell.clone())?));
        }
        Ok(Self::of(workers, events))
    }

    /// A generator of workers that speak on `events` by their numbers.
    pub(crate) fn of(workers: Vec<Box<dyn Worker>>, events: UnboundedReceiver<(usize, GeneratorEvent)>) -> Self {
        let merge = Merge::new(workers.len());
        Self { workers, events, merge, ready: VecDeque::new() }
    }

    /// The next that all shards tell together; `None` when nobody can speak any more.
    pub(crate) async fn next(&mut self) -> Option<GeneratorEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let (index, event) = self.events.recv().await?;
            self.ready.extend(self.merge.take(index, event));
        }
    }

    /// Tells every shard.
    pub(crate) fn tell(&self, control: Control) {
        for worker in &self.workers {
            worker.tell(control);
        }
    }

    /// Why nothing is heard, in a sentence; does not wait for a thread that hangs.
    pub(crate) fn failure(&mut self) -> String {
        let owing = (0..self.workers.len()).filter(|index| self.merge.is_owed(*index));
        let reasons = owing.filter_map(|index| self.workers[index].failure());
        let reasons: Vec<String> = reasons.collect();
        reasons.into_iter().next().unwrap_or_else(|| "the generator fell silent".to_owned())
    }
}

/// The share of one shard: its arrivals, its users, and its part of every limit.
fn share(parts: &WorldParts, plan: &Arc<Plan>, index: u32, of: u32) -> (WorldParts, Arc<Plan>) {
    let mut parts = parts.clone();
    if of == 1 {
        // A plan may be gigabytes, so the only shard shares it.
        return (parts, Arc::clone(plan));
    }
    let plan = plan.shard(index, of);
    for workload in &mut parts.scenario.workloads {
        let part = plan.shard.share(u64::from(workload.max_in_flight));
        workload.max_in_flight = u32::try_from(part).unwrap_or(u32::MAX);
    }
    (parts, Arc::new(plan))
}
