//! From what was written to what is meant: names resolve, words fit their executor, and every mistake is told at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::check_conformance::check_conformance;
use super::check_engine::check_alone;
use super::check_flow::check_flow;
use super::check_payload::check_payload;
use super::check_scaling::check_scaling;
use super::check_slo::check_slo;
use super::check_workload::check_workload;
use super::flow::number_requests;
use super::written::{WrittenScenario, WrittenStep};
use super::written_flow::{WrittenData, WrittenDataPick};
use super::{DataPick, DataSet, Flow, PayloadSet, Regression, Scenario, Workload};
use crate::source::{At, Reporter, suggest};
use crate::{API_VERSION, Problems};

/// Longest time jobs may still finish after the last arrival, unless given.
const DEFAULT_DRAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// How much worse than the accepted runs a run may be, unless given.
const DEFAULT_TOLERANCE: f64 = 0.05;

/// The names that rules may refer to.
pub(super) struct Names<'a> {
    pub(super) payloads: Vec<&'a str>,
    /// Payload sets that only a replay can use.
    pub(super) recorded: Vec<&'a str>,
    pub(super) data: Vec<&'a str>,
    /// Columns of data sets that templates use; found while flows are checked.
    pub(super) columns: RefCell<BTreeSet<(String, String)>>,
    /// Names of `{{known NAME}}` that templates use, where they are first used; found while flows are checked.
    pub(super) known: RefCell<BTreeMap<String, At<String>>>,
    pub(super) flows: &'a [Flow],
    pub(super) workloads: &'a [Workload],
}

impl Names<'_> {
    /// The names of all request steps.
    pub(super) fn steps(&self) -> Vec<&str> {
        self.flows.iter().flat_map(Flow::request_names).collect()
    }

    /// The names of the request steps that have checks.
    pub(super) fn checked_steps(&self) -> Vec<&str> {
        let requests = self.flows.iter().flat_map(Flow::requests);
        requests.filter(|request| !request.checks.is_empty()).map(|request| request.name.as_str()).collect()
    }

    /// The flows that hold a job.
    pub(super) fn job_flows(&self) -> Vec<&str> {
        self.flows.iter().filter(|flow| flow.holds_job()).map(|flow| flow.name.as_str()).collect()
    }
}

pub(super) fn check(file: &str, written: WrittenScenario) -> Result<Scenario, Problems> {
    let mut report = Reporter::new(file);
    check_head(&written.api_version, &written.kind, "Scenario", &mut report);
    check_name(&written.name, &mut report);
    let payloads: Vec<PayloadSet> =
        written.payloads.iter().filter_map(|(name, payload)| check_payload(name, payload, &mut report)).collect();
    let mut names = Names {
        payloads: written.payloads.keys().map(String::as_str).collect(),
        recorded: payloads.iter().filter(|set| set.needs_trace()).map(|set| set.name.as_str()).collect(),
        data: written.data.keys().map(String::as_str).collect(),
        columns: RefCell::default(),
        known: RefCell::default(),
        flows: &[],
        workloads: &[],
    };
    let mut flows: Vec<Flow> = written
        .flows
        .iter()
        .filter_map(|(name, flow)| check_flow(name, flow, written.system.as_ref(), &names, &mut report))
        .collect();
    check_unique_steps(&written, &mut report);
    if flows.len() < written.flows.len() {
        return report.finish(None);
    }
    names.flows = &flows;
    check_known(&names, &mut report);
    let workloads: Vec<Workload> = written
        .workloads
        .iter()
        .filter_map(|(name, workload)| check_workload(name, workload, &names, &mut report))
        .collect();
    if workloads.len() < written.workloads.len() {
        return report.finish(None);
    }
    if workloads.is_empty() {
        report.add(&written.name, "the scenario has no workload, so nothing would be sent", None);
    }
    check_alone(&written, &workloads, &mut report);
    names.workloads = &workloads;
    let slos = written.slos.iter().filter_map(|slo| check_slo(slo, &names, &mut report)).collect();
    let scaling = written.scaling.iter().filter_map(|clause| check_scaling(clause, &names, &mut report)).collect();
    let conformance = check_conformance(&written.conformance, names.flows, &mut report);
    let (columns, known) = (names.columns.take(), names.known.take().into_keys().collect());
    let data = written.data.iter().map(|(name, data)| check_data(name, data, &columns, &mut report)).collect();
    number_requests(&mut flows);
    let scenario = Scenario {
        name: written.name.value,
        description: written.description.unwrap_or_default(),
        payloads,
        data,
        known,
        slos,
        scaling,
        conformance,
        regression: Regression { tolerance: written.regression.map_or(DEFAULT_TOLERANCE, |it| it.tolerance.value.0) },
        drain: written.drain.map_or(DEFAULT_DRAIN, |span| span.0),
        flows,
        workloads,
    };
    report.finish(Some(scenario))
}

/// A `{{known NAME}}` is a value that some pass extracts.
fn check_known(names: &Names<'_>, report: &mut Reporter<'_>) {
    let requests = || names.flows.iter().flat_map(Flow::requests);
    let extracted = || requests().flat_map(|request| &request.extract).map(|(name, _)| name.as_str());
    for used in names.known.borrow().values().filter(|used| extracted().all(|name| name != used.value)) {
        unknown(used, "value that a flow extracts called", extracted(), report);
    }
}

/// Both kinds of file begin with the same two lines.
pub(crate) fn check_head(version: &At<String>, kind: &At<String>, expected: &str, report: &mut Reporter<'_>) {
    if version.value != API_VERSION {
        let message = format!("apiVersion is `{}`, and this proofload reads {API_VERSION}", version.value);
        report.add(version, message, Some(format!("write {API_VERSION}")));
    }
    if kind.value != expected {
        report.add(kind, format!("kind is `{}`, and here it must be {expected}", kind.value), None);
    }
}

/// A name becomes a folder and a label, so it is kept plain.
pub(crate) fn check_name(name: &At<String>, report: &mut Reporter<'_>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if name.value.is_empty() || name.value.len() > 100 || !name.value.chars().all(plain) {
        let help = "use letters, digits, `-`, `.` and `_`".to_owned();
        report.add(name, format!("`{}` cannot be a name", name.value), Some(help));
    }
}

fn check_data(
    name: &str,
    written: &At<WrittenData>,
    columns: &BTreeSet<(String, String)>,
    report: &mut Reporter<'_>,
) -> DataSet {
    let columns = columns.iter().filter(|(set, _)| set == name).map(|(_, column)| column.clone()).collect::<Vec<_>>();
    if columns.is_empty() {
        let help = format!("write {{{{data {name}.COLUMN}}}} in a flow, or leave the set out");
        report.add(written, format!("no flow uses the data set `{name}`"), Some(help));
    }
    let pick = match written.value.pick {
        None | Some(WrittenDataPick::Cycle) => DataPick::Cycle,
        Some(WrittenDataPick::Uniform) => DataPick::Uniform,
    };
    DataSet { name: name.to_owned(), file: written.value.file.value.clone(), pick, columns }
}

fn check_unique_steps(written: &WrittenScenario, report: &mut Reporter<'_>) {
    let mut seen: Vec<&str> = Vec::new();
    for name in written.flows.values().flat_map(|flow| request_names(&flow.value.steps)) {
        if seen.contains(&name.value.as_str()) {
            let help = "SLOs find steps by name; give it another one".to_owned();
            report.add(name, format!("two requests are called `{}`", name.value), Some(help));
        }
        seen.push(&name.value);
    }
}

/// The names of all requests and calls, those of loops and branches too.
fn request_names(steps: &[At<WrittenStep>]) -> Vec<&At<String>> {
    let mut found = Vec::new();
    for step in steps {
        match &step.value {
            WrittenStep::Request(request) => found.push(&request.name),
            WrittenStep::Grpc(call) => found.push(&call.name),
            WrittenStep::Loop(inner) => found.extend(request_names(&inner.value.steps)),
            WrittenStep::Choose(branches) => {
                found.extend(branches.value.iter().flat_map(|branch| request_names(&branch.value.steps)));
            }
            WrittenStep::Job(_) | WrittenStep::Think(_) => {}
        }
    }
    found
}

/// Says that `word` is not one of `known`, with the nearest.
pub(super) fn unknown<'k>(
    word: &At<String>,
    what: &str,
    known: impl IntoIterator<Item = &'k str>,
    report: &mut Reporter<'_>,
) {
    report.add(word, format!("there is no {what} `{}`", word.value), suggest(&word.value, known));
}
