//! The plan: the same on every machine, and the load it promises.

#![expect(clippy::cast_precision_loss, reason = "made-up numbers are small")]

use proofload_core::plan::{Picker, Plan};
use proofload_core::scenario::{Pick, Scenario};

fn scenario(workload: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: [{{ request: {{ name: r, path: / }} }}]\nworkloads:\n  w: {{ flow: f, {workload} }}\n"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

fn times_ms(workload: &str) -> Vec<u64> {
    let plan = Plan::new(&scenario(workload), 1).unwrap();
    plan.arrivals.iter().map(|arrival| arrival.at_ns / 1_000_000).collect()
}

#[test]
fn even_arrivals_stand_in_the_middle_of_their_share() {
    assert_eq!(times_ms("executor: constant-arrival-rate, rate: 4/s, for: 1s"), [125, 375, 625, 875]);
    assert_eq!(times_ms("executor: constant-arrival-rate, rate: 2/s, for: 1s, after: 3s"), [3250, 3750]);
}

#[test]
fn a_ramp_has_the_area_under_its_rate() {
    // From 0 to 8/s in 1 s: 4 arrivals, due when 4t² reaches 1/2, 3/2, 5/2, 7/2.
    let ramp = "executor: ramping-arrival-rate, start_rate: 0/s, stages: [{ rate: 8/s, for: 1s }]";
    assert_eq!(times_ms(ramp), [353, 612, 790, 935]);
    let down = "executor: ramping-arrival-rate, start_rate: 8/s, stages: [{ rate: 0/s, for: 1s }]";
    assert_eq!(times_ms(down), [64, 209, 387, 646]);
}

#[test]
fn a_plan_depends_on_the_seed_alone() {
    let poisson = scenario("executor: poisson-arrival-rate, rate: 500/s, for: 10s");
    let (a, b) = (Plan::new(&poisson, 7).unwrap(), Plan::new(&poisson, 7).unwrap());
    assert_eq!(a, b);
    assert_ne!(a.arrivals, Plan::new(&poisson, 8).unwrap().arrivals);
    // Computed once; another value on any machine means that the plan is not portable.
    let sum = a.arrivals.iter().fold(0u64, |sum, arrival| sum.wrapping_mul(31).wrapping_add(arrival.at_ns));
    insta::assert_snapshot!(format!("{} arrivals, {sum:016x}", a.arrivals.len()));
}

/// Count test at 2.58 σ and Kolmogorov–Smirnov test at 1 % (`facts/load-tools.md` §4) must each reject about 1 % of
/// seeds; over 2,000 seeds a sound plan stays within ± 4 σ of that, and the KS test's asymptotic line rejects less.
#[test]
fn poisson_arrivals_are_poisson() {
    let (rate, length_s, seeds) = (200.0, 5.0, 2_000u32);
    let poisson = scenario("executor: poisson-arrival-rate, rate: 200/s, for: 5s");
    let (mut by_count, mut by_gaps) = (0, 0);
    for seed in 0..u64::from(seeds) {
        let plan = Plan::new(&poisson, seed).unwrap();
        let n = plan.arrivals.len() as f64;
        let expected: f64 = rate * length_s;
        by_count += u32::from((n - expected).abs() > 2.58 * expected.sqrt());
        by_gaps += u32::from(ks_distance(&plan, rate) > 1.63 / n.sqrt());
    }
    for (test, rejected) in [("count", by_count), ("gaps", by_gaps)] {
        assert!((2..=38).contains(&rejected), "{test}: {rejected} of {seeds} seeds rejected");
    }
}

/// Largest distance between the gaps' distribution and the exponential one.
fn ks_distance(plan: &Plan, rate: f64) -> f64 {
    let mut last = 0;
    let mut gaps: Vec<f64> = Vec::new();
    for arrival in &plan.arrivals {
        gaps.push((arrival.at_ns - last) as f64 / 1e9);
        last = arrival.at_ns;
    }
    gaps.sort_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let distance = |(index, gap): (usize, &f64)| {
        let truth = 1.0 - (-rate * gap).exp();
        (truth - index as f64 / n).abs().max((truth - (index as f64 + 1.0) / n).abs())
    };
    gaps.iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[test]
fn an_even_load_is_not_taken_for_poisson() {
    let even = Plan::new(&scenario("executor: constant-arrival-rate, rate: 200/s, for: 5s"), 1).unwrap();
    assert!(ks_distance(&even, 200.0) > 1.63 / 1000f64.sqrt());
}

#[test]
fn a_plan_that_would_not_fit_into_memory_is_refused() {
    let huge = scenario("executor: constant-arrival-rate, rate: 1000000/s, for: 1h");
    assert_eq!(
        Plan::new(&huge, 1).unwrap_err().to_string(),
        "the workloads ask for about 3600000000 arrivals, and a plan holds at most 200000000; lower the rates or shorten the stages"
    );
}

#[test]
fn payloads_are_picked_as_asked() {
    let shares = |pick: Pick| {
        let picker = Picker::new(pick, 3, 1);
        let mut counts = [0u32; 3];
        (0..3_000).for_each(|number| counts[picker.pick(number)] += 1);
        counts
    };
    assert_eq!(shares(Pick::Cycle), [1_000, 1_000, 1_000]);
    let uniform = shares(Pick::Uniform);
    assert!(uniform.iter().all(|count| (900..1_100).contains(count)), "{uniform:?}");
    // Weights 1, 1/2, 1/3 of 11/6.
    let zipf = shares(Pick::Zipf { exponent: 1.0 });
    assert!((1_540..1_740).contains(&zipf[0]) && (450..650).contains(&zipf[2]), "{zipf:?}");
}
