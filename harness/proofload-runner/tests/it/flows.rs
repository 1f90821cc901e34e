//! Loops, branches, data files and checks against a fake server that counts what it is asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use proofload_core::evidence::{RunRecord, Second, StepKind};
use proofload_core::judge::judge;
use proofload_core::scenario::{Leaf, Scenario};

use crate::driven::{drive, drive_with, scenario_of};

/// Forty passes of the given steps, one a tick of 25 ms.
pub(crate) fn scenario(steps: &str, rest: &str) -> Scenario {
    let text = format!(
        "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f:\n{steps}\nworkloads:\n  w: {{ flow: f, executor: constant-arrival-rate, rate: 40/s, for: 1s }}\n{rest}\n"
    );
    Scenario::parse("t.yaml", &text).unwrap()
}

/// Serves a router, with a readiness path of its own.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.route("/ready", get(|| async { "ok" }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// What the judge says of one rule. A busy machine may make the whole run invalid, and says nothing of this.
pub(crate) fn outcome(scenario: &Scenario, record: &RunRecord, title: &str) -> String {
    let report = judge(scenario, record);
    let finding = report.findings.iter().find(|finding| finding.title == title).unwrap();
    format!("{}: {}", finding.outcome, finding.message)
}

/// How often each path was asked for.
type Asked = Arc<Mutex<BTreeMap<String, u64>>>;

/// Answers every path, `ok` with its own number of asking: `{"state": "even" | "odd", "times": N}`.
async fn counting_server() -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let counted = Arc::clone(&asked);
    let answer = move |Path(path): Path<String>| async move {
        let mut counted = counted.lock().unwrap();
        let times = counted.entry(path.clone()).or_default();
        *times += 1;
        if path.starts_with("twice/") && *times > 2 {
            return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
        }
        let number: u64 = path.rsplit('/').next().and_then(|last| last.parse().ok()).unwrap_or(0);
        let state = if number.is_multiple_of(2) { "even" } else { "odd" };
        (StatusCode::OK, format!("{{\"state\": \"{state}\", \"times\": {times}}}"))
    };
    (serve(Router::new().route("/{*path}", get(answer))).await, asked)
}

/// Sums over all seconds of a request: due, answered, wrong, broken.
fn sums(record: &RunRecord, name: &str) -> [u64; 4] {
    let step = record.step(StepKind::Request, name).unwrap();
    let sum = |pick: fn(&Second) -> u64| step.seconds.iter().map(pick).sum();
    [sum(|second| second.due), sum(|second| second.answered), sum(|second| second.errors), sum(|second| second.broken)]
}

fn asked_for(asked: &Asked, prefix: &str) -> u64 {
    asked.lock().unwrap().iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, times)| times).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_walked_exactly_as_often_as_it_says() {
    let (address, asked) = counting_server().await;
    let steps = "    - request: { name: a, path: /a }
    - loop: { times: 3, steps: [request: { name: b, path: /b }, loop: { times: 2, steps: [request: { name: c, path: /c }] }] }";
    let record = drive(&scenario(steps, ""), address).await;
    let told = ["a", "b", "c"].map(|name| (sums(&record, name), asked_for(&asked, name)));
    assert_eq!(told, [([40, 40, 0, 0], 40), ([120, 120, 0, 0], 120), ([240, 240, 0, 0], 240)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn branches_are_those_of_the_seed() {
    let (address, asked) = counting_server().await;
    let steps = "    - choose:
      - { weight: 3, steps: [request: { name: a, path: '/a/{{iteration}}' }] }
      - { weight: 1, steps: [think: 1ms..3ms, request: { name: b, path: '/b/{{iteration}}' }] }
    - request: { name: c, path: /c }";
    let scenario = scenario(steps, "");
    let record = drive(&scenario, address).await;
    let first = |iteration: u64| match scenario.flows[0].walk(1, 0, iteration).next() {
        Some(Leaf::Request(request)) => format!("{}/{iteration}", request.name),
        _ => format!("b/{iteration}"),
    };
    let mut expected: BTreeMap<String, u64> = (0..40).map(|iteration| (first(iteration), 1)).collect();
    expected.insert("c".to_owned(), 40);
    assert_eq!(*asked.lock().unwrap(), expected);
    let told = ["a", "b", "c"].map(|name| sums(&record, name)[0]);
    assert_eq!(told, [EXPECTED_A, 40 - EXPECTED_A, 40]);
}

/// What seed 1 draws: 3 of 4 of 40, as chance will have it.
const EXPECTED_A: u64 = 33;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pass_uses_its_row() {
    let (address, asked) = counting_server().await;
    let steps =
        "    - loop: { times: 2, steps: [request: { name: a, path: '/{{data users.name}}/{{data users.age}}' }] }";
    let files = [("users.csv", "name,age\nann,1\nbob,2\n\"c y\",3\n"), ("users.jsonl", "{\"name\":\"x\",\"age\":7}\n")];
    let by_file = |file: &str| scenario(steps, &format!("data: {{ users: {{ file: {file} }} }}"));
    drive_with(&by_file("users.jsonl"), address, &files).await;
    let record = drive_with(&by_file("users.csv"), address, &files).await;
    // A space cannot stand in a path: that request is not sent, and counted.
    assert_eq!(sums(&record, "a"), [80, 54, 0, 26]);
    let expected = [("ann/1", 28), ("bob/2", 26), ("x/7", 80)].map(|(path, times)| (path.to_owned(), times));
    assert_eq!(*asked.lock().unwrap(), BTreeMap::from(expected));
}

const CHECKED: &str = "    - request:
        name: a
        path: '/a/{{iteration}}'
        extract: { times: { json: /times } }
        checks:
          - { status: [200, 204] }
          - { json: /state, equals: even }
          - { json: /nothing, exists: false }
          - { header: Content-Type, contains: text/plain }
          - { body: , matches: '\"times\": [0-9]+' }
          - { bytes: ..20 }
    - request: { name: b, path: /b, checks: [{ json: /times, equals: '{{times}}' }] }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_are_counted_and_judged_and_end_no_pass() {
    let (address, _) = counting_server().await;
    let rules = |max: &str| {
        format!(
            "slos: [{{ sli: checks(a), max: {max} }}, {{ sli: checks(b), max: 100% }}, {{ sli: errors(a), max: 10% }}]"
        )
    };
    let scenario_of = |max: &str| scenario(CHECKED, &rules(max));
    let record = drive(&scenario_of("10%"), address).await;
    let counts = |name: &str| -> Vec<String> {
        let checks = &record.step(StepKind::Request, name).unwrap().checks;
        checks.iter().map(|(name, counts)| format!("{name}: {}/{}", counts.passed, counts.failed)).collect()
    };
    assert_eq!(
        counts("a"),
        [
            "body matches \"times\": [0-9]+: 40/0",
            "bytes 0..20: 0/40",
            "header Content-Type contains text/plain: 40/0",
            "json /nothing does not exist: 40/0",
            "json /state equals even: 20/20",
            "status 200 or 204: 40/0",
        ]
    );
    // The first pass is the first to ask for /b too.
    assert_eq!(counts("b"), ["json /times equals {{times}}: 1/39"]);
    assert_eq!((sums(&record, "a"), sums(&record, "b")), ([40, 40, 0, 0], [40, 40, 0, 0]));
    let strict = outcome(&scenario_of("10%"), &record, "checks(a) ≤ 10%");
    assert!(strict.starts_with("FAIL: 60 of 240 checks did not hold: `bytes 0..20` 40×"), "{strict}");
    let lenient = outcome(&scenario_of("30%"), &record, "checks(a) ≤ 30%");
    assert!(lenient.starts_with("PASS: 60 of 240"), "{lenient}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_no_check_holds() {
    let address = crate::bad_servers::server(|stream, _| async move { drop(stream) }).await;
    let steps = "    - request: { name: a, path: /, checks: [{ status: 200 }, { json: /x, exists: false }] }
    - request: { name: b, path: /, checks: [{ status: 200 }] }";
    let record = drive(&scenario(steps, ""), address).await;
    let failed = |name: &str| -> Vec<(u64, u64)> {
        let checks = &record.step(StepKind::Request, name).unwrap().checks;
        checks.values().map(|counts| (counts.passed, counts.failed)).collect()
    };
    assert_eq!((failed("a"), failed("b")), (vec![(0, 40), (0, 40)], vec![(0, 40)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_is_cut_in_a_loop_counts_the_rest() {
    let (address, asked) = counting_server().await;
    let steps = "    - loop:
        times: 5
        steps:
          - request: { name: a, path: '/twice/{{iteration}}' }
          - choose: [{ weight: 1, steps: [request: { name: b, path: /b }] }, { weight: 1, steps: [request: { name: c, path: /c }] }]
    - request: { name: d, path: /d }";
    let scenario = scenario(steps, "");
    let record = drive(&scenario, address).await;
    // Every pass gets two good answers and a bad one; two rounds more and the last step are not reached.
    let classes: Vec<_> = record.steps.iter().map(|step| (&step.name, &step.error_classes)).collect();
    assert_eq!(sums(&record, "a"), [200, 120, 40, 80], "{classes:?}");
    assert_eq!(sums(&record, "d"), [40, 0, 0, 40]);
    assert_eq!(asked_for(&asked, "twice/"), 120);
    // Of the branches, what would have been taken is counted, to the last one.
    let planned = |name: &str| {
        let walks = (0..40).flat_map(|iteration| scenario.flows[0].walk(1, 0, iteration));
        walks.filter(|leaf| matches!(leaf, Leaf::Request(request) if request.name == name)).count() as u64
    };
    let (b, c) = (sums(&record, "b"), sums(&record, "c"));
    assert_eq!((b[0], c[0]), (planned("b"), planned("c")));
    assert_eq!((b[0] + c[0], b[1] + c[1], b[3] + c[3]), (200, 80, 120));
    assert_eq!((b[1], c[1]), (asked_for(&asked, "b"), asked_for(&asked, "c")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_iterations_end_with_their_last_pass() {
    let (address, _) = counting_server().await;
    let load = "executor: shared-iterations, vus: 4, iterations: 80, think_time: 100ms..100ms, for: 60s";
    let flows = "flows:\n  f: [{ request: { name: a, path: /a } }]\n";
    let scenario = scenario_of(flows, load, "{ sli: throughput(a), min: 10/s }");
    let record = drive(&scenario, address).await;
    assert_eq!(sums(&record, "a"), [80, 80, 0, 0]);
    // 20 rounds of a tenth of a second; a minute would be 1.3 a second.
    let lasted_s = record.plan[0].ends_ns / 1_000_000_000;
    assert!((1..20).contains(&lasted_s), "{lasted_s}");
    assert!(record.run.lasted_ms < 30_000, "{}", record.run.lasted_ms);
    assert_eq!(judge(&scenario, &record).verdict.to_string(), "PASS");
}
