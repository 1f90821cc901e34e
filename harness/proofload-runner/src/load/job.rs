//! Jobs: followed by polling from their submission to their end, each entered in the book.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proofload_core::evidence::Fate;
use proofload_core::scenario::{Follow, Job, StateRule};

use super::broken::Broken;
use super::event::{GeneratorEvent, JobOutcome};
use super::flow::{Pass, Values, json_text};
use super::http1::Answer;
use super::journal::JournalLine;
use super::recorder::{Sample, SampleOutcome};
use super::request::{fill, get};
use super::world::World;

/// Longest wait for the answer to one poll.
const POLL_TIMEOUT: Duration = Duration::from_secs(10);
/// Polls of one open job in the last look, while they tell nothing.
const LAST_LOOKS: u32 = 3;
/// The pause between them where the answer names none.
const LAST_LOOK_PAUSE: Duration = Duration::from_millis(300);

/// A job as the generator knows it.
#[derive(Debug, Clone)]
struct JobEntry {
    /// Its id.
    id: String,
    /// Its flow.
    flow: String,
    /// Intended start of its pass, ms from the start of the run.
    at_ms: u64,
    /// What became of it so far.
    fate: Fate,
    /// The last state word seen.
    last_state: String,
    /// The last poll that could be read showed a state that is not an end.
    claims_work: bool,
    /// The last poll told nothing: no answer, or one that says nothing of the job (429, 401, 5xx).
    unreadable: bool,
    /// How it is asked for at the very end.
    path: String,
    rule: (StateRule, Option<StateRule>),
    auth: Option<String>,
    flow_index: usize,
}

/// All jobs of a run.
#[derive(Debug, Default)]
pub(crate) struct JobBook {
    entries: Vec<JobEntry>,
    by_id: HashMap<(usize, String), usize>,
    pub(super) open: u64,
    pub(super) ended: u64,
    /// Ids that were accepted more than once, by flow.
    pub(super) duplicated: BTreeMap<String, u64>,
}

impl JobBook {
    /// Enters a job; `None` if its id is there already, which is a fact worth counting.
    fn enter(&mut self, entry: JobEntry) -> Option<usize> {
        let key = (entry.flow_index, entry.id.clone());
        if self.by_id.contains_key(&key) {
            *self.duplicated.entry(entry.flow).or_default() += 1;
            return None;
        }
        self.by_id.insert(key, self.entries.len());
        self.entries.push(entry);
        self.open += 1;
        Some(self.entries.len() - 1)
    }

    fn note(&mut self, index: usize, seen: &Seen) {
        let entry = &mut self.entries[index];
        if entry.fate != Fate::Open {
            // A follower and the last look may both see the same end.
            return;
        }
        entry.unreadable = seen.claims_work.is_none();
        if let Some(claims_work) = seen.claims_work {
            entry.claims_work = claims_work;
            entry.last_state.clone_from(&seen.word);
        }
        if let Some(fate) = seen.end {
            entry.fate = fate;
            self.open -= 1;
            self.ended += 1;
        }
    }

    /// The jobs that have not been seen to end.
    pub(super) fn open_jobs(&self) -> Vec<usize> {
        (0..self.entries.len()).filter(|index| self.entries[*index].fate == Fate::Open).collect()
    }

    /// Marks jobs as not yet read, before the last look.
    pub(super) fn mark_unread(&mut self, open: &[usize]) {
        for index in open {
            self.entries[*index].unreadable = true;
        }
    }

    /// Hands all entries over.
    pub(super) fn take(&mut self) -> (Vec<JobOutcome>, BTreeMap<String, u64>) {
        self.by_id.clear();
        let outcomes = std::mem::take(&mut self.entries).into_iter().map(JobEntry::outcome).collect();
        (outcomes, std::mem::take(&mut self.duplicated))
    }
}

impl JobEntry {
    fn outcome(self) -> JobOutcome {
        JobOutcome {
            id: self.id,
            flow: self.flow,
            at_ms: self.at_ms,
            fate: self.fate,
            last_state: self.last_state,
            claims_work: self.claims_work,
            unreadable: self.unreadable,
        }
    }
}

/// What one poll showed.
struct Seen {
    word: String,
    /// Whether the job says that it still waits or runs; `None` where the answer says nothing of the job.
    claims_work: Option<bool>,
    end: Option<Fate>,
    retry_after: Option<Duration>,
}

/// Follows one job until it ends, its timeout passes or the run stops.
pub(super) async fn follow(world: &World, pass: Pass, job: &Job, values: &Values) {
    let flow_index = world.scenario.workloads[pass.workload].flow;
    let flow = &world.scenario.flows[flow_index].name;
    let path = job.path.as_ref().and_then(|path| fill(world, pass, path, values));
    let (Some(id), Some(path)) = (fill(world, pass, &job.id, values), path) else { return };
    let step = world.job_step(flow);
    let submitted_ns = world.clock.now_ns();
    let entry = JobEntry {
        id: id.clone(),
        flow: flow.clone(),
        at_ms: pass.intended_ns / 1_000_000,
        fate: Fate::Open,
        last_state: "accepted".to_owned(),
        claims_work: true,
        unreadable: false,
        path,
        rule: (job.done.clone(), job.failed.clone()),
        auth: job.auth.clone(),
        flow_index,
    };
    let entered = world.jobs.borrow_mut().enter(entry);
    journal(world, flow, &id, "accepted");
    let Some(index) = entered else { return };
    world.recorder.borrow_mut().begin(step, pass.intended_ns);
    let end = poll_until_end(world, index, job, submitted_ns).await;
    let outcome = match end {
        Some(Fate::Succeeded) => SampleOutcome::Good,
        Some(_) => SampleOutcome::Wrong,
        None => SampleOutcome::Broken(Broken::TimedOut),
    };
    let sample = Sample {
        intended_ns: pass.intended_ns,
        dispatched_ns: submitted_ns,
        sent_ns: submitted_ns,
        first_byte_ns: None,
        ended_ns: world.clock.now_ns(),
        outcome,
    };
    let last_state = world.jobs.borrow().entries[index].last_state.clone();
    world.end(step, &sample, (outcome != SampleOutcome::Good).then(|| format!("last seen {last_state}")));
    if end.is_some() {
        journal(world, flow, &id, &last_state);
    }
}

async fn poll_until_end(world: &World, index: usize, job: &Job, submitted_ns: u64) -> Option<Fate> {
    let gives_up_ns = submitted_ns + u64::try_from(job.timeout.as_nanos()).unwrap_or(u64::MAX);
    let Follow::Poll { every } = job.follow else { return None };
    let mut pause = every;
    loop {
        let left = Duration::from_nanos(gives_up_ns.saturating_sub(world.clock.now_ns()));
        if left.is_zero() || world.finishing.get() {
            return None;
        }
        tokio::time::sleep(pause.min(left)).await;
        let seen = poll_once(world, index).await;
        if seen.end.is_some() {
            return seen.end;
        }
        pause = seen.retry_after.map_or(every, |wait| wait.max(every));
    }
}

/// Asks for the state of a job once and notes what it shows.
async fn poll_once(world: &World, index: usize) -> PollEnd {
    let (path, rule, auth, flow_index) = {
        let jobs = world.jobs.borrow();
        let entry = &jobs.entries[index];
        (entry.path.clone(), entry.rule.clone(), entry.auth.clone(), entry.flow_index)
    };
    let system = &world.systems[flow_index];
    let authorization = auth.as_ref().and_then(|name| system.tokens.get(name));
    world.polls.set(world.polls.get() + 1);
    let answer = match get(system.poll.target(), &path, authorization) {
        // Boxed, so that a job that only waits is small.
        Some(outgoing) => tokio::time::timeout(POLL_TIMEOUT, Box::pin(system.poll.exchange(&outgoing, || ()))).await,
        None => Ok(Err(Broken::NotSent)),
    };
    let seen = match answer {
        Ok(Ok(exchange)) => read_state(&exchange.answer, &rule.0, rule.1.as_ref()),
        _ => Seen { word: "no answer".to_owned(), claims_work: None, end: None, retry_after: None },
    };
    if seen.claims_work.is_none() {
        world.poll_failures.set(world.poll_failures.get() + 1);
    }
    world.jobs.borrow_mut().note(index, &seen);
    PollEnd { end: seen.end, retry_after: seen.retry_after, readable: seen.claims_work.is_some() }
}

/// Looks at an open job at the very end, a few times if need be.
pub(super) async fn last_look(world: &World, index: usize) {
    for _ in 0..LAST_LOOKS {
        let seen = poll_once(world, index).await;
        if seen.readable {
            return;
        }
        tokio::time::sleep(seen.retry_after.unwrap_or(LAST_LOOK_PAUSE).min(Duration::from_secs(2))).await;
    }
}

/// What a poll means for the loop.
struct PollEnd {
    end: Option<Fate>,
    retry_after: Option<Duration>,
    readable: bool,
}

fn read_state(answer: &Answer, done: &StateRule, failed: Option<&StateRule>) -> Seen {
    let retry_after = answer.header("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
    if !(200..300).contains(&answer.status) {
        let word = format!("status {}", answer.status);
        // Only "not here" and "gone" say anything of the job; a refusal to answer says nothing.
        let claims_work = matches!(answer.status, 404 | 410).then_some(false);
        return Seen { word, claims_work, end: None, retry_after };
    }
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let word_at = |rule: &StateRule| json_text(&json, &rule.json).map(clip);
    let in_rule = |rule: &StateRule| word_at(rule).filter(|word| rule.any_of.contains(word));
    if let Some(word) = in_rule(done) {
        return Seen { word, claims_work: Some(false), end: Some(Fate::Succeeded), retry_after };
    }
    if let Some(word) = failed.and_then(in_rule) {
        let end = Some(Fate::of_failed_word(&word));
        return Seen { word, claims_work: Some(false), end, retry_after };
    }
    let word = word_at(done).unwrap_or_else(|| "no state".to_owned());
    Seen { word, claims_work: Some(true), end: None, retry_after }
}

/// A state word is a word; whatever else stands there is cut, so that no answer fills the record.
fn clip(word: String) -> String {
    match word.char_indices().nth(64) {
        Some((end, _)) => word[..end].to_owned(),
        None => word,
    }
}

fn journal(world: &World, flow: &str, id: &str, state: &str) {
    let line = JournalLine {
        at_ms: world.clock.now_ns() / 1_000_000,
        flow: flow.to_owned(),
        id: id.to_owned(),
        state: state.to_owned(),
    };
    world.events.tell(GeneratorEvent::Journal(line));
}
