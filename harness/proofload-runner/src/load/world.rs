//! What all passes on the generator thread share. Single-threaded, so plain cells.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use proofload_core::environment::Pacing;
use proofload_core::scenario::{Request, Scenario};
use proofload_core::trace::Traces;
use tokio::sync::Semaphore;

use super::book::JobBook;
use super::broken::Broken;
use super::checks::{CheckTotals, Tally};
use super::data::LoadedData;
use super::grpc::{self, Methods};
use super::payload::LoadedPayload;
use super::pool::Pool;
use super::recorder::{Recorder, Sample, SampleOutcome, Timed};
use super::script::{Script, system_of};
use super::shard::Teller;
use super::target::Target;
use super::webhook::Webhooks;
use crate::clock::RunClock;

/// How a system is reached.
#[derive(Debug, Clone)]
pub(crate) struct SystemAccess {
    /// Its name.
    pub(crate) name: String,
    /// Where its requests go.
    pub(crate) target: Target,
    /// Where its gRPC calls go, over HTTP/2.
    pub(crate) grpc: Target,
    /// `Authorization` values by token source.
    pub(crate) tokens: HashMap<String, HeaderValue>,
}

impl SystemAccess {
    /// Where a request goes.
    pub(super) fn target_for(&self, request: &Request) -> &Target {
        if grpc::call_of(request).is_some() { &self.grpc } else { &self.target }
    }

    /// Every place that is driven, each once.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        let grpc = Some(&self.grpc).filter(|grpc| grpc.address() != self.target.address());
        std::iter::once(&self.target).chain(grpc)
    }
}

/// A system as the generator thread sees it.
pub(super) struct SystemPools {
    /// Connections for the load.
    pub(super) load: Pool,
    /// Connections for gRPC calls.
    pub(super) grpc: Pool,
    /// Connections for polling jobs, apart so that polls never stand in the way of the load.
    pub(super) poll: Pool,
    pub(super) tokens: HashMap<String, HeaderValue>,
}

/// Everything the passes share.
pub(super) struct World {
    pub(super) clock: RunClock,
    pub(super) pacing: Pacing,
    /// What never changes.
    pub(super) script: Script,
    /// One per flow.
    pub(super) systems: Vec<Rc<SystemPools>>,
    /// One per workload: how many requests may be on the wire.
    pub(super) limiters: Vec<Semaphore>,
    pub(super) checks: RefCell<Tally>,
    pub(super) webhooks: Webhooks,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) jobs: RefCell<JobBook>,
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
    pub(crate) methods: Methods,
    pub(crate) timed: Vec<Timed>,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    pub(crate) pacing: Pacing,
}

impl World {
    /// Puts the world together; fails with a sentence where a regular expression is wrong or a webhook has no port.
    pub(super) fn new(parts: WorldParts, events: Teller) -> Result<Self, String> {
        let (clock, pacing, timed, tls) = (parts.clock, parts.pacing, parts.timed.clone(), parts.tls.clone());
        let systems = pools_of_flows(&parts.scenario, parts.systems.clone(), tls.as_ref(), clock)?;
        let address_of = |flow: usize| systems[flow].load.target().address;
        let (webhooks, addresses) = Webhooks::open(&parts.scenario, parts.run_id.clone(), address_of)?;
        let script = Script::new(parts, addresses)?;
        let scenario = &script.scenario;
        Ok(Self {
            clock,
            pacing,
            systems,
            limiters: scenario.workloads.iter().map(|load| Semaphore::new(load.max_in_flight as usize)).collect(),
            checks: RefCell::new(Tally::new(scenario, |request| script.prepared(request).step)),
            webhooks,
            tls,
            recorder: RefCell::new(Recorder::new(timed).watching(scenario)),
            jobs: RefCell::default(),
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
            events,
            script,
        })
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
        self.checks.borrow().named(&self.script.scenario, |request| self.script.prepared(request).step)
    }

    pub(super) fn error_classes(&self) -> BTreeMap<usize, BTreeMap<String, u64>> {
        self.error_classes.borrow().clone()
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

/// The connections of each flow's system; flows of one system share them.
fn pools_of_flows(
    scenario: &Scenario,
    systems: Vec<SystemAccess>,
    tls: Option<&Arc<rustls::ClientConfig>>,
    clock: RunClock,
) -> Result<Vec<Rc<SystemPools>>, String> {
    let of_flows = scenario.flows.iter().map(|flow| system_of(flow, &systems).map(|system| system.name.clone()));
    let of_flows = of_flows.collect::<Result<Vec<_>, _>>()?;
    let pools: HashMap<String, Rc<SystemPools>> =
        systems.into_iter().map(|system| (system.name.clone(), Rc::new(pools(system, tls, clock)))).collect();
    Ok(of_flows.iter().map(|system| Rc::clone(&pools[system])).collect())
}

fn pools(system: SystemAccess, tls: Option<&Arc<rustls::ClientConfig>>, clock: RunClock) -> SystemPools {
    let target = Rc::new(system.target);
    SystemPools {
        load: Pool::new(Rc::clone(&target), tls, clock),
        grpc: Pool::new(Rc::new(system.grpc), tls, clock),
        poll: Pool::new(target, tls, clock),
        tokens: system.tokens,
    }
}
