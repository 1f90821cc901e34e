//! The book of jobs: each accepted id once, with what was last seen of it. Kept lean: a hundred thousand may be open.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use proofload_core::evidence::Fate;
use proofload_core::scenario::{Flow, Job, StateRule};

use super::event::JobOutcome;
use super::flow::json_text;

/// Most state words that are kept once for all jobs; a system has a handful.
const WORDS_MAX: usize = 64;

/// A job as the generator knows it.
#[derive(Debug, Clone)]
pub(super) struct JobEntry {
    /// Its id, shared with the index of the book.
    pub(super) id: Arc<str>,
    /// Index of its flow.
    pub(super) flow: usize,
    /// Intended start of its pass, ms from the start of the run.
    pub(super) at_ms: u64,
    /// What became of it so far.
    pub(super) fate: Fate,
    /// The last state word seen, shared with other jobs.
    pub(super) last_state: Arc<str>,
    /// What could last be read showed a state that is not an end.
    pub(super) claims_work: bool,
    /// The last look told nothing: no answer, one that says nothing of the job (429, 401, 5xx), or no way to ask.
    pub(super) unreadable: bool,
    /// Where it is asked for, if it can be.
    pub(super) path: Option<Box<str>>,
    /// How it is followed and judged, shared with the scenario.
    pub(super) job: Arc<Job>,
}

/// All jobs of a run.
#[derive(Debug, Default)]
pub(super) struct JobBook {
    entries: Vec<JobEntry>,
    /// By flow, then by id.
    by_id: HashMap<usize, HashMap<Arc<str>, u32>>,
    words: Vec<Arc<str>>,
    pub(super) open: u64,
    pub(super) ended: u64,
    /// Ids that were accepted more than once, by index of the flow.
    duplicated: HashMap<usize, u64>,
}

/// What one look at a job showed.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) word: String,
    /// Whether the job says that it still waits or runs; `None` where the answer says nothing of the job.
    pub(super) claims_work: Option<bool>,
    pub(super) end: Option<Fate>,
    /// When to ask again, if the answer says.
    pub(super) retry_after: Option<Duration>,
}

impl Seen {
    /// Nothing can be said of the job.
    pub(super) fn nothing(word: String) -> Self {
        Seen { word, claims_work: None, end: None, retry_after: None }
    }

    /// What a JSON text says of the job.
    pub(super) fn in_json(json: &serde_json::Value, job: &Job) -> Self {
        let word_at = |rule: &StateRule| json_text(json, &rule.json).map(clip);
        let in_rule = |rule: &StateRule| word_at(rule).filter(|word| rule.any_of.contains(word));
        let seen =
            |word: String, end: Option<Fate>| Seen { word, claims_work: Some(end.is_none()), end, retry_after: None };
        if let Some(word) = in_rule(&job.done) {
            return seen(word, Some(Fate::Succeeded));
        }
        if let Some(word) = job.failed.as_ref().and_then(in_rule) {
            let fate = Fate::of_failed_word(&word);
            return seen(word, Some(fate));
        }
        seen(word_at(&job.done).unwrap_or_else(|| "no state".to_owned()), None)
    }
}

impl JobBook {
    /// Enters a job that was just accepted; `None` if its id is there already, which is a fact worth counting.
    pub(super) fn enter(
        &mut self,
        (flow, id): (usize, String),
        at_ms: u64,
        job: &Arc<Job>,
        path: Option<String>,
    ) -> Option<usize> {
        let of_flow = self.by_id.entry(flow).or_default();
        if of_flow.contains_key(id.as_str()) {
            *self.duplicated.entry(flow).or_default() += 1;
            return None;
        }
        let id: Arc<str> = id.into();
        let index = self.entries.len();
        of_flow.insert(Arc::clone(&id), u32::try_from(index).expect("2^32 jobs do not fit into memory"));
        let last_state = self.word("accepted");
        let (path, job) = (path.map(String::into_boxed_str), Arc::clone(job));
        let (fate, claims_work, unreadable) = (Fate::Open, true, false);
        self.entries.push(JobEntry { id, flow, at_ms, fate, last_state, claims_work, unreadable, path, job });
        self.open += 1;
        Some(index)
    }

    /// Notes what was seen of a job; what comes after its end changes nothing.
    pub(super) fn note(&mut self, index: usize, seen: &Seen) {
        if self.entries[index].fate != Fate::Open {
            // A follower, a delivery and the last look may all see the same end.
            return;
        }
        let word = seen.claims_work.is_some().then(|| self.word(&seen.word));
        let entry = &mut self.entries[index];
        entry.unreadable = seen.claims_work.is_none();
        if let (Some(claims_work), Some(word)) = (seen.claims_work, word) {
            entry.claims_work = claims_work;
            entry.last_state = word;
        }
        if let Some(fate) = seen.end {
            entry.fate = fate;
            self.open -= 1;
            self.ended += 1;
        }
    }

    pub(super) fn entry(&self, index: usize) -> &JobEntry {
        &self.entries[index]
    }

    /// The job that an id names in a flow.
    pub(super) fn find(&self, flow: usize, id: &str) -> Option<usize> {
        self.by_id.get(&flow)?.get(id).map(|index| *index as usize)
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

    /// Hands over what became of all, and how many ids were accepted more than once by flow; `flows` has their names.
    pub(super) fn take(&mut self, flows: &[Flow]) -> (Vec<JobOutcome>, BTreeMap<String, u64>) {
        self.by_id.clear();
        let outcome = |entry: JobEntry| JobOutcome {
            id: entry.id.to_string(),
            flow: flows[entry.flow].name.clone(),
            at_ms: entry.at_ms,
            fate: entry.fate,
            last_state: entry.last_state.to_string(),
            claims_work: entry.claims_work,
            unreadable: entry.unreadable,
        };
        let duplicated = std::mem::take(&mut self.duplicated).into_iter();
        let duplicated = duplicated.map(|(flow, times)| (flows[flow].name.clone(), times)).collect();
        (std::mem::take(&mut self.entries).into_iter().map(outcome).collect(), duplicated)
    }

    /// A state word, kept once for all jobs that are in it.
    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.iter().find(|known| ***known == *word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        if self.words.len() < WORDS_MAX {
            self.words.push(Arc::clone(&word));
        }
        word
    }
}

/// A state word is a word; whatever else stands there is cut, so that no answer fills the record.
fn clip(word: String) -> String {
    match word.char_indices().nth(64) {
        Some((end, _)) => word[..end].to_owned(),
        None => word,
    }
}
