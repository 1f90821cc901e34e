//! Jobs: entered in the book when their submission was accepted, followed to their end by polling, by a webhook or over
//! a WebSocket, and looked at once more when all is over.
//!
//! Followers wait most of the time, a hundred thousand at once, so what only lives while a request is on the wire is in
//! a box of its own.

use std::sync::Arc;
use std::time::Duration;

use proofload_core::evidence::Fate;
use proofload_core::scenario::{Follow, Job};

use super::book::Seen;
use super::broken::Broken;
use super::event::GeneratorEvent;
use super::exchange::Answer;
use super::flow::Pass;
use super::journal::JournalLine;
use super::recorder::{Sample, SampleOutcome};
use super::request::{fill, get};
use super::values::Values;
use super::world::World;
use super::{webhook, websocket};

/// Longest wait for the answer to one poll.
const POLL_TIMEOUT: Duration = Duration::from_secs(10);
/// Polls of one open job in the last look, while they tell nothing.
const LAST_LOOKS: u32 = 3;
/// The pause between them where the answer names none.
const LAST_LOOK_PAUSE: Duration = Duration::from_millis(300);

/// How the following of a job ended.
pub(super) enum Followed {
    /// It was seen to end.
    Ended(Fate),
    /// Its timeout passed, or the run ends.
    GivenUp,
    /// Nothing more can be heard of it, in a few words.
    Cut(&'static str),
}

/// A job under way, and when its follower gives up.
#[derive(Clone, Copy)]
pub(super) struct Following<'j> {
    /// Index in the book.
    pub(super) index: usize,
    pub(super) job: &'j Job,
    /// On the run's axis.
    pub(super) gives_up_ns: u64,
}

impl Following<'_> {
    /// How long may still be waited; `None` once it is time to give up.
    pub(super) fn left(&self, world: &World) -> Option<Duration> {
        let left = Duration::from_nanos(self.gives_up_ns.saturating_sub(world.clock.now_ns()));
        (!left.is_zero() && !world.finishing.get()).then_some(left)
    }
}

/// Follows one job until it ends, its timeout passes or the run stops.
pub(super) async fn follow(world: &World, pass: Pass, job: &Arc<Job>, values: &Values) {
    let submitted_ns = world.clock.now_ns();
    let Some(index) = enter(world, pass, job, values) else { return };
    let gives_up_ns = submitted_ns.saturating_add(u64::try_from(job.timeout.as_nanos()).unwrap_or(u64::MAX));
    let following = Following { index, job, gives_up_ns };
    let followed = match &job.follow {
        Follow::Poll { every } => poll_until_end(world, following, *every).await,
        Follow::Webhook { .. } => webhook::wait(world, following).await,
        Follow::Websocket { path } => match fill(&world.script, pass, path, values) {
            Some(path) => Box::pin(websocket::read_until_end(world, following, path)).await,
            None => Followed::Cut("websocket: no path"),
        },
    };
    end(world, pass, (index, submitted_ns), &followed);
}

/// Enters an accepted job in book and journal; `None` if its id is not known, or known already.
fn enter(world: &World, pass: Pass, job: &Arc<Job>, values: &Values) -> Option<usize> {
    let flow = world.script.flow_index(pass);
    let id = fill(&world.script, pass, &job.id, values)?;
    let path = match &job.path {
        Some(path) => Some(fill(&world.script, pass, path, values)?),
        None => None,
    };
    journal(world, flow, &id, "accepted");
    let at_ms = pass.intended_ns / 1_000_000;
    let index = world.jobs.borrow_mut().enter((flow, id), at_ms, job, path)?;
    world.recorder.borrow_mut().begin(world.script.job_step(&world.script.flow(pass).name), pass.intended_ns);
    Some(index)
}

/// Records how a job ended for its follower.
fn end(world: &World, pass: Pass, (index, submitted_ns): (usize, u64), followed: &Followed) {
    let outcome = match followed {
        Followed::Ended(Fate::Succeeded) => SampleOutcome::Good,
        Followed::Ended(_) => SampleOutcome::Wrong,
        Followed::GivenUp | Followed::Cut(_) => SampleOutcome::Broken(Broken::TimedOut),
    };
    let sample = Sample {
        intended_ns: pass.intended_ns,
        // A job waits for its acceptance as a request waits for a connection.
        dispatched_ns: pass.intended_ns,
        sent_ns: submitted_ns,
        first_byte_ns: None,
        ended_ns: world.clock.now_ns(),
        outcome,
        status: None,
        workload: pass.workload,
        iteration: pass.iteration,
    };
    let jobs = world.jobs.borrow();
    let entry = jobs.entry(index);
    let class = match followed {
        Followed::Ended(Fate::Succeeded) => None,
        Followed::Cut(why) => Some((*why).to_owned()),
        Followed::Ended(_) | Followed::GivenUp => Some(format!("last seen {}", entry.last_state)),
    };
    world.end(world.script.job_step(&world.script.flow(pass).name), &sample, class);
    if matches!(followed, Followed::Ended(_)) {
        journal(world, entry.flow, &entry.id, &entry.last_state);
    }
}

async fn poll_until_end(world: &World, following: Following<'_>, every: Duration) -> Followed {
    let mut pause = every;
    loop {
        let Some(left) = following.left(world) else { return Followed::GivenUp };
        tokio::time::sleep(pause.min(left)).await;
        let seen = Box::pin(poll_once(world, following.index)).await;
        if let Some(fate) = seen.end {
            return Followed::Ended(fate);
        }
        pause = seen.retry_after.map_or(every, |wait| wait.max(every));
    }
}

/// Asks for the state of a job once and notes what it shows.
async fn poll_once(world: &World, index: usize) -> Seen {
    let (job, flow, message) = {
        let jobs = world.jobs.borrow();
        let entry = jobs.entry(index);
        let system = &world.systems[entry.flow];
        let authorization = entry.job.auth.as_ref().and_then(|name| system.tokens.get(name));
        let message = entry.path.as_ref().and_then(|path| get(system.poll.target(), path, authorization));
        (Arc::clone(&entry.job), entry.flow, message)
    };
    world.polls.set(world.polls.get() + 1);
    let answer = match message {
        Some(message) => tokio::time::timeout(POLL_TIMEOUT, world.systems[flow].poll.exchange(&message, |_| ())).await,
        None => Ok(Err(Broken::NotSent)),
    };
    let seen = match answer {
        Ok(Ok(exchange)) => read_state(&exchange.answer, &job),
        _ => Seen::nothing("no answer".to_owned()),
    };
    if seen.claims_work.is_none() {
        world.poll_failures.set(world.poll_failures.get() + 1);
    }
    world.jobs.borrow_mut().note(index, &seen);
    seen
}

/// Looks at an open job at the very end, a few times if need be. A job that cannot be asked after stays unread, so its
/// silence never reads as loss.
pub(super) async fn last_look(world: &World, index: usize) {
    if world.jobs.borrow().entry(index).path.is_none() {
        return;
    }
    for _ in 0..LAST_LOOKS {
        let seen = poll_once(world, index).await;
        if seen.claims_work.is_some() {
            return;
        }
        tokio::time::sleep(seen.retry_after.unwrap_or(LAST_LOOK_PAUSE).min(Duration::from_secs(2))).await;
    }
}

fn read_state(answer: &Answer, job: &Job) -> Seen {
    let retry_after = answer.header("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
    if !(200..300).contains(&answer.status) {
        let word = format!("status {}", answer.status);
        // Only "not here" and "gone" say anything of the job; a refusal to answer says nothing.
        let claims_work = matches!(answer.status, 404 | 410).then_some(false);
        return Seen { word, claims_work, end: None, retry_after };
    }
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Seen { retry_after, ..Seen::in_json(&json, job) }
}

fn journal(world: &World, flow: usize, id: &str, state: &str) {
    let line = JournalLine {
        at_ms: world.clock.now_ns() / 1_000_000,
        flow: world.script.scenario.flows[flow].name.clone(),
        id: id.to_owned(),
        state: state.to_owned(),
    };
    world.events.tell(GeneratorEvent::Journal(line));
}
