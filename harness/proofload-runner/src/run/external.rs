//! The figures of rules that only a Prometheus knows: whether it can be asked before the load, and what it answers after.

use proofload_core::evidence::{ExternalEvidence, RunInfo};
use proofload_core::scenario::{Scenario, Sli};

use super::RunError;
use super::prepare::Stage;
use crate::event::Event;
use crate::prometheus::{Asked, Prometheus, Unanswered};

/// Clocks further apart than this are worth a word; the figures are moved by it either way.
const AHEAD_TOLD_MS: u64 = 500;

/// Whether every query can be answered, so that a wrong one costs no load.
///
/// # Errors
/// A sentence naming the query, or the address that does not answer.
pub(super) async fn check(scenario: &Scenario, stage: &Stage, on_event: &mut dyn FnMut(Event)) -> Result<(), RunError> {
    let queries = queries(scenario);
    let Some(prometheus) = stage.prometheus.as_ref().filter(|_| !queries.is_empty()) else { return Ok(()) };
    let ahead_ms = prometheus.reach().await.map_err(RunError::Unreachable)?;
    if ahead_ms.unsigned_abs() > AHEAD_TOLD_MS {
        let text =
            format!("the clock of Prometheus is {ahead_ms} ms ahead of this machine's; its figures are moved by that");
        on_event(Event::Warning { text });
    }
    for query in queries {
        prometheus.check(query).await.map_err(|unanswered| match unanswered {
            Unanswered::Refused(why) => RunError::Setup(format!("Prometheus refuses promql(\"{query}\"): {why}")),
            Unanswered::Silent(why) => RunError::Unreachable(why),
        })?;
    }
    Ok(())
}

/// What Prometheus answers to every query, over the whole run.
pub(super) async fn gather(scenario: &Scenario, stage: &Stage, run: &RunInfo) -> Vec<ExternalEvidence> {
    let Some(prometheus) = &stage.prometheus else { return Vec::new() };
    let mut external = Vec::new();
    for query in queries(scenario) {
        let answer = prometheus.series(query, asked(prometheus, run).await).await;
        external.push(ExternalEvidence { query: query.to_owned(), answer });
    }
    external
}

/// The run by the clock of Prometheus; one that does not answer any more will not answer the query either.
async fn asked(prometheus: &Prometheus, run: &RunInfo) -> Asked {
    let ahead_ms = prometheus.reach().await.unwrap_or(0);
    Asked { started_unix_ms: run.started_unix_ms, lasted_ms: run.lasted_ms, ahead_ms }
}

/// The queries of all rules, each once.
fn queries(scenario: &Scenario) -> Vec<&str> {
    let mut queries: Vec<&str> = Vec::new();
    for slo in &scenario.slos {
        if let Sli::Promql(query) = &slo.sli
            && !queries.contains(&query.as_str())
        {
            queries.push(query);
        }
    }
    queries
}
