//! One pass of a flow: walks its steps in order, and counts those that it did not reach.

use std::rc::Rc;
use std::time::Duration;

use proofload_core::plan::draw;
use proofload_core::scenario::Leaf;

use super::broken::Broken;
use super::flow::{Pass, timed_request};
use super::recorder::{Sample, SampleOutcome};
use super::values::Values;
use super::world::World;
use super::{checks, job};

/// Runs the steps of one pass until the end or the first bad answer; says when that was.
///
/// Many passes wait at the same time, so the future of a waiting one is kept small: what only lives while a request is
/// on the wire is in a box of its own.
pub(super) fn run_pass(world: Rc<World>, pass: Pass) -> impl Future<Output = u64> {
    // Counted from here on, not from when the future is first polled: a pass that is due keeps the run from ending.
    let open = OpenPass::new(world);
    async move { walk_all(&open.0, pass).await }
}

/// A pass that is due or under way.
struct OpenPass(Rc<World>);

impl OpenPass {
    fn new(world: Rc<World>) -> Self {
        world.passes.set(world.passes.get() + 1);
        Self(world)
    }
}

impl Drop for OpenPass {
    fn drop(&mut self) {
        self.0.passes.set(self.0.passes.get() - 1);
    }
}

async fn walk_all(world: &World, pass: Pass) -> u64 {
    let mut walk = world.script.flow(pass).walk(world.script.seed, pass.workload, pass.iteration);
    let mut values = Values::new();
    let mut due_ns = pass.intended_ns;
    for leaf in walk.by_ref() {
        match leaf {
            Leaf::Request(request) => {
                let timing = Box::pin(timed_request(world, pass, request, &mut values, due_ns)).await;
                due_ns = timing.ended_ns;
                if !timing.is_good {
                    break;
                }
                continue;
            }
            Leaf::Job(the_job) => job::follow(world, pass, the_job, &values).await,
            Leaf::Think { from, to, number } => {
                tokio::time::sleep(between(from, to, draw(world.script.seed, number))).await;
            }
        }
        due_ns = world.clock.now_ns();
    }
    // After a whole walk nothing is left. After a bad answer, what is left was planned and not served: the rest of the
    // same walk, whose rounds and branches no answer changes, so these counts are exact.
    let not_reached = (SampleOutcome::Broken(Broken::NotReached), "an earlier step went wrong");
    record_unreached(world, pass, walk, not_reached);
    due_ns
}

/// A length between two, by a number in (0, 1].
pub(super) fn between(from: Duration, to: Duration, share: f64) -> Duration {
    from + to.saturating_sub(from).mul_f64(share)
}

/// Counts an arrival that was never started: every step of its walk.
pub(super) fn drop_pass(world: &World, pass: Pass) {
    let walk = world.script.flow(pass).walk(world.script.seed, pass.workload, pass.iteration);
    record_unreached(world, pass, walk, (SampleOutcome::Dropped, "dropped: too many were waiting"));
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
        status: None,
        workload: pass.workload,
        iteration: pass.iteration,
    };
    for leaf in rest {
        let index = match leaf {
            Leaf::Request(request) => world.script.prepared(request).step,
            Leaf::Job(_) => world.script.job_step(&world.script.flow(pass).name),
            Leaf::Think { .. } => continue,
        };
        world.recorder.borrow_mut().begin(index, pass.intended_ns);
        world.end(index, &sample, Some(class.to_owned()));
        if let Leaf::Request(request) = leaf {
            checks::count((&world.script, &mut world.checks.borrow_mut()), pass, request, None, &Values::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proofload_core::environment::HttpVersion;
    use proofload_core::evidence::StepKind;
    use proofload_core::scenario::Scenario;

    use super::*;
    use crate::clock::RunClock;
    use crate::load::Target;
    use crate::load::recorder::Timed;
    use crate::load::shard::Teller;
    use crate::load::world::{SystemAccess, WorldParts};

    /// How many wait at once.
    const WAITING: usize = 100_000;
    /// What they may take together.
    const BYTES_MAX: usize = 256 * 1024 * 1024;

    /// A world with one flow: a request, and a job that is followed as told.
    async fn world(follow: &str) -> Rc<World> {
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f:\n    - request: {{ name: a, path: /, json: '{{{{webhook}}}}', extract: {{ id: {{ json: /id }} }} }}\n    - job: {{ id: '{{{{id}}}}', {follow}, done: {{ json: /state, in: [done] }} }}\n    - job: {{ id: '{{{{id}}}}-', webhook: {{ id: {{ json: /id }}, timeout: 1s }}, done: {{ json: /state, in: [done] }} }}\nworkloads:\n  w: {{ flow: f, executor: constant-vus, vus: 1, for: 1s }}\n"
        );
        let timed = |kind, name: &str| Timed { kind, name: name.to_owned(), limits_ns: vec![] };
        let parts = WorldParts {
            clock: RunClock::starting_in(Duration::ZERO),
            scenario: Scenario::parse("t.yaml", &text).unwrap(),
            seed: 1,
            run_id: "run".to_owned(),
            systems: vec![SystemAccess {
                name: "s".to_owned(),
                grpc: Target::resolve("http://127.0.0.1:1", HttpVersion::Http2).await.unwrap(),
                target: Target::resolve("http://127.0.0.1:1", HttpVersion::Auto).await.unwrap(),
                tokens: HashMap::new(),
            }],
            payloads: vec![],
            traces: proofload_core::trace::Traces::default(),
            data: vec![],
            methods: crate::load::Methods::default(),
            timed: vec![timed(StepKind::Request, "a"), timed(StepKind::Job, "f")],
            tls: None,
            pacing: proofload_core::environment::Pacing::Timer,
        };
        // What is told has nobody to hear it, and is dropped.
        Rc::new(World::new(parts, Teller::new(0, tokio::sync::mpsc::unbounded_channel().0)).unwrap())
    }

    fn resident_bytes() -> usize {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    /// What each of many passes takes that wait for their job, its entry in the book included.
    async fn bytes_per_waiting_job(follow: &str) -> usize {
        let world = world(follow).await;
        let flow = Rc::clone(&world);
        let jobs: Vec<_> = flow.script.scenario.flows[0].jobs().collect();
        let pass = |iteration| Pass { workload: 0, iteration, intended_ns: 0 };
        let pass_bytes = size_of_val(&run_pass(Rc::clone(&world), pass(0)));
        assert!(pass_bytes <= 1024, "{pass_bytes} bytes");
        let before = resident_bytes();
        for iteration in 0..WAITING as u64 {
            let (world, job) = (Rc::clone(&world), std::sync::Arc::clone(jobs[0]));
            tokio::task::spawn_local(async move {
                // The way of the pass, as it is held while the job is followed.
                let mut values = Values::new();
                values.insert("id".to_owned(), format!("0190a6c2-7f43-7b5e-9c1d-{iteration:012}"));
                let walk = world.script.flow(pass(iteration)).walk(1, 0, iteration);
                job::follow(&world, pass(iteration), &job, &values).await;
                drop(walk);
            });
        }
        while world.jobs.borrow().open < WAITING as u64 {
            tokio::task::yield_now().await;
        }
        // The future of a whole pass may be larger than the one that stands for it here.
        (resident_bytes() - before) / WAITING + pass_bytes
    }

    #[test]
    fn a_hundred_thousand_waiting_jobs_fit_into_memory() {
        let follows = [
            "webhook: { id: { json: /id }, timeout: 60s }",
            "poll: { path: '/jobs/{{id}}', every: 60s, timeout: 60s }",
        ];
        // The first ones are kept, so that the second ones do not live in what they left.
        let mut kept = Vec::new();
        for follow in follows {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let passes = tokio::task::LocalSet::new();
            let bytes = passes.block_on(&runtime, bytes_per_waiting_job(follow));
            kept.push((passes, runtime));
            assert!(bytes * WAITING <= BYTES_MAX, "{bytes} bytes each: {follow}");
        }
    }
}
