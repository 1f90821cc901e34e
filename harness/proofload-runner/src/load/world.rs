//! What all passes on the generator thread share. Single-threaded, so plain cells.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use proofload_core::evidence::StepKind;
use proofload_core::payload::Use;
use proofload_core::scenario::{CheckTest, Extract, Flow, Request, Scenario, TextTest};
use proofload_core::trace::{TraceEntry, Traces};
use regex::Regex;
use tokio::sync::Semaphore;

use super::book::JobBook;
use super::broken::Broken;
use super::checks::{CheckTotals, Tally};
use super::data::LoadedData;
use super::flow::Pass;
use super::payload::{LoadedPayload, PayloadFile};
use super::pool::Pool;
use super::recorder::{Recorder, Sample, SampleOutcome, Timed};
use super::request::Prepared;
use super::shard::Teller;
use super::target::Target;
use super::values::Values;
use super::webhook::Webhooks;
use crate::clock::RunClock;

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
    payloads: HashMap<String, LoadedPayload>,
    traces: Traces,
    /// One per workload: how many requests may be on the wire.
    pub(super) limiters: Vec<Semaphore>,
    /// By [`Request::index`].
    prepared: Vec<Prepared>,
    /// Indices of timed jobs, by flow.
    job_steps: HashMap<String, usize>,
    pub(super) regexes: HashMap<String, Regex>,
    pub(super) data: Vec<LoadedData>,
    pub(super) checks: RefCell<Tally>,
    pub(super) webhooks: Webhooks,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) jobs: RefCell<JobBook>,
    known: RefCell<HashMap<String, VecDeque<String>>>,
    error_classes: RefCell<BTreeMap<usize, BTreeMap<String, u64>>>,
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
    pub(super) events: Teller,
}

/// What the world is made of.
#[derive(Clone)]
pub(crate) struct WorldParts {
    pub(crate) clock: RunClock,
    pub(crate) scenario: Scenario,
    pub(crate) seed: u64,
    pub(crate) run_id: String,
    pub(crate) systems: Vec<SystemAccess>,
    pub(crate) payloads: Vec<LoadedPayload>,
    pub(crate) traces: Traces,
    pub(crate) data: Vec<LoadedData>,
    pub(crate) timed: Vec<Timed>,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
}

impl World {
    /// Puts the world together; fails with a sentence where a regular expression is wrong or a webhook has no port.
    pub(super) fn new(parts: WorldParts, events: Teller) -> Result<Self, String> {
        let WorldParts { clock, scenario, seed, run_id, systems, payloads, traces, data, timed, tls } = parts;
        let pools: HashMap<String, Rc<SystemPools>> = systems
            .into_iter()
            .map(|system| (system.name.clone(), Rc::new(pools(system, tls.as_ref(), clock))))
            .collect();
        let of_flow = |system: &String| {
            pools.get(system).cloned().ok_or_else(|| format!("the environment has no system `{system}`"))
        };
        let systems = scenario.flows.iter().map(|flow| of_flow(&flow.system)).collect::<Result<Vec<_>, _>>()?;
        let prepared = prepare(&scenario, &systems, &timed, &run_id)?;
        let webhooks = Webhooks::open(&scenario, run_id.clone(), |flow| systems[flow].load.target().address)?;
        Ok(Self {
            clock,
            seed,
            systems,
            payloads: payloads.into_iter().map(|loaded| (loaded.set.name.clone(), loaded)).collect(),
            traces,
            limiters: scenario.workloads.iter().map(|load| Semaphore::new(load.max_in_flight as usize)).collect(),
            checks: RefCell::new(Tally::new(&scenario, |request| prepared[request.index].step)),
            prepared,
            job_steps: steps_of(&timed, StepKind::Job).map(|(name, step)| (name.to_owned(), step)).collect(),
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

    /// What the next use of a payload set in a pass takes.
    pub(super) fn next_file(&self, pass: Pass, payload: &str, values: &Values) -> Option<PayloadFile> {
        let number = values.next_use();
        let of = Use { workload: pass.workload, iteration: pass.iteration, number, entry: self.entry(pass) };
        self.payloads.get(payload)?.take(of, self.seed)
    }

    /// The entry that a pass replays.
    pub(super) fn entry(&self, pass: Pass) -> Option<&TraceEntry> {
        self.traces.get(pass.workload).map(|trace| trace.entry(pass.iteration))
    }

    /// What never changes of a request, and its timed step.
    pub(super) fn prepared(&self, request: &Request) -> &Prepared {
        &self.prepared[request.index]
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
        *self.error_classes.borrow_mut().entry(step).or_default().entry(class).or_default() += 1;
    }

    pub(super) fn check_totals(&self) -> CheckTotals {
        self.checks.borrow().named(&self.scenario, |request| self.prepared(request).step)
    }

    pub(super) fn error_classes(&self) -> BTreeMap<usize, BTreeMap<String, u64>> {
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

/// The names of the timed steps of one kind, each with its index.
fn steps_of(timed: &[Timed], kind: StepKind) -> impl Iterator<Item = (&str, usize)> {
    let steps = timed.iter().enumerate().filter(move |(_, step)| step.kind == kind);
    steps.map(|(index, step)| (step.name.as_str(), index))
}

/// Renders what never changes of every request, in the order of their indices.
fn prepare(
    scenario: &Scenario,
    systems: &[Rc<SystemPools>],
    timed: &[Timed],
    run_id: &str,
) -> Result<Vec<Prepared>, String> {
    let steps: HashMap<&str, usize> = steps_of(timed, StepKind::Request).collect();
    let mut prepared = Vec::new();
    for (flow, system) in scenario.flows.iter().zip(systems) {
        for request in flow.requests() {
            let name = &request.name;
            let step = *steps.get(name.as_str()).ok_or_else(|| format!("request `{name}` is not timed"))?;
            prepared.push(Prepared::new((request, step), system.load.target(), &system.tokens, run_id));
        }
    }
    Ok(prepared)
}

fn pools(system: SystemAccess, tls: Option<&Arc<rustls::ClientConfig>>, clock: RunClock) -> SystemPools {
    let target = Rc::new(system.target);
    SystemPools {
        load: Pool::new(Rc::clone(&target), tls, clock),
        poll: Pool::new(target, tls, clock),
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
