//! Closed load: a fixed number of virtual users, each starting again when it is done.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use proofload_core::plan::draw;
use proofload_core::scenario::Executor;

use super::flow::Pass;
use super::walk::{between, run_pass};
use super::world::World;

/// Runs all virtual users of one workload until its time is over.
pub(super) async fn run(world: Rc<World>, workload: usize) {
    let Executor::Vus { vus, duration, think } = world.scenario.workloads[workload].executor else { return };
    let starts_ns = nanos(world.scenario.workloads[workload].after);
    let ends_ns = starts_ns + nanos(duration);
    let iterations = Rc::new(Cell::new(0u64));
    let users: Vec<_> = (0..vus)
        .map(|_| {
            let user = User { world: Rc::clone(&world), workload, iterations: Rc::clone(&iterations), ends_ns, think };
            tokio::task::spawn_local(user.run(starts_ns))
        })
        .collect();
    for user in users {
        // A user ends by itself; a panic in it is told by the runtime and ends the run there.
        let _ = user.await;
    }
}

struct User {
    world: Rc<World>,
    workload: usize,
    iterations: Rc<Cell<u64>>,
    ends_ns: u64,
    think: (Duration, Duration),
}

impl User {
    async fn run(self, starts_ns: u64) {
        tokio::time::sleep_until(self.world.clock.instant(starts_ns).into()).await;
        while self.world.clock.now_ns() < self.ends_ns && !self.world.stopping.get() {
            let iteration = self.iterations.get();
            self.iterations.set(iteration + 1);
            let intended_ns = self.world.clock.now_ns();
            self.world.due.set(self.world.due.get() + 1);
            self.world.dispatched.set(self.world.dispatched.get() + 1);
            let pass = Pass { workload: self.workload, iteration, intended_ns };
            run_pass(Rc::clone(&self.world), pass).await;
            let share = draw(self.world.seed ^ 0x7468_696e_6b21, iteration);
            tokio::time::sleep(between(self.think.0, self.think.1, share)).await;
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
