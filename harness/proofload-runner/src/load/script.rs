//! What never changes during a run: what passes send, what they need to know for it, and what a right answer is. It can
//! be shared between threads, and a plain request takes no lock in it.

use std::collections::HashMap;

use proofload_core::evidence::StepKind;
use proofload_core::payload::Use;
use proofload_core::scenario::{CheckTest, Extract, Flow, Request, Scenario, TextTest};
use proofload_core::trace::{TraceEntry, Traces};
use regex::Regex;

use super::data::LoadedData;
use super::exchange::Answer;
use super::flow::Pass;
use super::grpc::{self, Methods};
use super::known::Known;
use super::payload::{LoadedPayload, PayloadFile};
use super::recorder::Timed;
use super::request::Prepared;
use super::target::Target;
use super::values::Values;
use super::webhook::Addresses;
use super::world::{SystemAccess, WorldParts};

/// What every pass reads and none changes.
pub(super) struct Script {
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    /// The run's id, for `{{run}}`.
    pub(super) run_id: String,
    pub(super) data: Vec<LoadedData>,
    pub(super) regexes: HashMap<String, Regex>,
    /// Where the webhooks of a flow arrive.
    pub(super) webhooks: Addresses,
    /// What passes extracted for others: the one thing here that grows.
    pub(super) known: Known,
    payloads: HashMap<String, LoadedPayload>,
    traces: Traces,
    /// One per flow.
    systems: Vec<SystemAccess>,
    /// By [`Request::index`].
    prepared: Vec<Prepared>,
    /// Indices of timed jobs, by flow.
    job_steps: HashMap<String, usize>,
}

impl Script {
    /// Prepares all that can be before the first pass.
    ///
    /// # Errors
    /// A sentence, where a regular expression is wrong, or a system or a step is not there.
    pub(super) fn new(parts: WorldParts, webhooks: Addresses) -> Result<Self, String> {
        let WorldParts { scenario, seed, run_id, systems, payloads, traces, data, timed, methods, .. } = parts;
        let of_flows = scenario.flows.iter().map(|flow| system_of(flow, &systems)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            prepared: prepare((&scenario, &of_flows), &timed, &methods, &run_id)?,
            systems: of_flows.into_iter().cloned().collect(),
            job_steps: steps_of(&timed, StepKind::Job).map(|(name, step)| (name.to_owned(), step)).collect(),
            regexes: compile(&scenario)?,
            known: Known::new(&scenario.known),
            payloads: payloads.into_iter().map(|loaded| (loaded.set.name.clone(), loaded)).collect(),
            scenario,
            seed,
            run_id,
            data,
            webhooks,
            traces,
        })
    }

    /// What a workload is called.
    pub(super) fn workload_name(&self, workload: usize) -> String {
        self.scenario.workloads[workload].name.clone()
    }

    /// The index of the flow that a pass walks.
    pub(super) fn flow_index(&self, pass: Pass) -> usize {
        self.scenario.workloads[pass.workload].flow
    }

    /// The flow that a pass walks.
    pub(super) fn flow(&self, pass: Pass) -> &Flow {
        &self.scenario.flows[self.flow_index(pass)]
    }

    /// Where a pass goes, but for its gRPC calls.
    #[cfg(feature = "goose")]
    pub(super) fn target(&self, pass: Pass) -> &Target {
        &self.systems[self.flow_index(pass)].target
    }

    /// Where a request of a pass goes.
    pub(super) fn target_for(&self, pass: Pass, request: &Request) -> &Target {
        self.systems[self.flow_index(pass)].target_for(request)
    }

    /// Makes the message of a gRPC call's answer readable: JSON in place of its frame if anything reads it, nothing where
    /// it is no message.
    pub(super) fn open(&self, request: &Request, answer: &mut Answer) {
        if grpc::call_of(request).is_some() {
            answer.body = self.prepared(request).opened(&answer.body).unwrap_or_default();
        }
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
}

/// The system that a flow drives.
pub(super) fn system_of<'s>(flow: &Flow, systems: &'s [SystemAccess]) -> Result<&'s SystemAccess, String> {
    let system = systems.iter().find(|system| system.name == flow.system);
    system.ok_or_else(|| format!("the environment has no system `{}`", flow.system))
}

/// The names of the timed steps of one kind, each with its index.
fn steps_of(timed: &[Timed], kind: StepKind) -> impl Iterator<Item = (&str, usize)> {
    let steps = timed.iter().enumerate().filter(move |(_, step)| step.kind == kind);
    steps.map(|(index, step)| (step.name.as_str(), index))
}

/// Renders what never changes of every request, in the order of their indices; `systems` has one per flow.
fn prepare(
    (scenario, systems): (&Scenario, &[&SystemAccess]),
    timed: &[Timed],
    methods: &Methods,
    run_id: &str,
) -> Result<Vec<Prepared>, String> {
    let steps: HashMap<&str, usize> = steps_of(timed, StepKind::Request).collect();
    let mut prepared = Vec::new();
    for (flow, system) in scenario.flows.iter().zip(systems) {
        for request in flow.requests() {
            let name = &request.name;
            let step = *steps.get(name.as_str()).ok_or_else(|| format!("request `{name}` is not timed"))?;
            let place = (system.target_for(request), &system.tokens);
            prepared.push(Prepared::new((request, step), place, methods, run_id));
        }
    }
    Ok(prepared)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Script>();
    }
}
