//! What all passes on the generator thread share. Single-threaded, so plain cells.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use proofload_core::evidence::StepKind;
use proofload_core::plan::Picker;
use proofload_core::scenario::{CheckTest, Extract, Flow, Request, Scenario, TextTest};
use regex::Regex;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;

use super::book::JobBook;
use super::checks::{CheckTotals, Tally};
use super::connection::{Broken, Pool};
use super::data::LoadedData;
use super::generator::GeneratorEvent;
use super::recorder::{Recorder, Sample, SampleOutcome, Timed};
use super::target::Target;
use super::webhook::Webhooks;
use crate::clock::RunClock;

/// A file that flows send, in memory once.
#[derive(Debug, Clone)]
pub(crate) struct PayloadFile {
    /// File name as sent.
    pub(crate) name: String,
    /// Media type by its name.
    pub(crate) content_type: &'static str,
    /// Its bytes.
    pub(crate) bytes: Bytes,
}

/// The files of one payload set.
#[derive(Debug, Clone)]
pub(crate) struct LoadedPayload {
    /// Name in templates.
    pub(crate) name: String,
    /// Its files; never empty.
    pub(crate) files: Vec<PayloadFile>,
    /// Which one each use takes.
    pub(crate) picker: Picker,
}

/// How a system is reached.
#[derive(Debug, Clone)]
pub(crate) struct SystemAccess {
    /// Its name.
    pub(crate) name: String,
    /// Where its requests go.
    pub(crate) target: Target,
    /// `Authorization` values by token source.
    pub(crate) tokens: HashMap<String, HeaderValue>,
}

/// A system as the generator thread sees it.
pub(super) struct SystemPools {
    /// Connections for the load.
    pub(super) load: Pool,
    /// Connections for polling jobs, apart so that polls never stand in the way of the load.
    pub(super) poll: Pool,
    pub(super) tokens: HashMap<String, HeaderValue>,
}

/// Most values of one name that later passes may pick from.
const KNOWN_MAX: usize = 10_000;

/// Everything the passes share.
pub(super) struct World {
    pub(super) clock: RunClock,
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    /// One per flow.
    pub(super) systems: Vec<Rc<SystemPools>>,
    payloads: HashMap<String, (LoadedPayload, Cell<u64>)>,
    /// One per workload: how many requests may be on the wire.
    pub(super) limiters: Vec<Semaphore>,
    /// Indices of timed steps: requests by name, jobs by flow.
    request_steps: HashMap<String, usize>,
    job_steps: HashMap<String, usize>,
    pub(super) regexes: HashMap<String, Regex>,
    pub(super) data: Vec<LoadedData>,
    pub(super) checks: RefCell<Tally>,
    pub(super) webhooks: Webhooks,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) jobs: RefCell<JobBook>,
    known: RefCell<HashMap<String, VecDeque<String>>>,
    error_classes: RefCell<BTreeMap<(usize, String), u64>>,
    pub(super) in_flight: Cell<u64>,
    pub(super) waiting: Cell<u64>,
    pub(super) passes: Cell<u64>,
    pub(super) due: Cell<u64>,
    pub(super) dispatched: Cell<u64>,
    pub(super) polls: Cell<u64>,
    pub(super) poll_failures: Cell<u64>,
    /// Nothing new is sent.
    pub(super) stopping: Cell<bool>,
    /// Jobs are no longer followed; only the last look asks for them.
    pub(super) finishing: Cell<bool>,
    /// Connections that this machine could not open.
    pub(super) local_failures: Cell<u64>,
    /// The run's id, for `{{run}}`.
    pub(super) run_id: String,
    pub(super) events: UnboundedSender<GeneratorEvent>,
}

/// What the world is made of.
pub(crate) struct WorldParts {
    pub(crate) clock: RunClock,
    pub(crate) scenario: Scenario,
    pub(crate) seed: u64,
    pub(crate) run_id: String,
    pub(crate) systems: Vec<SystemAccess>,
    pub(crate) payloads: Vec<LoadedPayload>,
    pub(crate) data: Vec<LoadedData>,
    pub(crate) timed: Vec<Timed>,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
}

impl World {
    /// Puts the world together; fails with a sentence where a regular expression is wrong or a webhook has no port.
    pub(super) fn new(parts: WorldParts, events: UnboundedSender<GeneratorEvent>) -> Result<Self, String> {
        let WorldParts { clock, scenario, seed, run_id, systems, payloads, data, timed, tls } = parts;
        let pools: HashMap<String, Rc<SystemPools>> =
            systems.into_iter().map(|system| (system.name.clone(), Rc::new(pools(system, tls.as_ref())))).collect();
        let of_flow = |system: &String| {
            pools.get(system).cloned().ok_or_else(|| format!("the environment has no system `{system}`"))
        };
        let systems: Vec<Rc<SystemPools>> =
            scenario.flows.iter().map(|flow| of_flow(&flow.system)).collect::<Result<_, _>>()?;
        let webhooks = Webhooks::open(&scenario, run_id.clone(), |flow| systems[flow].load.target().address)?;
        let index_of = |kind: StepKind| {
            let named = timed.iter().enumerate().filter(move |(_, step)| step.kind == kind);
            named.map(|(index, step)| (step.name.clone(), index)).collect()
        };
        let request_steps: HashMap<String, usize> = index_of(StepKind::Request);
        Ok(Self {
            clock,
            seed,
            systems,
            payloads: payloads.into_iter().map(|set| (set.name.clone(), (set, Cell::new(0)))).collect(),
            limiters: scenario.workloads.iter().map(|load| Semaphore::new(load.max_in_flight as usize)).collect(),
            checks: RefCell::new(Tally::new(&scenario, |name| request_steps[name])),
            request_steps,
            job_steps: index_of(StepKind::Job),
            regexes: compile(&scenario)?,
            data,
            webhooks,
            tls,
            recorder: RefCell::new(Recorder::new(timed)),
            jobs: RefCell::default(),
            known: RefCell::default(),
            error_classes: RefCell::default(),
            in_flight: Cell::new(0),
            waiting: Cell::new(0),
            passes: Cell::new(0),
            due: Cell::new(0),
            dispatched: Cell::new(0),
            polls: Cell::new(0),
            poll_failures: Cell::new(0),
            stopping: Cell::new(false),
            finishing: Cell::new(false),
            local_failures: Cell::new(0),
            run_id,
            events,
            scenario,
        })
    }

    /// The file that the next use of a payload set takes.
    pub(super) fn next_file(&self, payload: &str) -> Option<&PayloadFile> {
        let (set, used) = self.payloads.get(payload)?;
        let number = used.get();
        used.set(number + 1);
        set.files.get(set.picker.pick(number))
    }

    pub(super) fn request_step(&self, name: &str) -> usize {
        self.request_steps[name]
    }

    pub(super) fn job_step(&self, flow: &str) -> usize {
        self.job_steps[flow]
    }

    /// Ends a timed step and notes what went wrong, if anything did.
    pub(super) fn end(&self, step: usize, sample: &Sample, class: Option<String>) {
        self.recorder.borrow_mut().end(step, sample);
        if sample.outcome == SampleOutcome::Broken(Broken::Local) {
            self.local_failures.set(self.local_failures.get() + 1);
        }
        if let Some(class) = class {
            self.note_class(step, class);
        }
    }

    /// Notes something that went wrong at a step.
    pub(super) fn note_class(&self, step: usize, class: String) {
        *self.error_classes.borrow_mut().entry((step, class)).or_default() += 1;
    }

    pub(super) fn check_totals(&self) -> CheckTotals {
        self.checks.borrow().named(&self.scenario, |name| self.request_step(name))
    }

    pub(super) fn error_classes(&self) -> BTreeMap<(usize, String), u64> {
        self.error_classes.borrow().clone()
    }

    /// Keeps a value that other passes may use as `{{known name}}`.
    pub(super) fn learn(&self, name: &str, value: &str) {
        let mut known = self.known.borrow_mut();
        let values = known.entry(name.to_owned()).or_default();
        if values.len() == KNOWN_MAX {
            values.pop_front();
        }
        values.push_back(value.to_owned());
    }

    /// A value that some pass extracted, picked evenly.
    pub(super) fn known(&self, name: &str, number: u64) -> Option<String> {
        let known = self.known.borrow();
        let values = known.get(name).filter(|values| !values.is_empty())?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 10,000 values"
        )]
        let index = (proofload_core::plan::draw(self.seed, number) * values.len() as f64) as usize;
        values.get(index.min(values.len() - 1)).cloned()
    }
}

/// Adds one to a counter while it lives.
pub(super) struct Counted<'c>(&'c Cell<u64>);

impl<'c> Counted<'c> {
    pub(super) fn new(counter: &'c Cell<u64>) -> Self {
        counter.set(counter.get() + 1);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn pools(system: SystemAccess, tls: Option<&Arc<rustls::ClientConfig>>) -> SystemPools {
    let target = Rc::new(system.target);
    SystemPools {
        load: Pool::new(Rc::clone(&target), tls.cloned()),
        poll: Pool::new(target, tls.cloned()),
        tokens: system.tokens,
    }
}

/// Reads every regular expression of a scenario; fails with a sentence where one is wrong.
pub(crate) fn compile(scenario: &Scenario) -> Result<HashMap<String, Regex>, String> {
    let mut regexes = HashMap::new();
    let read = |request: &Request, pattern: &str| {
        Regex::new(pattern).map_err(|error| {
            format!("request `{}` has a regular expression that cannot be read: {error}", request.name)
        })
    };
    for request in scenario.flows.iter().flat_map(Flow::requests) {
        for (_, extract) in &request.extract {
            let Extract::Regex(pattern) = extract else { continue };
            let regex = read(request, pattern)?;
            if regex.captures_len() < 2 {
                return Err(format!("request `{}`: `{pattern}` has no group to take", request.name));
            }
            regexes.insert(pattern.clone(), regex);
        }
        for check in &request.checks {
            let CheckTest::Text(_, TextTest::Matches(pattern)) = &check.test else { continue };
            regexes.insert(pattern.clone(), read(request, pattern)?);
        }
    }
    Ok(regexes)
}
