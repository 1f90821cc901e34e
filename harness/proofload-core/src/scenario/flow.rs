//! Flows, checked: steps with loops and branches, checks on answers, jobs and how their ends are heard of.

use std::sync::Arc;
use std::time::Duration;

use super::{Part, Request, Template, TraceUse};

/// What one pass of a user does.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Name.
    pub name: String,
    /// The system it drives.
    pub system: String,
    /// In order.
    pub steps: Vec<Step>,
    /// What its steps, those of loops and branches too, take from a recorded trace; where they take anything, only
    /// replays start it.
    pub trace_uses: Vec<TraceUse>,
}

/// One step of a flow.
#[derive(Debug, Clone)]
pub enum Step {
    /// Send a request and read its answer.
    Request(Box<Request>),
    /// Follow a job until it ends; shared with every entry of the ledger.
    Job(Arc<Job>),
    /// Wait.
    Think {
        /// Shortest wait.
        from: Duration,
        /// Longest wait.
        to: Duration,
    },
    /// Walk the same steps several times.
    Loop {
        /// How many times, at least 1.
        times: u32,
        /// In order.
        steps: Vec<Step>,
    },
    /// Walk one of several branches, drawn by weight; never empty.
    Choose(Vec<Branch>),
}

/// One of several ways a pass may go.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Its share against the others, at least 1.
    pub weight: u32,
    /// In order; may be empty.
    pub steps: Vec<Step>,
}

/// A boolean on one answer: counted, never ends a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its words as written, unique in its request: `json /state equals done`.
    pub name: String,
    /// What must hold.
    pub test: CheckTest,
}

/// What must hold of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckTest {
    /// The status is one of these.
    Status(Vec<u16>),
    /// The length of the body lies between these, both included.
    Bytes {
        /// Fewest bytes.
        min: u64,
        /// Most bytes.
        max: u64,
    },
    /// The text at a place is as wanted.
    Text(Place, TextTest),
}

/// Where a text is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// JSON pointer (RFC 6901) into the body: of a string its characters, else its JSON.
    Json(String),
    /// A response header, lower case.
    Header(String),
    /// The whole body as text.
    Body,
}

/// What a text must be. What is not there equals, contains and matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// Exactly this.
    Equals(Template),
    /// This is somewhere in it.
    Contains(Template),
    /// This regular expression matches somewhere in it.
    Matches(String),
    /// Anything is there, or nothing is.
    Exists(bool),
}

/// A job: submitted, followed, entered in the ledger.
#[derive(Debug, Clone)]
pub struct Job {
    /// What identifies it.
    pub id: Template,
    /// The token source of the submitting request.
    pub auth: Option<String>,
    /// How its end is heard of.
    pub follow: Follow,
    /// From submission to giving up.
    pub timeout: Duration,
    /// Where its state is asked for: by polling, and in the last look at what is still open. A job without it cannot
    /// be asked after, so it stays unsettled when its end was not heard of.
    pub path: Option<Template>,
    /// When it has succeeded.
    pub done: StateRule,
    /// When it has failed.
    pub failed: Option<StateRule>,
}

/// How the end of a job is heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    /// It is asked for again and again.
    Poll {
        /// Pause between polls.
        every: Duration,
    },
    /// It is delivered to `{{webhook}}`.
    Webhook {
        /// JSON pointer (RFC 6901) to the job's id in what is delivered.
        id: String,
    },
    /// It is read from a WebSocket.
    Websocket {
        /// Path, or a whole URL.
        path: Template,
    },
}

/// A place in a JSON answer and the words that count there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRule {
    /// JSON pointer (RFC 6901).
    pub json: String,
    /// Any of these.
    pub any_of: Vec<String>,
}

impl Flow {
    /// Whether any step follows a job.
    pub fn holds_job(&self) -> bool {
        self.jobs().next().is_some()
    }

    /// Its requests in the order of the file, those of loops and branches too, each once.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        all_steps(&self.steps).filter_map(|step| match step {
            Step::Request(request) => Some(&**request),
            _ => None,
        })
    }

    /// Its jobs in the order of the file, each once.
    pub fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> {
        all_steps(&self.steps).filter_map(|step| match step {
            Step::Job(job) => Some(job),
            _ => None,
        })
    }

    /// The names of its requests, in order.
    pub fn request_names(&self) -> impl Iterator<Item = &str> {
        self.requests().map(|request| request.name.as_str())
    }

    /// Most requests that one pass sends, whichever branches it takes.
    pub fn requests_per_pass_max(&self) -> u64 {
        most_per_walk(&self.steps, |step| matches!(step, Step::Request(_)))
    }

    /// How many times one pass sends a request of this name, or follows a job where the name is the flow's own; on
    /// average over the branches it may take.
    pub fn times_per_pass(&self, name: &str) -> f64 {
        let counts = |step: &Step| match step {
            Step::Request(request) => request.name == name,
            Step::Job(_) => self.name == name,
            _ => false,
        };
        times_per_walk(&self.steps, &counts)
    }
}

/// Gives each request its index, in the order of [`Flow::requests`] of one flow after the other.
pub(super) fn number_requests(flows: &mut [Flow]) {
    let mut next = 0;
    for flow in flows {
        number_steps(&mut flow.steps, &mut next);
    }
}

fn number_steps(steps: &mut [Step], next: &mut usize) {
    for step in steps {
        match step {
            Step::Request(request) => {
                request.index = *next;
                *next += 1;
            }
            Step::Loop { steps, .. } => number_steps(steps, next),
            Step::Choose(branches) => branches.iter_mut().for_each(|branch| number_steps(&mut branch.steps, next)),
            Step::Job(_) | Step::Think { .. } => {}
        }
    }
}

/// All steps below `steps`, themselves too, in the order of the file.
fn all_steps(steps: &[Step]) -> Box<dyn Iterator<Item = &Step> + '_> {
    Box::new(steps.iter().flat_map(|step| {
        let below: Box<dyn Iterator<Item = &Step> + '_> = match step {
            Step::Loop { steps, .. } => all_steps(steps),
            Step::Choose(branches) => Box::new(branches.iter().flat_map(|branch| all_steps(&branch.steps))),
            Step::Request(_) | Step::Job(_) | Step::Think { .. } => Box::new(std::iter::empty()),
        };
        std::iter::once(step).chain(below)
    }))
}

/// Whether one walk meets the same job id twice, so that the ledger would call it given twice. `seen` holds the ids so
/// far; one whose value is extracted anew is another id.
pub(super) fn repeats_job(steps: &[Step], seen: &mut Vec<Template>) -> bool {
    steps.iter().any(|step| match step {
        Step::Think { .. } => false,
        Step::Request(request) => {
            let anew =
                |part: &Part| matches!(part, Part::Value(name) if request.extract.iter().any(|(new, _)| new == name));
            seen.retain(|id| !id.0.iter().any(anew));
            false
        }
        Step::Job(job) => {
            let again = seen.contains(&job.id);
            seen.push(job.id.clone());
            again
        }
        // What the second round does, all later ones do.
        Step::Loop { times, steps } => (0..*times.min(&2)).any(|_| repeats_job(steps, seen)),
        Step::Choose(branches) => {
            let before = std::mem::take(seen);
            branches.iter().any(|branch| {
                let mut of_branch = before.clone();
                let again = repeats_job(&branch.steps, &mut of_branch);
                seen.extend(of_branch);
                again
            })
        }
    })
}

/// Most steps that one walk may take, loops and choices counted as steps too.
pub(super) fn steps_walked_max(steps: &[Step]) -> u64 {
    most_per_walk(steps, |_| true)
}

/// Most steps that one walk may take, of those that count.
fn most_per_walk(steps: &[Step], counts: fn(&Step) -> bool) -> u64 {
    let below = |step: &Step| match step {
        Step::Loop { times, steps } => u64::from(*times).saturating_mul(most_per_walk(steps, counts)),
        Step::Choose(branches) => branches.iter().map(|branch| most_per_walk(&branch.steps, counts)).max().unwrap_or(0),
        Step::Request(_) | Step::Job(_) | Step::Think { .. } => 0,
    };
    let of_step = |step: &Step| below(step).saturating_add(u64::from(counts(step)));
    steps.iter().map(of_step).fold(0, u64::saturating_add)
}

fn times_per_walk(steps: &[Step], counts: &dyn Fn(&Step) -> bool) -> f64 {
    let of_step = |step: &Step| match step {
        Step::Loop { times, steps } => f64::from(*times) * times_per_walk(steps, counts),
        Step::Choose(branches) => {
            let total: f64 = branches.iter().map(|branch| f64::from(branch.weight)).sum();
            let weighted = |branch: &Branch| f64::from(branch.weight) * times_per_walk(&branch.steps, counts);
            branches.iter().map(weighted).sum::<f64>() / total
        }
        leaf => f64::from(u8::from(counts(leaf))),
    };
    steps.iter().map(of_step).sum()
}
