//! The value of every signal, from the record. What nobody could read has none.

use super::{Signal, books, lines, tightest_limit_ms};
use crate::evidence::{AuditEvidence, GeneratorEvidence, RunEnd, RunRecord, StepKind, micros_to_ms};
use crate::scenario::Scenario;

/// How often the horizontal pod autoscaler looks, in cluster time: `--horizontal-pod-autoscaler-sync-period`.
const SYNC_PERIOD_MS: f64 = 15_000.0;

/// Every signal of a run, those about proofload itself first.
pub(in crate::judge) fn signals(scenario: &Scenario, record: &RunRecord) -> Vec<Signal> {
    let mut signals = of_load(scenario, record);
    signals.extend(of_rhythm(scenario, &record.generator));
    signals.extend(of_process(&record.generator));
    signals.extend(of_hosts(&record.generator));
    signals.extend(of_watchers(record));
    signals.extend(of_machine(&record.generator));
    signals
}

/// Did the load leave, and is every sample there?
fn of_load(scenario: &Scenario, record: &RunRecord) -> Vec<Signal> {
    let generator = &record.generator;
    let (warn_above, invalid_above) = lines::wake_lag_ms(tightest_limit_ms(scenario));
    let lag_ms = micros_to_ms(generator.wake_lag.thaw().value_at_quantile(0.99));
    let books = books::balance(scenario, record);
    vec![
        Signal { warn_above, invalid_above: Some(invalid_above), ..lines::WAKE_LAG.read(Some(lag_ms)) },
        lines::UNDELIVERED.read(Some(undelivered_percent(record))),
        lines::LOST_GENERATORS.read(Some(count(generator.lost))),
        lines::DROPPED.read(Some(count(generator.dropped))),
        lines::LOST_SAMPLES.read(Some(count(books.lost))),
        lines::SATURATED.read(Some(count(books.saturated))),
    ]
}

/// Did the load leave in the rhythm of the plan? Only open loads have one.
fn of_rhythm(scenario: &Scenario, generator: &GeneratorEvidence) -> Option<Signal> {
    let seen = lines::rhythm_seen(tightest_limit_ms(scenario));
    let distances = generator.gaps.values().filter_map(|gaps| gaps.distance(seen));
    Some(lines::GAPS.read(Some(percent(distances.reduce(f64::max)?))))
}

/// Do all generators go by one clock? There is nothing to say where one process sent everything.
fn of_hosts(generator: &GeneratorEvidence) -> Option<Signal> {
    Some(lines::HOST_CLOCKS.read(Some(generator.audit.as_ref()?.host_clock_ms?)))
}

/// Was proofload let run, and had it what it needed?
fn of_process(generator: &GeneratorEvidence) -> Vec<Signal> {
    let unread = AuditEvidence::default();
    let audit = generator.audit.as_ref().unwrap_or(&unread);
    // Virtual users and runs of a second have no stretch of three; an older record has the mean alone.
    let run_queue = worst_mean(&audit.run_queue).or(generator.run_queue_delay);
    let busy = (!generator.thread_busy.is_empty()).then(|| worst_level(&generator.thread_busy));
    vec![
        lines::THREAD_BUSY.read(busy.map(percent)),
        lines::RUN_QUEUE.read(run_queue.map(percent)),
        lines::FROZEN.read(audit.standstill.map(|standstill| standstill.lasted_ms)),
        lines::CLOCK_STEP.read(audit.clock_step_ms),
        lines::CLOCK_DRIFT.read(audit.clock_drift.map(percent)),
        lines::THROTTLED.read(audit.throttled.map(count)),
        lines::LOCAL_LIMITS.read(Some(count(generator.local_failures))),
        lines::PORTS.read(audit.ports.map(percent)),
        lines::DESCRIPTORS.read(audit.descriptors.map(percent)),
    ]
}

/// Did those who look at queues and at the cluster keep looking? Of a run without any, nothing is said.
fn of_watchers(record: &RunRecord) -> Vec<Signal> {
    let ends_ms = signed(record.run.lasted_ms);
    let queues = record.timeline.series.iter().filter(|(name, _)| name.starts_with("queue "));
    let readings = queues.map(|(_, points)| points.iter().map(|(at_ms, _)| signed(*at_ms)).collect());
    let collector_s = longest_gap_ms(readings, ends_ms).map(|gap_ms| gap_ms / 1e3);
    let cluster = record.cluster.iter();
    let periods = cluster.filter_map(|cluster| {
        let looks = cluster.workloads.iter().map(|workload| workload.syncs.iter().map(|sync| sync.at_ms).collect());
        Some(longest_gap_ms(looks, ends_ms)? * cluster.speed / SYNC_PERIOD_MS)
    });
    let watcher = periods.reduce(f64::max).map(|periods| lines::WATCHER.read(Some(thousandth(periods))));
    let collector = collector_s.map(|gap_s| lines::COLLECTOR_GAP.read(Some(thousandth(gap_s))));
    watcher.into_iter().chain(collector).collect()
}

/// The longest time without a look, over all who look, from the start of the run to its end.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
fn longest_gap_ms(looks: impl Iterator<Item = Vec<i64>>, ends_ms: i64) -> Option<f64> {
    let longest = looks.map(|looks| {
        let (before, after) = (looks.iter().copied(), looks.iter().copied());
        let gaps = std::iter::once(0).chain(before).zip(after.chain(std::iter::once(ends_ms)));
        gaps.map(|(from, to)| to.saturating_sub(from)).max().unwrap_or(0)
    });
    longest.max().map(|gap_ms| gap_ms as f64)
}

/// What the machine and the witnesses suffered.
fn of_machine(generator: &GeneratorEvidence) -> Vec<Signal> {
    let audit = generator.audit.as_ref();
    let failed = (generator.collector_readings > 0)
        .then(|| percent_of(generator.collector_failures, generator.collector_readings));
    vec![
        lines::ACCEPT_QUEUE.read(audit.and_then(|audit| audit.listen_overflows).map(count)),
        lines::CPU_PRESSURE.read(generator.cpu_pressure),
        lines::STEAL.read(audit.and_then(|audit| worst_mean(&audit.steal)).map(percent)),
        lines::COLLECTOR.read(failed),
    ]
}

/// Arrivals that the plan had and the evidence does not: not dispatched, and not counted as dropped either. Of a run
/// that was stopped, only what had become due is held against it.
fn undelivered_percent(record: &RunRecord) -> f64 {
    let generator = &record.generator;
    let planned: u64 = record.plan.iter().map(|workload| workload.arrivals).sum();
    let due = if record.run.end == RunEnd::Completed { generator.due.max(planned) } else { generator.due };
    let missing = due.saturating_sub(generator.dispatched + generator.dropped);
    let requests = record.steps.iter().filter(|step| step.kind == StepKind::Request);
    let seen = requests.flat_map(|step| &step.seconds).any(|second| second.due > 0);
    match (due, seen) {
        (0, _) => 0.0,
        // Arrivals without any sample mean that the recorder was blind.
        (_, false) => 100.0,
        (due, true) => percent_of(missing, due),
    }
}

/// The highest level that three seconds in a row all reached.
fn worst_level(shares: &[f64]) -> f64 {
    shares.windows(3).map(|three| three.iter().copied().fold(f64::INFINITY, f64::min)).fold(0.0, f64::max)
}

/// The highest mean of three seconds in a row, so that a short evil is not averaged away; of a shorter run, its mean.
fn worst_mean(shares: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "at most three")]
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    match shares.len() {
        0 => None,
        1 | 2 => Some(mean(shares)),
        _ => shares.windows(3).map(mean).reduce(f64::max),
    }
}

fn thousandth(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn signed(at_ms: u64) -> i64 {
    i64::try_from(at_ms).unwrap_or(i64::MAX)
}

/// In percent, to the millionth: a report that is read back then holds the same number.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn percent_of(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64 * 100.0
}
