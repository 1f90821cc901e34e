//! The way of a pass through loops and branches depends on the seed, the workload and the number of the pass alone.

use proofload_core::data::{Table, row};
use proofload_core::scenario::{DataPick, Flow, Leaf, Scenario, TraceUse};
use proofload_core::trace::Field;

fn scenario(steps: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: {steps}\nworkloads:\n  w: {{ flow: f, executor: constant-vus, vus: 1, for: 1s }}\n"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

const STEPS: &str = "[request: { name: a, path: / }, loop: { times: 2, steps: [choose: [{ weight: 3, steps: [request: { name: b, path: / }] }, { weight: 1, steps: [think: 1s, request: { name: c, path: / }] }]] }, request: { name: d, path: / }]";

/// The walk of one pass in letters, a dot for each think.
fn walk(scenario: &Scenario, seed: u64, workload: usize, iteration: u64) -> String {
    let letter = |leaf: Leaf<'_>| match leaf {
        Leaf::Request(request) => request.name.clone(),
        Leaf::Job(_) => "j".to_owned(),
        Leaf::Think { .. } => ".".to_owned(),
    };
    scenario.flows[0].walk(seed, workload, iteration).map(letter).collect()
}

#[test]
fn a_walk_is_the_same_every_time_and_another_with_every_number() {
    let scenario = scenario(STEPS);
    let walks: Vec<String> = (0..8).map(|iteration| walk(&scenario, 1, 0, iteration)).collect();
    assert_eq!(walks.join(" "), "a.cbd ab.cd abbd abbd abbd abbd ab.cd abbd");
    let again: Vec<String> = (0..8).map(|iteration| walk(&scenario, 1, 0, iteration)).collect();
    assert_eq!(walks, again);
    let all = |seed, workload| (0..64).map(|iteration| walk(&scenario, seed, workload, iteration)).collect::<String>();
    assert_ne!(all(1, 0), all(2, 0));
    assert_ne!(all(1, 0), all(1, 1));
}

#[test]
fn branches_come_by_their_weights_in_every_round() {
    let scenario = scenario(STEPS);
    let walks: Vec<String> = (0..4000).map(|iteration| walk(&scenario, 7, 0, iteration)).collect();
    let first_c = walks.iter().filter(|walk| walk.starts_with("a.c")).count();
    let last_c = walks.iter().filter(|walk| walk.ends_with("cd")).count();
    let both = walks.iter().filter(|walk| *walk == "a.c.cd").count();
    // A quarter each, and the rounds do not know of each other: 3.3 standard deviations of a binomial.
    assert!(
        (1000 - 90..1000 + 90).contains(&first_c) && (1000 - 90..1000 + 90).contains(&last_c),
        "{first_c} {last_c}"
    );
    assert!((250 - 50..250 + 50).contains(&both), "{both}");
    let times = ["a", "b", "c", "d", "f"].map(|name| scenario.flows[0].times_per_pass(name));
    assert_eq!(format!("{times:?}"), "[1.0, 1.5, 0.5, 1.0, 0.0]");
    assert_eq!(scenario.flows[0].requests_per_pass_max(), 4);
}

#[test]
fn loops_in_loops_are_walked_round_by_round() {
    let steps = "[loop: { times: 2, steps: [request: { name: a, path: / }, loop: { times: 3, steps: [request: { name: b, path: / }] }] }]";
    assert_eq!(walk(&scenario(steps), 1, 0, 0), "abbbabbb");
}

#[test]
fn requests_are_numbered_over_all_flows_in_the_order_of_their_names() {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  z: [request: {{ name: e, path: / }}]\n  f: {STEPS}\nworkloads:\n  w: {{ flow: f, executor: constant-vus, vus: 1, for: 1s }}\n"
    );
    let scenario = Scenario::parse("t.yaml", &text).unwrap();
    let requests = scenario.flows.iter().flat_map(Flow::requests);
    let numbered: Vec<String> = requests.map(|request| format!("{}{}", request.index, request.name)).collect();
    assert_eq!(numbered, ["0a", "1b", "2c", "3d", "4e"]);
    assert_eq!(scenario.step_names(), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_field_of_a_trace_within_a_branch_of_a_loop_needs_a_replay() {
    let text = |workload: &str| {
        format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: [loop: {{ times: 2, steps: [choose: [{{ weight: 1, steps: [request: {{ name: a, path: \"{{{{trace path}}}}\" }}] }}, {{ weight: 1, steps: [request: {{ name: b, path: / }}] }}]] }}]\nworkloads:\n  w: {{ flow: f, {workload} }}\n"
        )
    };
    let replayed = text("executor: trace-replay, trace: { file: l, format: har }");
    let uses = &Scenario::parse("t.yaml", &replayed).unwrap().flows[0].trace_uses;
    assert_eq!(*uses, [TraceUse::Field(Field::Path)]);
    let told = Scenario::parse("t.yaml", &text("executor: constant-vus, vus: 1, for: 1s")).unwrap_err().to_string();
    assert!(told.contains("{{trace path}}"), "{told}");
}

#[test]
fn a_row_is_picked_by_the_pass_alone() {
    let table = Table::parse("users.csv", "email,age\na@x,1\nb@x,2\nc@x,3\n").unwrap();
    let rows = |pick, workload| {
        let row = |iteration| row(pick, table.rows(), 5, (workload, iteration)).to_string();
        (0..12).map(row).collect::<String>()
    };
    assert_eq!(rows(DataPick::Cycle, 0), "012012012012");
    assert_eq!(rows(DataPick::Uniform, 0), rows(DataPick::Uniform, 0));
    assert_ne!(rows(DataPick::Uniform, 0), rows(DataPick::Uniform, 1));
    assert!(["0", "1", "2"].iter().all(|row| rows(DataPick::Uniform, 0).contains(row)));
    assert_eq!((table.cell(2, "email"), table.cell(3, "email"), table.cell(0, "name")), (Some("c@x"), None, None));
}
