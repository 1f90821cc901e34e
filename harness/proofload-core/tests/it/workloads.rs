//! Scenarios of one workload, their plans, and the trace that they replay.

use std::sync::Arc;

use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::{Format, Trace, Traces};

/// A scenario of one request with the given workload.
pub(crate) fn scenario(workload: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: [{{ request: {{ name: r, path: / }} }}]\nworkloads:\n  w: {{ flow: f, {workload} }}\n"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

/// Its plan; what it replays is [`mooncake`].
pub(crate) fn plan(workload: &str, seed: u64) -> Plan {
    let scenario = scenario(workload);
    let replays = !scenario.trace_files().is_empty();
    let traces = if replays { with_trace(&scenario, &mooncake()) } else { Traces::default() };
    Plan::new(&scenario, &traces, seed).unwrap()
}

/// The trace, for each workload that replays one.
pub(crate) fn with_trace(scenario: &Scenario, trace: &Trace) -> Traces {
    let trace = Arc::new(trace.clone());
    let mut traces = Traces::default();
    scenario.trace_files().iter().for_each(|file| traces.insert(file.workload, Arc::clone(&trace)));
    traces
}

/// The first 200 requests of Mooncake's conversation trace.
pub(crate) fn mooncake() -> Trace {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/traces/mooncake-head.jsonl");
    Trace::parse(Format::Mooncake, "mooncake-head.jsonl", &std::fs::read_to_string(path).unwrap()).unwrap()
}
