//! The check before the first request: can this machine send the plan's highest rate on time to a server that answers
//! at once? If not, no target could show more than this machine's own limit, and the run is refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proofload_core::environment::{HttpVersion, Pacing};
use proofload_core::evidence::{Calibration, micros_to_ms};
use proofload_core::judge::{Unfit, unfit_above};
use proofload_core::plan::{Plan, demand};
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;

use super::schedstat;
use super::sink::Sink;
use crate::clock::RunClock;
use crate::load::{Control, Generator, GeneratorEvent, Methods, Outcome, Shards, SystemAccess, Target, WorldParts};
use crate::run::{RunError, timed_steps};

/// How long one round of a plan lasts that is not short.
const ROUND: Duration = Duration::from_secs(1);
/// How long one round of a short plan lasts.
const SHORT_ROUND: Duration = Duration::from_millis(500);
/// A plan shorter than this is short, ns.
const SHORT_PLAN_NS: u64 = 20_000_000_000;
/// How often a machine may try: a moment's noise on it is no reason to refuse.
const ROUNDS_MAX: usize = 2;
/// Below this rate a round holds too few arrivals to tell anything, arrivals per second.
const RATE_LEAST: u64 = 50;
/// Above this rate the check itself would need too much memory; it is made at this one, arrivals per second.
const RATE_MAX: u64 = 50_000;
/// Most users that look for the ceiling of closed load.
const VUS_MAX: u32 = 64;
/// From now to the first arrival: time for the generator to make its world.
const LEAD: Duration = Duration::from_millis(50);
/// How much longer than its length a round may take, so that a machine that cannot keep up is not waited for.
const LATE_MAX: Duration = Duration::from_millis(100);

/// What the generator did in one round.
struct Round {
    outcome: Outcome,
    answered: u64,
    busy: Option<f64>,
}

/// Calibrates for a plan.
///
/// # Errors
/// [`RunError::Unfit`] where no run of this plan could be valid on this machine.
pub(crate) async fn calibrate(scenario: &Scenario, plan: &Plan, pacing: Pacing) -> Result<Calibration, RunError> {
    let demand = demand(scenario, plan);
    let (peak, vus) = (demand.arrivals_in_1s, u32::try_from(demand.users).unwrap_or(u32::MAX));
    let length = if plan.ends_ns < SHORT_PLAN_NS { SHORT_ROUND } else { ROUND };
    match (peak, vus) {
        (RATE_LEAST.., _) => rate(peak.min(RATE_MAX), (length, pacing), unfit_above(scenario)).await,
        (_, 1..) => ceiling(vus.min(VUS_MAX), length).await,
        _ => Ok(Calibration::Skipped {
            why: format!("at {peak} arrivals per second it would tell nothing; it is made from {RATE_LEAST} on"),
        }),
    }
}

/// Sends at a rate, again where the first round crossed a line; refuses where every round did.
async fn rate(per_second: u64, (length, pacing): (Duration, Pacing), unfit: Unfit) -> Result<Calibration, RunError> {
    let workload = format!("executor: constant-arrival-rate, rate: {per_second}/s");
    let mut crossed = String::new();
    for _ in 0..ROUNDS_MAX {
        let round = round(&workload, length, pacing).await?;
        let lag = round.outcome.wake_lag.thaw();
        let ms = |quantile: f64| micros_to_ms(lag.value_at_quantile(quantile));
        let (p50, p99) = (ms(0.5), ms(0.99));
        if p99 <= unfit.wake_lag_ms && round.busy.is_none_or(|busy| busy <= unfit.busy) {
            return Ok(Calibration::Rate {
                per_second: round_rate(per_second),
                wake_lag_p50_ms: p50,
                wake_lag_p99_ms: p99,
                busy: round.busy.map(super::rounded),
            });
        }
        let busy = round.busy.map_or_else(|| "unknown".to_owned(), |busy| format!("{:.0} %", busy * 100.0));
        crossed = format!(
            "wake lag p99 was {p99:.1} ms (INVALID above {:.1} ms) and the generator was busy {busy} (INVALID above {:.0} %)",
            unfit.wake_lag_ms,
            unfit.busy * 100.0
        );
    }
    Err(RunError::Unfit(format!(
        "this machine cannot send {per_second} arrivals per second on time, not even to a server inside proofload: \
         {crossed}; lower the rate, end other programs or take a faster machine, or go on with --no-calibration"
    )))
}

/// Lets users send as fast as they can; what comes of it is told and refuses nothing.
async fn ceiling(vus: u32, length: Duration) -> Result<Calibration, RunError> {
    let round = round(&format!("executor: constant-vus, vus: {vus}"), length, Pacing::Timer).await?;
    #[expect(clippy::cast_precision_loss, reason = "answers of a second are far below 2^53")]
    let per_second = round.answered as f64 / length.as_secs_f64();
    Ok(Calibration::Ceiling { vus, per_second: super::rounded(per_second) })
}

/// One round through the real generator against a sink.
async fn round(workload: &str, length: Duration, pacing: Pacing) -> Result<Round, RunError> {
    let failed = |why: String| RunError::Internal(format!("the calibration could not be made: {why}"));
    let sink = Sink::start().map_err(|error| failed(error.to_string()))?;
    let (scenario, plan) = made_up(workload, length).map_err(failed)?;
    let target = Target::resolve(&format!("http://{}", sink.address), HttpVersion::Auto).await.map_err(failed)?;
    let clock = RunClock::starting_in(LEAD);
    let parts = WorldParts {
        clock,
        seed: plan.seed,
        run_id: "calibration".to_owned(),
        systems: vec![SystemAccess {
            name: "sink".to_owned(),
            grpc: target.over_http2(),
            target,
            tokens: HashMap::new(),
        }],
        payloads: Vec::new(),
        traces: Traces::default(),
        data: Vec::new(),
        methods: Methods::default(),
        timed: timed_steps(&scenario),
        tls: None,
        pacing,
        scenario,
    };
    let mut generator =
        Generator::start(&parts, &Arc::new(plan), Shards::all(1)).map_err(|error| failed(error.to_string()))?;
    let mut last_call = std::pin::pin!(tokio::time::sleep(LEAD + length + LATE_MAX));
    let (mut busy, mut asked, mut answered) = (None, false, 0);
    loop {
        let load_ended = tokio::select! {
            heard = generator.next() => match heard {
                Some(GeneratorEvent::Finished(outcome)) => return Ok(Round { outcome: *outcome, answered, busy }),
                Some(GeneratorEvent::Tick(tick)) => { answered = tick.answered; false }
                Some(event) => matches!(event, GeneratorEvent::LoadEnded),
                None => return Err(failed("the generator fell silent".to_owned())),
            },
            () = &mut last_call, if !asked => true,
        };
        if load_ended && !asked {
            asked = true;
            // Before the threads end, and with them their figures.
            if pacing == Pacing::Timer {
                busy = schedstat::busiest_since_birth(clock.now_ns() + nanos(LEAD));
            }
            generator.tell(Control::Finish);
        }
    }
}

/// A scenario of one GET, and its plan.
fn made_up(workload: &str, length: Duration) -> Result<(Scenario, Plan), String> {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: calibration\nsystem: sink\n\
         flows:\n  get: [{{ request: {{ name: get, path: /, timeout: 2s }} }}]\n\
         workloads:\n  load: {{ flow: get, {workload}, for: {}ms }}\n",
        length.as_millis()
    );
    let scenario = Scenario::parse("calibration", &text).map_err(|problems| problems.to_string())?;
    let plan = Plan::new(&scenario, &Traces::default(), 1).map_err(|error| error.to_string())?;
    Ok((scenario, plan))
}

#[expect(clippy::cast_precision_loss, reason = "a rate is far below 2^53")]
fn round_rate(per_second: u64) -> f64 {
    per_second as f64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(workloads: &str) -> Scenario {
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\n\
             flows:\n  f: [{{ request: {{ name: get, path: / }} }}]\nworkloads:\n{workloads}\n"
        );
        Scenario::parse("t.yaml", &text).unwrap()
    }

    async fn check(workloads: &str, expected: &str) {
        let scenario = scenario(workloads);
        let plan = Plan::new(&scenario, &Traces::default(), 1).unwrap();
        let told = match calibrate(&scenario, &plan, Pacing::Timer).await {
            Ok(Calibration::Skipped { why }) => format!("skipped: {why}"),
            Ok(Calibration::Rate { per_second, .. }) => format!("rate {per_second}"),
            Ok(Calibration::Ceiling { vus, per_second }) => {
                format!("{vus} users, some: {}", per_second > 0.0)
            }
            Err(error) => error.to_string(),
        };
        assert!(told.starts_with(expected), "{told}");
    }

    #[tokio::test]
    async fn what_would_tell_nothing_is_not_done() {
        check(
            "  w: { flow: f, executor: constant-arrival-rate, rate: 49/s, for: 5s }",
            "skipped: at 49 arrivals per second it would tell nothing; it is made from 50 on",
        )
        .await;
    }

    #[tokio::test]
    async fn users_flat_out_show_a_ceiling_and_are_never_refused() {
        check("  w: { flow: f, executor: constant-vus, vus: 2, for: 5s }", "2 users, some: true").await;
    }

    #[tokio::test]
    async fn a_machine_that_is_late_even_for_the_sink_is_refused() {
        let unfit = |wake_lag_ms: f64, busy: f64| rate(100, (SHORT_ROUND, Pacing::Timer), Unfit { wake_lag_ms, busy });
        // No machine is on time to the microsecond, and none computes nothing.
        for lines in [unfit(0.0, 1.0), unfit(1e9, 0.0)] {
            let refused = match lines.await {
                Err(RunError::Unfit(sentence)) => sentence,
                other => panic!("{other:?}"),
            };
            assert!(refused.contains("100 arrivals per second") && refused.contains("--no-calibration"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_machine_that_keeps_up_is_told_with_its_figures() {
        let told = rate(100, (SHORT_ROUND, Pacing::Timer), Unfit { wake_lag_ms: 1e9, busy: 1.0 }).await.unwrap();
        let Calibration::Rate { per_second, wake_lag_p50_ms, wake_lag_p99_ms, .. } = told else { panic!("{told:?}") };
        assert!((per_second - 100.0).abs() < 1e-9 && wake_lag_p50_ms <= wake_lag_p99_ms);
    }
}
