//! Open load: every arrival leaves when the plan says, whatever the answers do.

use std::rc::Rc;

use proofload_core::plan::Arrival;

use super::flow::Pass;
use super::pacing::Pacer;
use super::walk::{drop_pass, run_pass};
use super::world::World;

/// Most arrivals that may wait for a place on the wire; beyond it they are dropped, counted and late.
const WAITING_MAX: u64 = 100_000;

/// Releases every arrival at its time; ends with the last one or when the run stops.
pub(super) async fn run(world: Rc<World>, arrivals: &[Arrival]) -> std::io::Result<()> {
    let Some(first) = arrivals.first() else { return Ok(()) };
    let mut pacer = Pacer::new(world.clock.instant(first.at_ns), world.pacing)?;
    let mut next = 0;
    while next < arrivals.len() && !world.stopping.get() {
        let now_ns = world.clock.now_ns();
        if arrivals[next].at_ns > now_ns {
            pacer.until(world.clock.instant(arrivals[next].at_ns)).await?;
            continue;
        }
        release(&world, arrivals[next], now_ns);
        next += 1;
    }
    Ok(())
}

fn release(world: &Rc<World>, arrival: Arrival, now_ns: u64) {
    let pass = Pass {
        workload: arrival.workload as usize,
        iteration: u64::from(arrival.iteration),
        intended_ns: arrival.at_ns,
    };
    world.due.set(world.due.get() + 1);
    world.recorder.borrow_mut().woke(pass.workload, arrival.at_ns, now_ns);
    if world.waiting.get() >= WAITING_MAX {
        drop_pass(world, pass);
        return;
    }
    world.dispatched.set(world.dispatched.get() + 1);
    tokio::task::spawn_local(run_pass(Rc::clone(world), pass));
}
