//! Was the asked-for load delivered? What was asked and sent, every lag apart, what the processor had to give, and how
//! far dependence between requests thins the samples.

use super::rows::Pair;
use crate::evidence::{GeneratorEvidence, RunRecord};
use crate::report::{Quantiles, Report, words};

/// Most rules whose design effect is told.
const RULES_MAX: usize = 6;

pub(super) fn pairs(report: &Report, record: &RunRecord) -> Vec<Pair> {
    let load = &report.load;
    let pair = |name, value| Pair { name, value };
    if load.due == 0 {
        return vec![pair("Asked", "nothing was due".to_owned())];
    }
    let rate = |value: f64| words::value(value, "/s");
    let sent = format!(
        "{} arrivals, {} ({})",
        words::count(load.dispatched),
        rate(load.delivered_per_second),
        words::share_of(load.dispatched, load.due)
    );
    let polls = format!("{}, {} without an answer", words::count(load.polls), words::count(load.poll_failures));
    vec![
        pair("Asked", format!("{} arrivals, {}", words::count(load.due), rate(load.asked_per_second))),
        pair("Sent", sent),
        pair("Dropped, because too many waited already", words::count(load.dropped)),
        pair("How late proofload itself was", quantiles(load.wake_lag_ms)),
        pair("Waited for a free connection", quantiles(load.queue_wait_ms)),
        pair("Processor", processor(&record.generator)),
        pair("Design effect D of steady rules", design_effects(report)),
        pair("Warm-up cut", warm_up(report)),
        pair("Polls of jobs, apart from the load", polls),
        pair("Calibration before the run", words::calibration(report.calibration.as_ref())),
    ]
}

fn quantiles(all: Quantiles) -> String {
    let ms = |value: f64| words::value(value, "ms");
    format!("p50 {}, p95 {}, p99 {}, at most {}", ms(all.p50), ms(all.p95), ms(all.p99), ms(all.max))
}

fn processor(generator: &GeneratorEvidence) -> String {
    let percent = |share: Option<f64>| words::maybe(share.map(|share| share * 100.0), "%");
    let most = |shares: &[f64]| shares.iter().copied().reduce(f64::max);
    let steal = generator.audit.as_ref().and_then(|audit| most(&audit.steal));
    format!(
        "busiest generator thread at most {} of a second; ready and not run {}; taken by the hypervisor at most {}; \
         pressure {}",
        percent(most(&generator.thread_busy)),
        percent(generator.run_queue_delay),
        percent(steal),
        words::maybe(generator.cpu_pressure, "%"),
    )
}

/// What steady rules left out at the start of their stretch.
fn warm_up(report: &Report) -> String {
    let known = report.findings.iter().filter_map(|finding| Some((finding, finding.warm_up_s?)));
    let told: Vec<String> = known
        .take(RULES_MAX)
        .map(|(finding, cut_s)| format!("{cut_s} s of {}", words::clip(&finding.title, 80)))
        .collect();
    if told.is_empty() { "none: every second of the plan counts".to_owned() } else { told.join(", ") }
}

/// 1 for independent requests; n samples are worth n ÷ D.
fn design_effects(report: &Report) -> String {
    let known = report.findings.iter().filter_map(|finding| Some((finding, finding.design_effect?)));
    let told: Vec<String> = known
        .map(|(finding, effect)| format!("{} ({})", words::digits(effect), words::clip(&finding.title, 80)))
        .collect();
    match told.len() {
        0 => "no rule needed it".to_owned(),
        all if all > RULES_MAX => format!("{}, and {} more below", told[..RULES_MAX].join(", "), all - RULES_MAX),
        _ => told.join(", "),
    }
}
