//! Which words belong to which executor: each takes its own and no others.

use super::written_workload::WrittenExecutor as E;
use super::written_workload::WrittenWorkload;
use crate::source::{At, Reporter};

/// A word of a workload, where it stands if it was written, and the executors it belongs to.
struct Word {
    name: &'static str,
    place: Option<At<()>>,
    owners: &'static [E],
}

/// Every executor, with its word.
const EXECUTORS: [(E, &str); 11] = [
    (E::ConstantArrivalRate, "constant-arrival-rate"),
    (E::RampingArrivalRate, "ramping-arrival-rate"),
    (E::StepArrivalRate, "step-arrival-rate"),
    (E::PoissonArrivalRate, "poisson-arrival-rate"),
    (E::GammaArrivalRate, "gamma-arrival-rate"),
    (E::SineArrivalRate, "sine-arrival-rate"),
    (E::SpikeArrivalRate, "spike-arrival-rate"),
    (E::TraceReplay, "trace-replay"),
    (E::ConstantVus, "constant-vus"),
    (E::RampingVus, "ramping-vus"),
    (E::SharedIterations, "shared-iterations"),
];

const RATE: &[E] = &[
    E::ConstantArrivalRate,
    E::StepArrivalRate,
    E::PoissonArrivalRate,
    E::GammaArrivalRate,
    E::SineArrivalRate,
    E::SpikeArrivalRate,
];
const LENGTH: &[E] = &[
    E::ConstantArrivalRate,
    E::StepArrivalRate,
    E::PoissonArrivalRate,
    E::GammaArrivalRate,
    E::SineArrivalRate,
    E::SpikeArrivalRate,
    E::ConstantVus,
    E::SharedIterations,
];
const STAGES: &[E] =
    &[E::ConstantArrivalRate, E::RampingArrivalRate, E::PoissonArrivalRate, E::GammaArrivalRate, E::RampingVus];

/// Refuses every word that belongs to another executor.
pub(super) fn check_words(written: &WrittenWorkload, report: &mut Reporter<'_>) -> Option<()> {
    let before = report.count();
    for word in words(written) {
        if let Some(place) = &word.place
            && !word.owners.contains(&written.executor.value)
        {
            let help = "leave it out, or change the executor".to_owned();
            report.add(place, format!("`{}` belongs to {}", word.name, said(word.owners)), Some(help));
        }
    }
    (report.count() == before).then_some(())
}

fn words(w: &WrittenWorkload) -> [Word; 16] {
    let word = |name, place, owners| Word { name, place, owners };
    let stages = w.stages.as_ref().and_then(|stages| stages.first());
    [
        word("start_rate", place(w.start_rate.as_ref()), &[E::RampingArrivalRate, E::StepArrivalRate]),
        word("rate", place(w.rate.as_ref()), RATE),
        word("for", place(w.duration.as_ref()), LENGTH),
        word("stages", place(stages), STAGES),
        word("steps", place(w.steps.as_ref()), &[E::StepArrivalRate]),
        word("shape", place(w.shape.as_ref()), &[E::GammaArrivalRate]),
        word("amplitude", place(w.amplitude.as_ref()), &[E::SineArrivalRate]),
        word("period", place(w.period.as_ref()), &[E::SineArrivalRate]),
        word("spike_rate", place(w.spike_rate.as_ref()), &[E::SpikeArrivalRate]),
        word("spike_after", place(w.spike_after.as_ref()), &[E::SpikeArrivalRate]),
        word("spike_for", place(w.spike_for.as_ref()), &[E::SpikeArrivalRate]),
        word("trace", place(w.trace.as_ref()), &[E::TraceReplay]),
        word("vus", place(w.vus.as_ref()), &[E::ConstantVus, E::SharedIterations]),
        word("start_vus", place(w.start_vus.as_ref()), &[E::RampingVus]),
        word("iterations", place(w.iterations.as_ref()), &[E::SharedIterations]),
        word("think_time", place(w.think_time.as_ref()), &[E::ConstantVus, E::RampingVus, E::SharedIterations]),
    ]
}

fn place<T>(given: Option<&At<T>>) -> Option<At<()>> {
    given.map(|at| At { value: (), line: at.line, column: at.column })
}

/// `constant-, step- and sine-arrival-rate, constant-vus and …`: the family's name once.
fn said(owners: &[E]) -> String {
    const FAMILY: &str = "arrival-rate";
    let words: Vec<&str> = EXECUTORS.iter().filter(|(kind, _)| owners.contains(kind)).map(|(_, word)| *word).collect();
    let rates = words.iter().filter(|word| word.ends_with(FAMILY)).count();
    let shown: Vec<String> = (1..)
        .zip(&words)
        .map(|(number, word)| match word.strip_suffix(FAMILY) {
            Some(short) if number < rates => short.to_owned(),
            _ => (*word).to_owned(),
        })
        .collect();
    match shown.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => shown.concat(),
    }
}
