//! The plan: the same on every machine, and the load it promises.

use proofload_core::plan::{Plan, Shard, UserWindow, demand};
use proofload_core::scenario::Scenario;
use proofload_core::trace::{Format, Trace, Traces};

use super::workloads::{plan, scenario, with_trace};

fn times_ms(workload: &str) -> Vec<u64> {
    plan(workload, 1).arrivals.iter().map(|arrival| arrival.at_ns / 1_000_000).collect()
}

/// `name: from - to, arrivals` of each stage, in milliseconds.
fn stages(workload: &str) -> Vec<String> {
    let plan = plan(workload, 1);
    let ms = |ns: u64| ns / 1_000_000;
    let shown = plan.workloads[0].stages.iter();
    shown.map(|s| format!("{}: {} - {}, {}", s.name, ms(s.starts_ns), ms(s.ends_ns), s.arrivals)).collect()
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
fn steps_are_holds_of_equal_length() {
    let up = "executor: step-arrival-rate, start_rate: 10/s, rate: 40/s, steps: 4, for: 10s";
    assert_eq!(stages(up), ["1: 0 - 2500, 25", "2: 2500 - 5000, 50", "3: 5000 - 7500, 75", "4: 7500 - 10000, 100"]);
    let thirds = plan("executor: step-arrival-rate, start_rate: 30/s, rate: 10/s, steps: 3, for: 10s", 1);
    assert_eq!(thirds.workloads[0].stages.last().unwrap().ends_ns, 10_000_000_000);
}

#[test]
fn a_spike_stands_between_two_holds() {
    let spike =
        "executor: spike-arrival-rate, rate: 10/s, spike_rate: 200/s, spike_after: 2s, spike_for: 500ms, for: 5s";
    assert_eq!(stages(spike), ["before: 0 - 2000, 20", "spike: 2000 - 2500, 100", "after: 2500 - 5000, 25"]);
    let at_once = "executor: spike-arrival-rate, rate: 0/s, spike_rate: 9/s, spike_after: 0s, spike_for: 1s, for: 1s";
    assert_eq!(stages(at_once), ["spike: 0 - 1000, 9"]);
}

#[test]
fn a_plan_depends_on_the_seed_alone() {
    let poisson = "executor: poisson-arrival-rate, rate: 500/s, for: 10s";
    let (a, b) = (plan(poisson, 7), plan(poisson, 7));
    assert_eq!(a, b);
    assert_ne!(a.arrivals, plan(poisson, 8).arrivals);
    // As the first version of proofload had it.
    let sum = a.arrivals.iter().fold(0u64, |sum, arrival| sum.wrapping_mul(31).wrapping_add(arrival.at_ns));
    assert_eq!((a.arrivals.len(), sum), (5088, 0x1be1_3a4a_1267_32d6));
}

/// One plan of each model. Computed once; another value on any machine means that the plan is not portable.
#[test]
fn plans_are_the_same_on_every_machine() {
    let models = [
        "executor: constant-arrival-rate, rate: 333/s, for: 10s",
        "executor: ramping-arrival-rate, start_rate: 7/s, stages: [{ rate: 500/s, for: 7s }, { rate: 0/s, for: 3s }]",
        "executor: step-arrival-rate, start_rate: 10/s, rate: 700/s, steps: 7, for: 10s",
        "executor: poisson-arrival-rate, rate: 500/s, for: 10s",
        "executor: gamma-arrival-rate, rate: 500/s, for: 10s, shape: 0.25",
        "executor: gamma-arrival-rate, stages: [{ rate: 500/s, for: 5s }, { rate: 50/s, for: 5s }], shape: 4",
        "executor: sine-arrival-rate, rate: 300/s, amplitude: 300/s, period: 3s, for: 10s",
        "executor: spike-arrival-rate, rate: 30/s, spike_rate: 3000/s, spike_after: 2s, spike_for: 1s, for: 10s",
        "executor: trace-replay, trace: { file: mooncake-head.jsonl, format: mooncake, speed: 1.7, from: 9s, for: 50s }",
        "executor: ramping-vus, start_vus: 3, stages: [{ vus: 50, for: 7s }, { vus: 0, for: 5s }]",
        "executor: shared-iterations, vus: 7, iterations: 100",
    ];
    let told = models.map(|model| format!("{model}\n    {}", fingerprint(&plan(model, 7))));
    insta::assert_snapshot!(told.join("\n"));
}

fn fingerprint(plan: &Plan) -> String {
    let mix = |sum: u64, number: u64| sum.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number);
    let arrivals = plan.arrivals.iter().fold(0, |sum, due| mix(mix(sum, due.at_ns), u64::from(due.iteration)));
    let users =
        plan.users.iter().fold(0, |sum, user| mix(mix(mix(sum, user.starts_ns), user.ends_ns), user.user.into()));
    format!(
        "{} arrivals {arrivals:016x}, {} users {users:016x}, ends at {} ns",
        plan.arrivals.len(),
        plan.users.len(),
        plan.ends_ns
    )
}

#[test]
fn virtual_users_come_and_go_as_in_k6() {
    let users = |workload: &str| -> Vec<(u32, u64, u64)> {
        let ms = |user: &UserWindow| (user.user, user.starts_ns / 1_000_000, user.ends_ns / 1_000_000);
        plan(workload, 1).users.iter().map(ms).collect()
    };
    // The last user of a rise comes at its end, and who came last goes first.
    assert_eq!(
        users(
            "executor: ramping-vus, start_vus: 1, stages: [{ vus: 3, for: 2s }, { vus: 3, for: 1s }, { vus: 0, for: 3s }]"
        ),
        [(0, 0, 6000), (1, 1000, 5000), (2, 2000, 4000)]
    );
    // A stage of no length jumps; a user who went comes again.
    assert_eq!(
        users(
            "executor: ramping-vus, stages: [{ vus: 2, for: 0s }, { vus: 1, for: 1s }, { vus: 2, for: 1s }, { vus: 2, for: 1s }], after: 1s"
        ),
        [(0, 1000, 4000), (1, 1000, 2000), (1, 3000, 4000)]
    );
    assert_eq!(users("executor: constant-vus, vus: 2, for: 3s"), [(0, 0, 3000), (1, 0, 3000)]);
    assert_eq!(users("executor: shared-iterations, vus: 1, iterations: 9"), [(0, 0, 600_000)]);
}

#[test]
fn a_replay_keeps_the_recorded_times_and_numbers() {
    let text = "{\"timestamp\":5000,\"input_length\":1}\n{\"timestamp\":6000,\"input_length\":2}\n{\"timestamp\":9000,\"input_length\":3}\n";
    let due = |words: &str, scale: f64| -> Vec<(u64, u32)> {
        let workload = format!("executor: trace-replay, trace: {{ file: t, format: mooncake{words} }}, after: 1s");
        let scenario = scenario(&workload).scaled(scale);
        let traces = with_trace(&scenario, &Trace::parse(Format::Mooncake, "t", text).unwrap());
        let plan = Plan::new(&scenario, &traces, 1).unwrap();
        plan.arrivals.iter().map(|arrival| (arrival.at_ns / 1_000_000, arrival.iteration)).collect()
    };
    assert_eq!(due("", 1.0), [(1000, 0), (2000, 1), (5000, 2)]);
    assert_eq!(due(", speed: 0.5", 1.0), [(1000, 0), (3000, 1), (9000, 2)]);
    assert_eq!(due(", from: 1s", 1.0), [(1000, 1), (4000, 2)]);
    assert_eq!(due(", from: 500ms, for: 1s", 1.0), [(1500, 1)]);
    // Thinner leaves entries out; thicker repeats them under numbers that lead to the same entry.
    assert_eq!(due("", 0.5), [(2000, 1)]);
    assert_eq!(due("", 2.0), [(1000, 0), (1000, 3), (2000, 1), (2000, 4), (5000, 2), (5000, 5)]);
}

#[test]
fn a_plan_that_cannot_be_made_is_refused() {
    let refused = |workload: &str| {
        let scenario = scenario(workload);
        Plan::new(&scenario, &Traces::default(), 1).unwrap_err().to_string()
    };
    let cut = scenario("executor: trace-replay, trace: { file: a.jsonl, format: mooncake, from: 1h }");
    let told = [
        refused("executor: constant-arrival-rate, rate: 1000000/s, for: 1h"),
        refused("executor: trace-replay, trace: { file: a.jsonl, format: mooncake }"),
        refused(
            "executor: ramping-vus, stages: [{vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}, {vus: 0, for: 1s}, {vus: 1000000, for: 1s}]",
        ),
        Plan::new(&cut, &with_trace(&cut, &super::workloads::mooncake()), 1).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

const MIXED: &str = "apiVersion: proofload/v1
kind: Scenario
name: t
system: s
flows:
  f: [{ request: { name: a, path: / } }, { request: { name: b, path: / } }]
workloads:
  a: { flow: f, executor: poisson-arrival-rate, stages: [{ rate: 50/s, for: 3s }, { rate: 100/s, for: 4s }] }
  b: { flow: f, executor: gamma-arrival-rate, rate: 40/s, for: 5s, shape: 0.3, after: 1s, max_in_flight: 10 }
  c: { flow: f, executor: ramping-vus, stages: [{ vus: 11, for: 3s }, { vus: 2, for: 3s }], think_time: 500ms..1s }
  d: { flow: f, executor: trace-replay, trace: { file: m.jsonl, format: mooncake, speed: 10 } }
  e: { flow: f, executor: shared-iterations, vus: 5, iterations: 17, think_time: 2s }
";

fn mixed(seed: u64) -> (Scenario, Plan) {
    let scenario = Scenario::parse("t.yaml", MIXED).unwrap();
    let plan = Plan::new(&scenario, &with_trace(&scenario, &super::workloads::mooncake()), seed).unwrap();
    (scenario, plan)
}

#[test]
fn shards_together_are_the_plan() {
    for seed in 0..20 {
        let (_, whole) = mixed(seed);
        for of in [1, 2, 3, 7, 16] {
            let shards: Vec<Plan> = (0..of).map(|index| whole.shard(index, of)).collect();
            let mut arrivals: Vec<_> = shards.iter().flat_map(|shard| shard.arrivals.clone()).collect();
            let mut users: Vec<_> = shards.iter().flat_map(|shard| shard.users.clone()).collect();
            arrivals.sort_unstable();
            users.sort_unstable();
            assert!(arrivals == whole.arrivals && users == whole.users, "{of} shards of seed {seed}");
            for (number, workload) in whole.workloads.iter().enumerate() {
                let parts: Vec<_> = shards.iter().map(|shard| &shard.workloads[number]).collect();
                assert_eq!(parts.iter().map(|part| part.arrivals).sum::<u64>(), workload.arrivals);
                let least = parts.iter().map(|part| part.arrivals).min().unwrap();
                assert!(parts.iter().all(|part| part.arrivals <= least + 1), "the parts are equal");
                for (place, stage) in workload.stages.iter().enumerate() {
                    assert_eq!(parts.iter().map(|part| part.stages[place].arrivals).sum::<u64>(), stage.arrivals);
                }
            }
        }
    }
}

#[test]
fn shares_of_shards_together_are_the_whole() {
    for of in 1..20 {
        let shards = || (0..of).map(move |index| Shard { index, of });
        for total in [0u64, 1, 7, 1000] {
            assert_eq!(shards().map(|shard| shard.share(total)).sum::<u64>(), total);
            let own = shards().flat_map(|shard| (0..shard.share(total)).map(move |own| shard.number(own)));
            let mut numbers: Vec<u64> = own.collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..total).collect::<Vec<_>>(), "{total} by {of}");
            assert!(shards().all(|shard| shard.has(shard.number(5))));
        }
    }
}

#[test]
fn a_plan_says_what_it_asks_of_the_machine() {
    let (scenario, plan) = mixed(1);
    insta::assert_debug_snapshot!(demand(&scenario, &plan));
    let asked = |workload: &str| demand(&super::workloads::scenario(workload), &super::workloads::plan(workload, 1));
    // A spike of 100 ms in an otherwise quiet second.
    let spike = asked(
        "executor: spike-arrival-rate, rate: 0/s, spike_rate: 1000/s, spike_after: 1s, spike_for: 100ms, for: 3s",
    );
    assert_eq!((spike.arrivals_in_1s, spike.arrivals_in_100ms, spike.on_the_wire), (100, 100, 100));
    let even = asked("executor: constant-arrival-rate, rate: 100/s, for: 3s, max_in_flight: 50");
    assert_eq!((even.arrivals_in_1s, even.arrivals_in_100ms, even.connections_in_1s), (100, 10, Some(100)));
    assert_eq!((even.on_the_wire, even.file_descriptors), (50, 50 + 10 + 256));
    assert_eq!(even.memory_bytes_with(1000), 50 * 32 * 1024 + 300 * 16 + 1000);
    // Users who do not think are as fast as the answers.
    let users = asked("executor: constant-vus, vus: 7, for: 3s");
    assert_eq!((users.on_the_wire, users.users, users.connections_in_1s), (7, 7, None));
}
