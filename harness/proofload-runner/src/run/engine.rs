//! Who sends the load of a run: our own engine, or Goose where this proofload was built with it.

use proofload_core::evidence::Calibration;
use proofload_core::scenario::{Engine, Scenario};

use super::{RunError, RunRequest};
use crate::load::{Generator, Shards, WorldParts};

/// Whether this proofload can send the load of a scenario, with so many generator processes beside this one.
///
/// # Errors
/// [`RunError::Setup`] with what to do about it.
pub fn check_engine(scenario: &Scenario, generators: u32) -> Result<(), RunError> {
    check(scenario, generators, cfg!(feature = "goose"))
}

fn check(scenario: &Scenario, generators: u32, has_goose: bool) -> Result<(), RunError> {
    if scenario.engine() == Engine::Proofload {
        return Ok(());
    }
    if !has_goose {
        return Err(built_without(scenario));
    }
    if generators > 0 {
        return Err(RunError::Setup("Goose sends the load from this process alone; leave --generators out".to_owned()));
    }
    Ok(())
}

fn built_without(scenario: &Scenario) -> RunError {
    RunError::Setup(format!(
        "scenario `{}` has `engine: goose`, and this proofload was built without Goose; build it with \
         `cargo build --release --features goose`, or leave `engine` out",
        scenario.name
    ))
}

/// Leaves Ctrl-C to whoever asks for it after this, and to them alone: Goose would take it for itself.
pub fn keep_interrupts() {
    #[cfg(feature = "goose")]
    crate::load::keep_interrupts();
}

/// Why the machine is not tried before a run of another engine than ours.
pub(super) fn no_calibration(scenario: &Scenario) -> Option<Calibration> {
    let why = "it tries proofload's own engine, and Goose sends this load".to_owned();
    (scenario.engine() == Engine::Goose).then_some(Calibration::Skipped { why })
}

/// Threads that send the load, of all processes.
pub(super) fn shards(request: &RunRequest) -> u64 {
    match request.scenario.engine() {
        Engine::Proofload => u64::from(request.threads) * u64::from(request.generators.max(1)),
        Engine::Goose => 1,
    }
}

/// Starts the load in this process.
pub(super) fn start(parts: &WorldParts, request: &RunRequest) -> Result<Generator, RunError> {
    let started = match request.scenario.engine() {
        Engine::Proofload => Generator::start(parts, &request.plan, Shards::all(request.threads)),
        #[cfg(feature = "goose")]
        Engine::Goose => Generator::start_goose(parts.clone(), &request.plan),
        #[cfg(not(feature = "goose"))]
        Engine::Goose => return Err(built_without(&request.scenario)),
    };
    started.map_err(|error| RunError::Internal(format!("the generator threads could not start: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(engine: &str, generators: u32, has_goose: bool) -> Option<String> {
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: shop\nsystem: s\nflows:\n  f: [request: {{ name: get, path: / }}]\nworkloads:\n  w: {{ flow: f, executor: constant-vus, vus: 1, for: 1s{engine} }}\n"
        );
        let scenario = Scenario::parse("t.yaml", &text).unwrap();
        check(&scenario, generators, has_goose).err().map(|error| format!("{}: {error}", error.exit_code()))
    }

    #[test]
    fn goose_is_refused_where_it_was_not_built_in_or_could_not_send_all() {
        assert_eq!(told("", 2, false), None);
        assert_eq!(told(", engine: proofload", 2, false), None);
        assert_eq!(told(", engine: goose", 0, true), None);
        assert_eq!(
            told(", engine: goose", 0, false).unwrap(),
            "2: scenario `shop` has `engine: goose`, and this proofload was built without Goose; build it with `cargo build --release --features goose`, or leave `engine` out"
        );
        assert_eq!(
            told(", engine: goose", 2, true).unwrap(),
            "2: Goose sends the load from this process alone; leave --generators out"
        );
    }
}
