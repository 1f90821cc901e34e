//! Random loads are what they are called: the tests of `facts/load-tools.md` §4 reject as often as they should, and
//! reject what is something else.

#![expect(clippy::cast_precision_loss, reason = "made-up numbers are small")]

use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;

use super::workloads::{plan, scenario};

const SEEDS: u64 = 10_000;

/// Gaps that the distribution test looks at: the first so many, for their number must not depend on their lengths.
const GAPS: usize = 200;

/// Arrivals per second, and for how long: 400 expected, so that there are always [`GAPS`].
const RATE: f64 = 100.0;
const LENGTH_S: f64 = 4.0;

/// The share of seeds that the count test (2.58 σ) and the Kolmogorov–Smirnov test of gaps (1 %) reject.
fn rejected_shares(executor: &str, seeds: u64) -> [f64; 2] {
    let scenario = scenario(&format!("executor: {executor}, rate: {RATE}/s, for: {LENGTH_S}s"));
    let [mut by_count, mut by_gaps] = [0u32; 2];
    for seed in 0..seeds {
        let plan = replan(&scenario, seed);
        let expected = RATE * LENGTH_S;
        by_count += u32::from((plan.arrivals.len() as f64 - expected).abs() > 2.58 * expected.sqrt());
        by_gaps += u32::from(is_rejected(gaps_s(&plan, GAPS), |gap| 1.0 - (-RATE * gap).exp()));
    }
    [by_count, by_gaps].map(|rejected| f64::from(rejected) / seeds as f64)
}

fn replan(scenario: &Scenario, seed: u64) -> Plan {
    Plan::new(scenario, &Traces::default(), seed).unwrap()
}

/// Seconds between arrivals; before the first one there is none.
fn gaps_s(plan: &Plan, most: usize) -> Vec<f64> {
    let pairs = plan.arrivals.windows(2).take(most);
    pairs.map(|pair| (pair[1].at_ns - pair[0].at_ns) as f64 / 1e9).collect()
}

/// Kolmogorov–Smirnov at 1 %: the asymptotic line of 1.628 with Stephens' correction for the number of samples (1974).
fn is_rejected(mut samples: Vec<f64>, cdf: impl Fn(f64) -> f64) -> bool {
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    let distance = |(index, sample): (usize, &f64)| {
        let truth = cdf(*sample);
        (truth - index as f64 / n).abs().max((truth - (index as f64 + 1.0) / n).abs())
    };
    let largest = samples.iter().enumerate().map(distance).fold(0.0, f64::max);
    largest * (n.sqrt() + 0.12 + 0.11 / n.sqrt()) > 1.628
}

#[test]
fn poisson_arrivals_pass_their_tests_as_often_as_they_should() {
    for rejected in rejected_shares("poisson-arrival-rate", SEEDS) {
        assert!((0.007..=0.013).contains(&rejected), "{rejected} of the seeds rejected");
    }
}

#[test]
fn gamma_arrivals_of_shape_1_are_poisson() {
    for rejected in rejected_shares("gamma-arrival-rate, shape: 1", 2_000) {
        assert!((0.003..=0.019).contains(&rejected), "{rejected} of the seeds rejected");
    }
}

#[test]
fn what_is_not_poisson_is_rejected() {
    let [by_count, by_gaps] = rejected_shares("gamma-arrival-rate, shape: 0.5", 300);
    assert!(by_count > 0.04 && by_gaps > 0.9, "{by_count} {by_gaps}");
    let [_, by_gaps] = rejected_shares("gamma-arrival-rate, shape: 1.4", 300);
    assert!(by_gaps > 0.1, "{by_gaps}");
    let [by_count, by_gaps] = rejected_shares("constant-arrival-rate", 1);
    assert!(by_count < 0.5 && by_gaps > 0.5, "even arrivals have the right number and the wrong gaps");
}

#[test]
fn gamma_gaps_have_their_distribution() {
    for shape in [0.25, 1.0, 4.0] {
        // So slow that a nanosecond is nothing: a burst of shape 0.25 has gaps of 10^-9 of their mean.
        let load = format!("executor: gamma-arrival-rate, rate: 1/m, for: 8000h, shape: {shape}");
        let gaps: Vec<f64> = gaps_s(&plan(&load, 5), 20_000).iter().map(|gap| gap / 60.0).collect();
        let n = gaps.len() as f64;
        assert!(n > 19_999.0, "{n}");
        let mean = gaps.iter().sum::<f64>() / n;
        let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / (n - 1.0);
        // Four standard errors; the kurtosis of a gamma is 3 + 6/shape.
        let expected = 1.0 / shape;
        assert!((mean - 1.0).abs() < 4.0 * (expected / n).sqrt(), "shape {shape}: mean {mean}");
        let error = 4.0 * expected * ((2.0 + 6.0 / shape) / n).sqrt();
        assert!((variance - expected).abs() < error, "shape {shape}: variance {variance}");
        assert!(!is_rejected(gaps.clone(), |gap| gamma_cdf(shape, shape * gap)), "shape {shape}");
        let other = shape * 1.1;
        assert!(is_rejected(gaps, |gap| gamma_cdf(other, other * gap)), "shape {shape} passes as {other}");
    }
}

/// A burst must not make the load thicker: as many arrivals as the area says, on average over seeds. A process that
/// began with a whole gap would have 1.5 more.
#[test]
fn gamma_arrivals_are_as_many_as_asked_for() {
    let load = scenario("executor: gamma-arrival-rate, rate: 20/s, for: 1s, shape: 0.25");
    let seeds = 4_000;
    let arrivals: usize = (0..seeds).map(|seed| replan(&load, seed).arrivals.len()).sum();
    let mean = arrivals as f64 / seeds as f64;
    assert!((mean - 20.0).abs() < 0.6, "{mean}");
}

/// The regularised lower incomplete gamma function: its series, or Lentz's continued fraction (Numerical Recipes, 6.2).
fn gamma_cdf(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let factor = (shape * x.ln() - x - libm::lgamma(shape)).exp();
    if x < shape + 1.0 {
        let (mut term, mut sum, mut k) = (1.0 / shape, 1.0 / shape, shape);
        while term > sum * 1e-15 {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return sum * factor;
    }
    let mut odd = x + 1.0 - shape;
    let (mut above, mut below) = (1e300, 1.0 / odd);
    let mut fraction = below;
    for number in 1..500 {
        let number = f64::from(number);
        let even = -number * (number - shape);
        odd += 2.0;
        below = 1.0 / (even * below + odd);
        above = odd + even / above;
        fraction *= below * above;
    }
    1.0 - factor * fraction
}

#[test]
fn the_gamma_function_of_these_tests_is_right() {
    let check = |shape: f64, x: f64, expected: f64| {
        let got = gamma_cdf(shape, x);
        assert!((got - expected).abs() < 1e-9, "{shape} {x}: {got}");
    };
    // Shape 1 is exponential, shape 1/2 is erf(√x), shape 4 the tail of a Poisson count.
    check(1.0, 0.7, 1.0 - (-0.7f64).exp());
    check(1.0, 5.0, 1.0 - (-5f64).exp());
    check(0.5, 0.3, libm::erf(0.3f64.sqrt()));
    check(0.5, 3.0, libm::erf(3f64.sqrt()));
    check(4.0, 6.0, 1.0 - (-6f64).exp() * (1.0 + 6.0 + 18.0 + 36.0));
}

/// Until any moment, an even load has as many arrivals as the area under its rate says, within 1.
fn check_area(workload: &str, area: impl Fn(f64) -> f64) {
    let plan = plan(workload, 1);
    for tick in 0..=1_000u64 {
        let at_ns = tick * 10_000_000;
        let due = plan.arrivals.partition_point(|arrival| arrival.at_ns < at_ns) as f64;
        let expected = area(at_ns as f64 / 1e9);
        assert!((due - expected).abs() <= 1.0, "{workload}: {due} arrivals until {at_ns} ns, {expected} expected");
    }
    assert!(plan.arrivals.is_sorted());
}

#[test]
fn even_loads_have_the_area_under_their_rate_at_any_moment() {
    let sine = |amplitude: f64, period: f64| {
        move |t: f64| {
            200.0 * t + amplitude * period / std::f64::consts::TAU * (1.0 - (std::f64::consts::TAU * t / period).cos())
        }
    };
    check_area("executor: sine-arrival-rate, rate: 200/s, amplitude: 150/s, period: 3s, for: 10s", sine(150.0, 3.0));
    // The rate touches 0 once a period.
    check_area("executor: sine-arrival-rate, rate: 200/s, amplitude: 200/s, period: 700ms, for: 10s", sine(200.0, 0.7));
    // Less than a period.
    check_area("executor: sine-arrival-rate, rate: 200/s, amplitude: 200/s, period: 1h, for: 10s", sine(200.0, 3600.0));
    check_area("executor: ramping-arrival-rate, start_rate: 10/s, stages: [{ rate: 210/s, for: 10s }]", |t| {
        10.0 * t + 10.0 * t * t
    });
    check_area("executor: step-arrival-rate, start_rate: 100/s, rate: 200/s, steps: 2, for: 10s", |t| {
        100.0 * t + 100.0 * (t - 5.0).max(0.0)
    });
    check_area(
        "executor: spike-arrival-rate, rate: 7/s, spike_rate: 900/s, spike_after: 4s, spike_for: 333ms, for: 10s",
        |t| 7.0 * t + 893.0 * (t - 4.0).clamp(0.0, 0.333),
    );
}
