//! One pass of a flow: walks its steps in order, and counts those that it did not reach.

use std::rc::Rc;
use std::time::Duration;

use proofload_core::plan::draw;
use proofload_core::scenario::{Flow, Leaf};

use super::broken::Broken;
use super::flow::{Pass, Values, timed_request};
use super::job;
use super::recorder::{Sample, SampleOutcome};
use super::world::{Counted, World};

/// Runs the steps of one pass until the end or the first bad answer; says when that was.
///
/// Many passes wait at the same time, so the future of a waiting one is kept small: what only lives while a request is
/// on the wire is in a box of its own.
pub(super) async fn run_pass(world: Rc<World>, pass: Pass) -> u64 {
    let _open = Counted::new(&world.passes);
    let mut walk = flow(&world, pass).walk(world.seed, pass.workload, pass.iteration);
    let mut values = Values::new();
    let mut due_ns = pass.intended_ns;
    for leaf in walk.by_ref() {
        match leaf {
            Leaf::Request(request) => {
                let timing = Box::pin(timed_request(&world, pass, request, &mut values, due_ns)).await;
                due_ns = timing.ended_ns;
                if !timing.is_good {
                    break;
                }
                continue;
            }
            Leaf::Job(the_job) => job::follow(&world, pass, the_job, &values).await,
            Leaf::Think { from, to, number } => {
                tokio::time::sleep(between(from, to, draw(world.seed, number))).await;
            }
        }
        due_ns = world.clock.now_ns();
    }
    // After a whole walk nothing is left. After a bad answer, what is left was planned and not served: the rest of the
    // same walk, whose rounds and branches no answer changes, so these counts are exact.
    let not_reached = (SampleOutcome::Broken(Broken::NotReached), "an earlier step went wrong");
    record_unreached(&world, pass, walk, not_reached);
    due_ns
}

/// A length between two, by a number in (0, 1].
pub(super) fn between(from: Duration, to: Duration, share: f64) -> Duration {
    from + to.saturating_sub(from).mul_f64(share)
}

/// Counts an arrival that was never started: every step of its walk.
pub(super) fn drop_pass(world: &World, pass: Pass) {
    let walk = flow(world, pass).walk(world.seed, pass.workload, pass.iteration);
    record_unreached(world, pass, walk, (SampleOutcome::Dropped, "dropped: too many were waiting"));
}

fn flow(world: &World, pass: Pass) -> &Flow {
    &world.scenario.flows[world.scenario.workloads[pass.workload].flow]
}

fn record_unreached<'w>(
    world: &World,
    pass: Pass,
    rest: impl Iterator<Item = Leaf<'w>>,
    (outcome, class): (SampleOutcome, &str),
) {
    let mut rest = rest.peekable();
    if rest.peek().is_none() {
        return;
    }
    let now_ns = world.clock.now_ns();
    let sample = Sample {
        intended_ns: pass.intended_ns,
        dispatched_ns: now_ns,
        sent_ns: now_ns,
        first_byte_ns: None,
        ended_ns: now_ns,
        outcome,
    };
    for leaf in rest {
        let index = match leaf {
            Leaf::Request(request) => world.prepared(request).step,
            Leaf::Job(_) => world.job_step(&flow(world, pass).name),
            Leaf::Think { .. } => continue,
        };
        world.recorder.borrow_mut().begin(index, pass.intended_ns);
        world.end(index, &sample, Some(class.to_owned()));
    }
}
