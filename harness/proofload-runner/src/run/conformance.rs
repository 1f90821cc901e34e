//! Contracts: their checks are carried out once the load and its jobs have ended and the ledger is taken, so that they
//! disturb no measurement, and before anything that was started is stopped.

use std::time::Duration;

use proofload_core::conformance::{ConformanceReport, files};
use proofload_core::environment::{HttpVersion, System, Token};
use proofload_core::evidence::{CheckEvidence, ConformanceAnswer, ConformanceEvidence, RunEnd, RunRecord};
use proofload_core::report::{conformance_folder, rfc3339};
use proofload_core::scenario::{ConformanceClause, Scenario};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::prepare::Stage;
use super::{RunError, RunRequest};
use crate::clock::unix_ms;
use crate::conformance::{Event as CheckEvent, Options, TargetError, TokenSource, check_selection, run_until};
use crate::event::{Event, Phase};

/// Longest time that all contracts of a run may take together; a target that hangs lets each check wait in vain.
const CONTRACTS_WITHIN: Duration = Duration::from_mins(10);

/// Whether every contract that a scenario asks for selects checks that there are.
///
/// # Errors
/// [`RunError::Setup`] naming what selects none.
pub fn check_conformance(scenario: &Scenario) -> Result<(), RunError> {
    for clause in &scenario.conformance {
        check_selection(clause.profile, &clause.select)
            .map_err(|error| RunError::Setup(format!("scenario `{}`: {error}", scenario.name)))?;
    }
    Ok(())
}

/// Carries out what the scenario asks for and saves the record anew. A run that was stopped or ended early is left as
/// it is: its system may be in any state.
pub(super) async fn carry_out(
    mut record: RunRecord,
    (request, stage): (&RunRequest, &Stage),
    stop: &CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<RunRecord, RunError> {
    let clauses = &request.scenario.conformance;
    if clauses.is_empty() || record.run.end != RunEnd::Completed {
        return Ok(record);
    }
    on_event(Event::Phase { phase: Phase::Conformance });
    let until = Instant::now() + CONTRACTS_WITHIN;
    for (index, clause) in clauses.iter().enumerate() {
        let options = options(clause, request, stage)?;
        let target = options.target.to_string();
        let carried_out = run_until(options, ended(stop, until), |event| tell(clause, &event, on_event)).await;
        if let Ok(report) = &carried_out {
            let folder = conformance_folder(index, clauses.len(), clause.profile);
            write_files(request, &folder, report, on_event)?;
        }
        record.conformance.push(evidence(clause, target, carried_out));
    }
    if stop.is_cancelled() {
        record.run.end = RunEnd::Interrupted;
    }
    on_event(Event::Saved { path: request.folder.write("record.json", record.to_json().as_bytes())? });
    Ok(record)
}

/// Why no further check is carried out, once that is so.
async fn ended(stop: &CancellationToken, until: Instant) -> String {
    tokio::select! {
        () = stop.cancelled() => "the run was stopped before it was reached".to_owned(),
        () = tokio::time::sleep_until(until) => {
            format!("the checks of a run may take {} min, and they did", CONTRACTS_WITHIN.as_secs() / 60)
        }
    }
}

fn options(clause: &ConformanceClause, request: &RunRequest, stage: &Stage) -> Result<Options, RunError> {
    let unknown = || RunError::Internal(format!("the system `{}` was not brought to life", clause.system));
    let access = stage.systems.iter().find(|access| access.name == clause.system).ok_or_else(unknown)?;
    let system = request.place.environment.system(&clause.system).ok_or_else(unknown)?;
    let url = access.target.url();
    let target = url.parse().map_err(|error| RunError::Internal(format!("{url} is not a URL: {error}")))?;
    Ok(Options {
        date: rfc3339(unix_ms()),
        token: token_source(system, clause.auth.as_deref(), stage),
        select: clause.select.clone(),
        strict: clause.strict,
        body_max_bytes: system.body_max_bytes,
        http2: system.http == HttpVersion::Http2,
        authorities: stage.authorities.clone(),
        ..Options::new(clause.profile, target)
    })
}

/// How tokens are made that the system accepts, where the environment says so.
fn token_source(system: &System, auth: Option<&str>, stage: &Stage) -> Option<TokenSource> {
    let Some(Token::Jwt { secret, issuer, audience, subject, .. }) = system.signing_token(auth) else { return None };
    Some(TokenSource {
        secret: stage.secrets.value(secret)?.to_vec(),
        issuer: issuer.clone(),
        audience: audience.clone(),
        subject: subject.clone(),
    })
}

fn evidence(
    clause: &ConformanceClause,
    target: String,
    carried_out: Result<ConformanceReport, TargetError>,
) -> ConformanceEvidence {
    let answer = match carried_out {
        Ok(report) => ConformanceAnswer::Checked(report.checks.iter().map(CheckEvidence::of).collect()),
        Err(error) => ConformanceAnswer::NotCarriedOut(error.to_string()),
    };
    ConformanceEvidence {
        system: clause.system.clone(),
        profile: clause.profile,
        target,
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        strict: clause.strict,
        selected: clause.select.clone(),
        answer,
    }
}

/// The requests and answers, which are no part of the record.
fn write_files(
    request: &RunRequest,
    folder: &str,
    report: &ConformanceReport,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    request.folder.make(folder)?;
    for (name, content) in files(report) {
        on_event(Event::Saved { path: request.folder.write(&format!("{folder}{name}"), &content)? });
    }
    Ok(())
}

fn tell(clause: &ConformanceClause, event: &CheckEvent, on_event: &mut dyn FnMut(Event)) {
    if let CheckEvent::Checked { done, total, id, outcome, .. } = event {
        on_event(Event::Checked {
            system: clause.system.clone(),
            profile: clause.profile,
            id: (*id).to_owned(),
            outcome: *outcome,
            done: *done as u64,
            total: *total as u64,
        });
    }
}
