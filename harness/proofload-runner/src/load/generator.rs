//! The generator: shards that send the load between them, heard as one.

use std::collections::VecDeque;
use std::sync::Arc;

use proofload_core::plan::Plan;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::event::{Control, GeneratorEvent};
use super::merge::Merge;
use super::shard;
use super::world::WorldParts;

/// Shards at work.
pub(crate) struct Generator {
    /// To each shard, or to the process that runs some.
    controls: Vec<UnboundedSender<Control>>,
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

impl Generator {
    /// Starts a thread for each of `shards`; the first arrival leaves at the start of the clock.
    ///
    /// # Errors
    /// Where the machine gives no thread.
    pub(crate) fn start(parts: &WorldParts, plan: &Arc<Plan>, shards: Shards) -> std::io::Result<Self> {
        let (tell, events) = unbounded_channel();
        let mut controls = Vec::new();
        for index in 0..shards.count {
            let (parts, plan) = share(parts, plan, shards.first + index, shards.total);
            controls.push(shard::start(index as usize, parts, plan, tell.clone())?);
        }
        Ok(Self::of(controls, events))
    }

    /// Starts Goose in place of our own engine: one thread, which sends the whole plan.
    ///
    /// # Errors
    /// Where the machine gives no thread.
    #[cfg(feature = "goose")]
    pub(crate) fn start_goose(parts: WorldParts, plan: &Arc<Plan>) -> std::io::Result<Self> {
        let (tell, events) = unbounded_channel();
        let control = super::goose::start(parts, Arc::clone(plan), tell)?;
        Ok(Self::of(vec![control], events))
    }

    /// A generator of all that hear on `controls`, and speak on `events` by their numbers there.
    pub(crate) fn of(
        controls: Vec<UnboundedSender<Control>>,
        events: UnboundedReceiver<(usize, GeneratorEvent)>,
    ) -> Self {
        let merge = Merge::new(controls.len());
        Self { controls, events, merge, ready: VecDeque::new() }
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

    /// Tells every shard; has no effect on those that have ended.
    pub(crate) fn tell(&self, control: Control) {
        for shard in &self.controls {
            let _ = shard.send(control);
        }
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
