//! The generator thread: a runtime of its own, so that nothing else on the machine's side of proofload delays a send.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::StreamExt;
use proofload_core::evidence::Histogram;
use proofload_core::plan::Plan;
use proofload_core::scenario::Executor;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use super::audit::{AuditReading, ThreadAudit};
use super::book::JobEntry;
use super::checks::CheckTotals;
use super::job::last_look;
use super::journal::JournalLine;
use super::recorder::ClosedSecond;
use super::world::{World, WorldParts};
use super::{executor_open, executor_vus, webhook};

/// How often the thread tells what it has; also how often open seconds are looked at.
const TICK: Duration = Duration::from_millis(250);
/// Polls at once in the last look at open jobs.
const LAST_LOOK_AT_ONCE: usize = 32;
/// Longest that the last look at all open jobs may take; those it does not reach stay unread, so unsettled.
const LAST_LOOK_WITHIN: Duration = Duration::from_secs(20);
/// How long requests on the wire may still take when the run must end.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// What the thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Look once more at every open job, hand everything over and end.
    Finish,
}

/// What the thread tells.
#[derive(Debug)]
pub(crate) enum GeneratorEvent {
    /// Figures of the moment.
    Tick(Tick),
    /// Seconds that will not change any more.
    Closed(Vec<ClosedSecond>),
    /// A line for the journal of jobs.
    Journal(JournalLine),
    /// Nothing more will be sent.
    LoadEnded,
    /// Everything was handed over; the thread ends.
    Finished(Box<Outcome>),
}

/// Figures of the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tick {
    /// When these figures were true, ms from the start of the run.
    pub(crate) at_ms: u64,
    pub(crate) due: u64,
    pub(crate) dispatched: u64,
    pub(crate) dropped: u64,
    pub(crate) answered: u64,
    pub(crate) errors: u64,
    pub(crate) in_flight: u64,
    pub(crate) passes: u64,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) jobs_open: u64,
    pub(crate) jobs_ended: u64,
    pub(crate) audit: Option<AuditReading>,
}

/// What is left when the thread ends.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) due: u64,
    pub(crate) dispatched: u64,
    pub(crate) dropped: u64,
    pub(crate) wake_lag: Histogram,
    pub(crate) local_failures: u64,
    pub(crate) polls: u64,
    pub(crate) poll_failures: u64,
    pub(crate) jobs: Vec<JobEntry>,
    /// Ids that were accepted more than once, by index of the flow.
    pub(crate) duplicated: HashMap<usize, u64>,
    pub(crate) checks: CheckTotals,
    pub(crate) error_classes: BTreeMap<(usize, String), u64>,
}

/// A running generator thread.
pub(crate) struct Generator {
    control: UnboundedSender<Control>,
    /// What the thread tells.
    pub(crate) events: UnboundedReceiver<GeneratorEvent>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Generator {
    /// Starts the thread; the first arrival leaves at the start of the clock.
    pub(crate) fn start(parts: WorldParts, plan: Plan) -> std::io::Result<Self> {
        let (control, told) = unbounded_channel();
        let (tell, events) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("generator".to_owned())
            .spawn(move || thread_main(parts, plan, told, tell))?;
        Ok(Self { control, events, thread: Some(thread) })
    }

    /// Tells the thread; has no effect once it has ended.
    pub(crate) fn tell(&self, control: Control) {
        let _ = self.control.send(control);
    }

    /// Why the thread ended early, in a sentence; does not wait for a thread that hangs.
    pub(crate) fn failure(&mut self) -> String {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return "the generator thread fell silent".to_owned();
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(sentence))) => sentence,
            _ => "the generator thread ended without a word".to_owned(),
        }
    }
}

fn thread_main(
    parts: WorldParts,
    plan: Plan,
    told: UnboundedReceiver<Control>,
    tell: UnboundedSender<GeneratorEvent>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the generator's runtime could not start: {error}"))?;
    let world = Rc::new(World::new(parts, tell)?);
    LocalSet::new().block_on(&runtime, drive(world, plan, told))
}

async fn drive(world: Rc<World>, plan: Plan, mut told: UnboundedReceiver<Control>) -> Result<(), String> {
    webhook::serve(&world);
    let load = tokio::task::spawn_local(run_load(Rc::clone(&world), plan));
    let mut load = std::pin::pin!(load);
    let mut loading = true;
    let mut audit = ThreadAudit::default();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            ended = &mut load, if loading => {
                loading = false;
                ended.map_err(|error| format!("the load ended early: {error}"))?
                    .map_err(|error| format!("the kernel's timer failed: {error}"))?;
                tell(&world, GeneratorEvent::LoadEnded);
            }
            _ = ticks.tick() => tell_figures(&world, &mut audit),
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

async fn run_load(world: Rc<World>, plan: Plan) -> std::io::Result<()> {
    let closed = world.scenario.workloads.iter().enumerate();
    let closed: Vec<_> = closed
        .filter(|(_, workload)| matches!(workload.executor, Executor::Vus { .. }))
        .map(|(index, _)| tokio::task::spawn_local(executor_vus::run(Rc::clone(&world), index)))
        .collect();
    let ends_ns = plan.ends_ns;
    executor_open::run(Rc::clone(&world), plan.arrivals).await?;
    for users in closed {
        let _ = users.await;
    }
    // The last stage lasts until its end, even if its last arrival comes earlier.
    while world.clock.now_ns() < ends_ns && !world.stopping.get() {
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

fn tell_figures(world: &World, audit: &mut ThreadAudit) {
    let now_ns = world.clock.now_ns();
    // The running second can still get arrivals, and so can the one before it if the thread is late.
    let before_s = u32::try_from(now_ns / 1_000_000_000).unwrap_or(u32::MAX).saturating_sub(1);
    let mut recorder = world.recorder.borrow_mut();
    let closed = recorder.close(before_s);
    let totals = recorder.totals();
    let p95_ms = recorder.take_recent_p95_ms();
    drop(recorder);
    if !closed.is_empty() {
        tell(world, GeneratorEvent::Closed(closed));
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
        p95_ms,
        jobs_open: jobs.open,
        jobs_ended: jobs.ended,
        audit: audit.read(now_ns),
    };
    tell(world, GeneratorEvent::Tick(tick));
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
    tell(world, GeneratorEvent::Closed(closed));
    let (jobs, duplicated) = world.jobs.borrow_mut().take();
    let recorder = world.recorder.borrow();
    let outcome = Outcome {
        due: world.due.get(),
        dispatched: world.dispatched.get(),
        dropped: recorder.totals().dropped,
        wake_lag: recorder.wake_lag(),
        local_failures: world.local_failures.get(),
        polls: world.polls.get(),
        poll_failures: world.poll_failures.get(),
        jobs,
        duplicated,
        checks: world.check_totals(),
        error_classes: world.error_classes(),
    };
    tell(world, GeneratorEvent::Finished(Box::new(outcome)));
}

/// What is not reached in time is marked unread first, so that silence never reads as loss.
async fn look_at_open_jobs(world: &World) {
    let open = world.jobs.borrow().open_jobs();
    world.jobs.borrow_mut().mark_unread(&open);
    let looks = futures::stream::iter(open.into_iter().map(|index| last_look(world, index)));
    let all = looks.buffer_unordered(LAST_LOOK_AT_ONCE).for_each(|()| async {});
    let _ = tokio::time::timeout(LAST_LOOK_WITHIN, all).await;
}

fn tell(world: &World, event: GeneratorEvent) {
    // The other end is gone only when the run is being torn down.
    let _ = world.events.send(event);
}
