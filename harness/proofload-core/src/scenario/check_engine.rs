//! Checks who sends a workload: another engine than proofload's own takes only what it can send as it is meant.

use super::written::WrittenScenario;
use super::written_workload::WrittenWorkload;
use super::{Body, Engine, Executor, Flow, Workload};
use crate::source::Reporter;

/// The engine of a workload; `None` if it cannot send the load.
pub(super) fn check_engine(
    written: &WrittenWorkload,
    flow: &Flow,
    executor: &Executor,
    report: &mut Reporter<'_>,
) -> Option<Engine> {
    let Some(at) = written.engine.as_ref().filter(|at| at.value == Engine::Goose) else {
        return Some(Engine::Proofload);
    };
    if !matches!(executor, Executor::Vus { .. } | Executor::Iterations { .. }) {
        let help = "use constant-vus, ramping-vus or shared-iterations, or leave `engine` out".to_owned();
        report.add(at, "goose runs virtual users, and cannot send arrivals when they are due", Some(help));
        return None;
    }
    if flow.holds_job() {
        let message = format!("goose sends requests, and flow `{}` follows a job", flow.name);
        report.add(at, message, Some("leave `engine` out, or use a flow without jobs".to_owned()));
        return None;
    }
    if let Some(call) = flow.requests().find(|request| matches!(request.body, Body::Grpc(_))) {
        let message = format!("goose speaks no gRPC, and `{}` is a call", call.name);
        report.add(at, message, Some("leave `engine` out, or use a flow without calls".to_owned()));
        return None;
    }
    if let Some(request) = flow.requests().find(|request| request.method == "OPTIONS") {
        let message = format!("goose sends no OPTIONS, and request `{}` is one", request.name);
        report.add(at, message, Some("leave `engine` out, or use a flow without it".to_owned()));
        return None;
    }
    Some(Engine::Goose)
}

/// Goose runs one attack in a process, with nothing beside it.
pub(super) fn check_alone(written: &WrittenScenario, workloads: &[Workload], report: &mut Reporter<'_>) {
    if workloads.len() == 1 {
        return;
    }
    for at in written.workloads.values().filter_map(|workload| workload.value.engine.as_ref()) {
        if at.value == Engine::Goose {
            let message =
                format!("goose sends the only workload of its scenario, and this one has {}", workloads.len());
            report.add(at, message, Some("leave `engine` out, or give it a scenario of its own".to_owned()));
        }
    }
}
