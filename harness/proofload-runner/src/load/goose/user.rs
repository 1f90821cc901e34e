//! A Goose user at work: passes of the flow in its time, each step as our own engine would take it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::goose::goose::GooseUser;
use ::goose::metrics::GooseMetrics;
use proofload_core::plan::{Plan, UserWindow, draw};
use proofload_core::scenario::{Executor, Leaf, Request};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::super::broken::Broken;
use super::super::checks;
use super::super::exchange::Outgoing;
use super::super::executor_vus::THINK_TIMES;
use super::super::flow::{Pass, Timing, judge_answer};
use super::super::recorder::{Sample, SampleOutcome};
use super::super::request::render;
use super::super::script::Script;
use super::super::shard::Teller;
use super::super::values::Values;
use super::super::walk::between;
use super::super::webhook::Addresses;
use super::super::world::WorldParts;
use super::books::Books;
use super::client::{self, Answered};
use crate::clock::RunClock;

/// What all users of an attack share.
pub(super) struct Attack {
    pub(super) clock: RunClock,
    pub(super) client: reqwest::Client,
    script: Script,
    /// When each user may begin passes, by its number.
    windows: Vec<UserWindow>,
    /// Pause between two passes, shortest and longest.
    think: (Duration, Duration),
    /// Passes begun, and how many there may be.
    iterations: AtomicU64,
    iterations_max: u64,
    /// When the last pass so far ended.
    last_ns: AtomicU64,
    /// How many requests may be on the wire.
    limiter: Semaphore,
    books: Mutex<Books>,
    /// Nothing new begins.
    stopping: CancellationToken,
}

impl Attack {
    /// The one workload of a scenario that Goose sends.
    ///
    /// # Errors
    /// A sentence, where the scenario cannot be prepared.
    pub(super) fn new(parts: WorldParts, plan: &Plan) -> Result<Self, String> {
        let (clock, timed, tls) = (parts.clock, parts.timed.clone(), parts.tls.clone());
        let script = Script::new(parts, Addresses::default())?;
        let workload = script.scenario.workloads.first().ok_or("there is no workload")?;
        let (think, iterations_max) = match workload.executor {
            Executor::Vus { think, .. } => (think, u64::MAX),
            Executor::Iterations { think, iterations, .. } => (think, iterations),
            Executor::Open { .. } | Executor::Replay(_) => return Err("Goose runs virtual users only".to_owned()),
        };
        let client = client::build(script.target(first_pass()), tls.as_deref())
            .map_err(|error| format!("Goose's client could not be set up: {error}"))?;
        Ok(Self {
            clock,
            client,
            windows: plan.users.clone(),
            think,
            iterations: AtomicU64::new(0),
            iterations_max,
            last_ns: AtomicU64::new(0),
            limiter: Semaphore::new(workload.max_in_flight as usize),
            books: Mutex::new(Books::new(timed, &script)),
            stopping: CancellationToken::new(),
            script,
        })
    }

    /// How many users there are.
    pub(super) fn users(&self) -> usize {
        self.windows.len()
    }

    /// The base URL of the system.
    pub(super) fn host(&self) -> String {
        self.script.target(first_pass()).url()
    }

    /// The address of a path as it stands in a request line.
    pub(super) fn url_of(&self, path: &str) -> String {
        let target = self.script.target(first_pass());
        let scheme = if target.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", target.authority)
    }

    pub(super) fn flow_name(&self) -> &str {
        &self.script.flow(first_pass()).name
    }

    /// When the last pass ended, of users that share their iterations.
    pub(super) fn iterations_ended_ns(&self) -> Option<u64> {
        (self.iterations_max < u64::MAX).then(|| self.last_ns.load(Ordering::Relaxed))
    }

    /// Lets no user begin anything more.
    pub(super) fn stop(&self) {
        self.stopping.cancel();
    }

    pub(super) fn tell_figures(&self, tell: &Teller) {
        self.books().tell(self.clock.now_ns(), tell);
    }

    /// Hands everything over.
    pub(super) fn finish(&self, goose: Option<&GooseMetrics>, tell: &Teller) {
        self.books().finish(self.clock.now_ns(), &self.script, goose, tell);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next pass, if there is one.
    fn begin(&self) -> Option<u64> {
        let next = |begun: u64| (begun < self.iterations_max).then_some(begun + 1);
        let iteration = self.iterations.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        let mut books = self.books();
        books.due += 1;
        books.passes += 1;
        Some(iteration)
    }

    async fn wait_until(&self, moment: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(moment.into()) => {}
            () = self.stopping.cancelled() => {}
        }
    }

    async fn pause(&self, (from, to): (Duration, Duration), share: f64) {
        self.wait_until(crate::clock::now() + between(from, to, share)).await;
    }

    /// Counts what a broken pass did not reach: planned and not served.
    fn record_unreached<'f>(&self, pass: Pass, rest: impl Iterator<Item = Leaf<'f>>) {
        let mut books = self.books();
        let now_ns = self.clock.now_ns();
        let outcome = SampleOutcome::Broken(Broken::NotReached);
        for leaf in rest {
            let Leaf::Request(request) = leaf else { continue };
            let step = self.script.prepared(request).step;
            let intended_ns = pass.intended_ns;
            books.recorder.begin(step, intended_ns);
            let sample = Sample {
                intended_ns,
                dispatched_ns: now_ns,
                sent_ns: now_ns,
                first_byte_ns: None,
                ended_ns: now_ns,
                outcome,
                status: None,
                workload: pass.workload,
                iteration: pass.iteration,
            };
            books.end(step, &sample, Some("an earlier step went wrong".to_owned()));
            checks::count((&self.script, &mut books.checks), pass, request, None, &Values::new());
        }
    }
}

/// Any pass of the one workload.
fn first_pass() -> Pass {
    Pass { workload: 0, iteration: 0, intended_ns: 0 }
}

/// What Goose does again and again for a user: one pass, and the pause after it. Who has no more to do leaves.
pub(super) async fn iterate(attack: &Attack, user: &mut GooseUser) {
    let window = attack.windows.get(user.weighted_users_index);
    if let Some(window) = window {
        attack.wait_until(attack.clock.instant(window.starts_ns)).await;
        let now_ns = attack.clock.now_ns();
        if now_ns < window.ends_ns
            && !attack.stopping.is_cancelled()
            && let Some(iteration) = attack.begin()
        {
            user.client = attack.client.clone();
            walk_all(attack, user, Pass { workload: 0, iteration, intended_ns: now_ns }).await;
            if !attack.think.1.is_zero() {
                attack.pause(attack.think, draw(attack.script.seed ^ THINK_TIMES, iteration)).await;
            }
            return;
        }
    }
    // Goose lets a user go that has had so many iterations; this one ends now.
    user.config.iterations = Some(1);
}

async fn walk_all(attack: &Attack, user: &mut GooseUser, pass: Pass) {
    let script = &attack.script;
    let mut walk = script.flow(pass).walk(script.seed, pass.workload, pass.iteration);
    let mut values = Values::new();
    let mut due_ns = pass.intended_ns;
    for leaf in walk.by_ref() {
        match leaf {
            Leaf::Request(request) => {
                let timing = timed_request(attack, user, (pass, request), &mut values, due_ns).await;
                due_ns = timing.ended_ns;
                if !timing.is_good {
                    break;
                }
                continue;
            }
            Leaf::Think { from, to, number } => attack.pause((from, to), draw(script.seed, number)).await,
            // No scenario with a job is read for Goose.
            Leaf::Job(_) => {}
        }
        due_ns = attack.clock.now_ns();
    }
    attack.last_ns.fetch_max(due_ns, Ordering::Relaxed);
    attack.record_unreached(pass, walk);
    attack.books().passes -= 1;
}

/// Sends one request through Goose and records it; says how it ended.
async fn timed_request(
    attack: &Attack,
    user: &mut GooseUser,
    (pass, request): (Pass, &Request),
    values: &mut Values,
    due_ns: u64,
) -> Timing {
    attack.books().recorder.begin(attack.script.prepared(request).step, due_ns);
    let dispatched_ns = attack.clock.now_ns();
    let outgoing = outgoing(attack, pass, request, values);
    let permit = attack.limiter.acquire().await;
    attack.books().in_flight += 1;
    let sent_ns = attack.clock.now_ns();
    let answered = match outgoing {
        Ok(outgoing) => client::send(attack, user, request, &outgoing).await,
        Err(broken) => Answered { counted: false, head_ns: sent_ns, answer: Err(broken) },
    };
    drop(permit);
    let ended_ns = attack.clock.now_ns();
    let (outcome, class) = judge(attack, (pass, request), &answered, values);
    let first_byte_ns = answered.answer.is_ok().then_some(answered.head_ns);
    let sample = Sample {
        intended_ns: due_ns,
        dispatched_ns,
        sent_ns,
        first_byte_ns,
        ended_ns,
        outcome,
        status: answered.answer.as_ref().ok().map(|answer| answer.status),
        workload: pass.workload,
        iteration: pass.iteration,
    };
    let is_good = outcome == SampleOutcome::Good;
    let mut books = attack.books();
    books.in_flight -= 1;
    books.end(attack.script.prepared(request).step, &sample, class);
    if answered.counted {
        books.sent(&request.name, answered.head_ns.saturating_sub(sent_ns), is_good);
    }
    Timing { is_good, ended_ns }
}

/// The request as it is to be sent, if it still is.
fn outgoing(attack: &Attack, pass: Pass, request: &Request, values: &Values) -> Result<Outgoing, Broken> {
    if attack.stopping.is_cancelled() {
        return Err(Broken::NotReached);
    }
    render(&attack.script, pass, request, values).ok_or(Broken::NotSent)
}

/// Looks at an answer as our own engine does: its checks are counted, its values kept.
fn judge(
    attack: &Attack,
    (pass, request): (Pass, &Request),
    answered: &Answered,
    values: &mut Values,
) -> (SampleOutcome, Option<String>) {
    let answer = answered.answer.as_ref();
    checks::count((&attack.script, &mut attack.books().checks), pass, request, answer.ok(), values);
    match answer {
        Err(broken) => (SampleOutcome::Broken(*broken), Some(broken.word().to_owned())),
        Ok(answer) => match judge_answer(&attack.script, request, answer, values) {
            None => (SampleOutcome::Good, None),
            Some(class) => (SampleOutcome::Wrong, Some(class)),
        },
    }
}
