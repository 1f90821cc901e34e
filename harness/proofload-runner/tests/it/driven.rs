//! Runs a scenario on a fake server and gives back the record.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use proofload_core::environment::Environment;
use proofload_core::evidence::{RunRecord, StepEvidence, StepKind};
use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;
use proofload_runner::run::{Place, RunError, RunFolder, RunRequest, run};
use tokio_util::sync::CancellationToken;

/// A scenario of one GET on `/`, called `get`, with the given workload and rules.
pub(crate) fn scenario(workload: &str, rules: &str) -> Scenario {
    scenario_of("flows:\n  f: [{ request: { name: get, path: /, timeout: 20s } }]\n", workload, rules)
}

/// A scenario with the given flow `f` and what belongs to it, workload and rules.
pub(crate) fn scenario_of(flows: &str, workload: &str, rules: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\n{flows}workloads:\n  w: {{ flow: f, {workload} }}\nslos: [{rules}]\ndrain: 5s\n"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

/// Drives `scenario` against a server at `address`.
pub(crate) async fn drive(scenario: &Scenario, address: SocketAddr) -> RunRecord {
    drive_with(scenario, address, &[]).await
}

/// Drives `scenario`, beside which these files lie, against a server at `address`.
pub(crate) async fn drive_with(scenario: &Scenario, address: SocketAddr, files: &[(&str, &str)]) -> RunRecord {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    drive_in(scenario, address, folder.path()).await
}

/// The same, with the scenario's files in `folder`.
pub(crate) async fn drive_in(scenario: &Scenario, address: SocketAddr, folder: &Path) -> RunRecord {
    drive_until(CancellationToken::new(), scenario, &system_at(address), folder).await
}

/// Drives `scenario` from so many generator threads.
pub(crate) async fn drive_on(threads: u32, scenario: &Scenario, address: SocketAddr) -> RunRecord {
    let folder = tempfile::tempdir().unwrap();
    let place = (system_at(address), folder.path());
    try_drive(CancellationToken::new(), scenario, (&place.0, place.1), threads).await.unwrap()
}

/// The same in an environment that holds `environment`.
pub(crate) async fn drive_at(scenario: &Scenario, environment: &str, folder: &Path) -> RunRecord {
    drive_until(CancellationToken::new(), scenario, environment, folder).await
}

/// What an environment holds of a server at `address`.
pub(crate) fn system_at(address: SocketAddr) -> String {
    format!("systems: {{ s: {{ url: 'http://{address}', ready: /ready }} }}")
}

/// Until somebody stops it.
pub(crate) async fn drive_until(
    stop: CancellationToken,
    scenario: &Scenario,
    environment: &str,
    folder: &Path,
) -> RunRecord {
    try_drive(stop, scenario, (environment, folder), 1).await.unwrap()
}

/// The same, where it may not come to a run.
pub(crate) async fn try_drive_at(scenario: &Scenario, environment: &str, folder: &Path) -> Result<RunRecord, RunError> {
    try_drive(CancellationToken::new(), scenario, (environment, folder), 1).await
}

async fn try_drive(
    stop: CancellationToken,
    scenario: &Scenario,
    (environment, folder): (&str, &Path),
    threads: u32,
) -> Result<RunRecord, RunError> {
    let text = format!("apiVersion: proofload/v1\nkind: Environment\nname: t\n{environment}\n");
    let request = RunRequest {
        scenario: scenario.clone(),
        scenario_text: String::new(),
        scenario_folder: folder.to_owned(),
        place: Place {
            environment: Environment::parse("e.yaml", &text).unwrap(),
            environment_text: text,
            environment_folder: folder.to_owned(),
            target: None,
            logs: folder.to_owned(),
            proofload: "/no/such/program".into(),
            variable: |_| None,
        },
        traces: Traces::default(),
        scenario_file: "t.yaml".into(),
        scale: 1.0,
        confidence: None,
        threads,
        generators: 0,
        plan: Arc::new(Plan::new(scenario, &Traces::default(), 1).unwrap()),
        folder: RunFolder::create(folder, "run-1").unwrap(),
        command: String::new(),
        calibrate: false,
    };
    run(request, stop, &mut |_| ()).await
}

/// The evidence of the GET.
pub(crate) fn get(record: &RunRecord) -> &StepEvidence {
    record.step(StepKind::Request, "get").unwrap()
}

/// A sum over all seconds of the GET.
pub(crate) fn total(record: &RunRecord, pick: fn(&proofload_core::evidence::Second) -> u64) -> u64 {
    get(record).seconds.iter().map(pick).sum()
}
