//! One shard of the generator: a thread with a runtime of its own, so that nothing else of proofload delays a send.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use proofload_core::plan::Plan;
use proofload_core::scenario::Executor;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::event::{Control, GeneratorEvent, Outcome, Tick};
use super::job::last_look;
use super::world::{World, WorldParts};
use super::{executor_open, executor_vus, webhook};

/// How often the thread tells what it has; also how often open seconds are looked at.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Polls at once in the last look at open jobs.
const LAST_LOOK_AT_ONCE: usize = 32;
/// Longest that the last look at all open jobs may take; those it does not reach stay unread, so unsettled.
const LAST_LOOK_WITHIN: Duration = Duration::from_secs(20);
/// How long requests on the wire may still take when the run must end.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// Starts a thread that sends its plan; the first arrival leaves at the start of the clock. It speaks as number `index`,
/// says so if it ends early, and is told on the channel that is given back.
///
/// # Errors
/// Where the machine gives no thread.
pub(super) fn start(
    index: usize,
    parts: WorldParts,
    plan: Arc<Plan>,
    tell: UnboundedSender<(usize, GeneratorEvent)>,
) -> std::io::Result<UnboundedSender<Control>> {
    spawn((index, &index.to_string()), tell, move |told, tell| thread_main(parts, plan, told, tell))
}

/// Starts a thread of the generator, which speaks by its number; says so if it ends early.
pub(super) fn spawn(
    (index, name): (usize, &str),
    tell: UnboundedSender<(usize, GeneratorEvent)>,
    main: impl FnOnce(UnboundedReceiver<Control>, Teller) -> Result<(), String> + Send + 'static,
) -> std::io::Result<UnboundedSender<Control>> {
    let (control, told) = unbounded_channel();
    std::thread::Builder::new().name(format!("{}-{name}", crate::audit::GENERATOR_THREAD)).spawn(move || {
        let last_words = LastWords(Teller::new(index, tell.clone()));
        if let Err(why) = main(told, Teller::new(index, tell)) {
            last_words.0.tell(GeneratorEvent::Lost(why));
        }
    })?;
    Ok(control)
}

/// Where a shard's events go.
pub(super) struct Teller {
    index: usize,
    tell: UnboundedSender<(usize, GeneratorEvent)>,
}

impl Teller {
    pub(super) fn new(index: usize, tell: UnboundedSender<(usize, GeneratorEvent)>) -> Self {
        Self { index, tell }
    }

    pub(super) fn tell(&self, event: GeneratorEvent) {
        // The other end is gone only when the run is being torn down.
        let _ = self.tell.send((self.index, event));
    }
}

/// Says that the shard is gone, even if it panics; after its outcome nobody listens to that.
struct LastWords(Teller);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.tell(GeneratorEvent::Lost("a generator thread ended without a word".to_owned()));
    }
}

fn thread_main(
    parts: WorldParts,
    plan: Arc<Plan>,
    told: UnboundedReceiver<Control>,
    tell: Teller,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Looks at sockets and the pacing timer after so many polls of passes: 61, the default, can be half a
        // millisecond, which would be wake lag.
        .event_interval(31)
        .build_local(tokio::runtime::LocalOptions::default())
        .map_err(|error| format!("the generator's runtime could not start: {error}"))?;
    let world = Rc::new(World::new(parts, tell)?);
    runtime.block_on(drive(world, plan, told))
}

async fn drive(world: Rc<World>, plan: Arc<Plan>, mut told: UnboundedReceiver<Control>) -> Result<(), String> {
    webhook::serve(&world);
    let load = tokio::task::spawn_local(run_load(Rc::clone(&world), plan));
    let mut load = std::pin::pin!(load);
    let mut loading = true;
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            ended = &mut load, if loading => {
                loading = false;
                ended.map_err(|error| format!("the load ended early: {error}"))?
                    .map_err(|error| format!("the kernel's timer failed: {error}"))?;
                // First the figures that know of the last passes, so that nobody settles on older ones.
                tell_figures(&world);
                world.events.tell(GeneratorEvent::LoadEnded);
            }
            _ = ticks.tick() => tell_figures(&world),
            control = told.recv() => match control {
                Some(Control::Finish) | None => break,
            },
        }
    }
    world.stopping.set(true);
    world.finishing.set(true);
    finish(&world).await;
    Ok(())
}

async fn run_load(world: Rc<World>, plan: Arc<Plan>) -> std::io::Result<()> {
    let closed = world.script.scenario.workloads.iter().enumerate();
    let closed: Vec<_> = closed
        .filter(|(_, workload)| matches!(workload.executor, Executor::Vus { .. } | Executor::Iterations { .. }))
        .map(|(index, _)| {
            let users = plan.users.iter().copied().filter(|user| user.workload as usize == index).collect();
            tokio::task::spawn_local(executor_vus::run(Rc::clone(&world), index, users, plan.shard))
        })
        .collect();
    let ends_ns = lasts_until_ns(&world, &plan);
    executor_open::run(Rc::clone(&world), &plan.arrivals).await?;
    for users in closed {
        let _ = users.await;
    }
    // The last stage lasts until its end, even if its last arrival comes earlier.
    while world.clock.now_ns() < ends_ns && !world.stopping.get() {
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

/// When the last stage ends, ns. Shared iterations have none: they end with their last pass.
fn lasts_until_ns(world: &World, plan: &Plan) -> u64 {
    let workloads = world.script.scenario.workloads.iter().zip(&plan.workloads);
    let staged = workloads.filter(|(workload, _)| !matches!(workload.executor, Executor::Iterations { .. }));
    staged.map(|(_, planned)| planned.ends_ns).max().unwrap_or(0)
}

fn tell_figures(world: &World) {
    let now_ns = world.clock.now_ns();
    // The running second can still get arrivals, and so can the one before it if the thread is late.
    let before_s = u32::try_from(now_ns / 1_000_000_000).unwrap_or(u32::MAX).saturating_sub(1);
    let mut recorder = world.recorder.borrow_mut();
    let closed = recorder.close(before_s);
    let totals = recorder.totals();
    let recent = recorder.take_recent();
    let burns = recorder.burns(now_ns);
    drop(recorder);
    if !closed.is_empty() {
        world.events.tell(GeneratorEvent::Closed(closed));
    }
    let jobs = world.jobs.borrow();
    let tick = Tick {
        at_ms: now_ns / 1_000_000,
        due: world.due.get(),
        dispatched: world.dispatched.get(),
        dropped: totals.dropped,
        answered: totals.answered,
        errors: totals.errors,
        in_flight: world.in_flight.get(),
        passes: world.passes.get(),
        recent,
        jobs_open: jobs.open,
        jobs_ended: jobs.ended,
        burns,
    };
    world.events.tell(GeneratorEvent::Tick(tick));
}

/// Lets requests on the wire end, looks once more at every open job and hands everything over.
async fn finish(world: &Rc<World>) {
    let waited = async {
        while world.in_flight.get() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(LAST_REQUESTS, waited).await;
    look_at_open_jobs(world).await;
    let closed = world.recorder.borrow_mut().close_all(world.clock.now_ns());
    world.events.tell(GeneratorEvent::Closed(closed));
    let (jobs, duplicated) = world.jobs.borrow_mut().take(&world.script.scenario.flows);
    let recorder = world.recorder.borrow();
    let outcome = Outcome {
        due: world.due.get(),
        dispatched: world.dispatched.get(),
        dropped: recorder.totals().dropped,
        wake_lag: recorder.wake_lag(),
        gaps: recorder.gaps(),
        lost: 0,
        watched: Vec::new(),
        local_failures: world.local_failures.get(),
        polls: world.polls.get(),
        poll_failures: world.poll_failures.get(),
        jobs,
        duplicated,
        error_classes: world.error_classes(),
        checks: world.check_totals(),
        slowest: recorder.slowest(|workload| world.script.workload_name(workload)),
        cross_check: None,
    };
    world.events.tell(GeneratorEvent::Finished(Box::new(outcome)));
}

/// What is not reached in time is marked unread first, so that silence never reads as loss.
async fn look_at_open_jobs(world: &World) {
    let open = world.jobs.borrow().open_jobs();
    world.jobs.borrow_mut().mark_unread(&open);
    let looks = futures::stream::iter(open.into_iter().map(|index| last_look(world, index)));
    let all = looks.buffer_unordered(LAST_LOOK_AT_ONCE).for_each(|()| async {});
    let _ = tokio::time::timeout(LAST_LOOK_WITHIN, all).await;
}
