//! Closed load: virtual users, each starting again when it is done.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use proofload_core::plan::{Shard, UserWindow, draw};
use proofload_core::scenario::Executor;

use super::event::GeneratorEvent;
use super::flow::Pass;
use super::walk::{between, run_pass};
use super::world::World;

/// Told apart from all other draws of a seed: how long users think between passes.
pub(super) const THINK_TIMES: u64 = 0x7468_696e_6b21;

/// Runs all virtual users of one workload until their time is over, or its shared iterations are done.
pub(super) async fn run(world: Rc<World>, workload: usize, windows: Vec<UserWindow>, shard: Shard) {
    let (think, iterations_max) = match world.script.scenario.workloads[workload].executor {
        Executor::Vus { think, .. } => (think, u64::MAX),
        Executor::Iterations { think, iterations, .. } => (think, shard.share(iterations)),
        _ => return,
    };
    let iterations = Rc::new(Cell::new(0u64));
    let last_ns = Rc::new(Cell::new(0u64));
    let users: Vec<_> = windows
        .into_iter()
        .map(|window| {
            let (iterations, last_ns) = (Rc::clone(&iterations), Rc::clone(&last_ns));
            let user =
                User { world: Rc::clone(&world), workload, iterations, iterations_max, last_ns, window, think, shard };
            tokio::task::spawn_local(user.run())
        })
        .collect();
    for user in users {
        // A user ends by itself; a panic in it is told by the runtime and ends the run there.
        let _ = user.await;
    }
    if iterations_max < u64::MAX {
        world.events.tell(GeneratorEvent::IterationsEnded { workload, ended_ns: last_ns.get() });
    }
}

struct User {
    world: Rc<World>,
    workload: usize,
    iterations: Rc<Cell<u64>>,
    iterations_max: u64,
    /// When the last pass of all users ended.
    last_ns: Rc<Cell<u64>>,
    window: UserWindow,
    think: (Duration, Duration),
    shard: Shard,
}

impl User {
    async fn run(self) {
        tokio::time::sleep_until(self.world.clock.instant(self.window.starts_ns).into()).await;
        let mut now_ns = self.world.clock.now_ns();
        while now_ns < self.window.ends_ns && !self.world.stopping.get() {
            let own = self.iterations.get();
            if own == self.iterations_max {
                return;
            }
            self.iterations.set(own + 1);
            let iteration = self.shard.number(own);
            self.world.due.set(self.world.due.get() + 1);
            self.world.dispatched.set(self.world.dispatched.get() + 1);
            let pass = Pass { workload: self.workload, iteration, intended_ns: now_ns };
            now_ns = run_pass(Rc::clone(&self.world), pass).await;
            self.last_ns.set(now_ns.max(self.last_ns.get()));
            if self.think(iteration).await {
                now_ns = self.world.clock.now_ns();
            }
        }
    }

    /// Pauses; says whether there was any pause. Tokio's timer would make a millisecond of none.
    async fn think(&self, iteration: u64) -> bool {
        if self.think.1.is_zero() {
            return false;
        }
        let share = draw(self.world.script.seed ^ THINK_TIMES, iteration);
        tokio::time::sleep(between(self.think.0, self.think.1, share)).await;
        true
    }
}
