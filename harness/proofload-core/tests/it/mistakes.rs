//! Mistakes in scenarios and environments: each is refused with file, line, column and the next thing to try.

use std::fmt::Write;

use proofload_core::environment::Environment;
use proofload_core::scenario::Scenario;

const SCENARIO: &str = r#"apiVersion: proofload/v1
kind: Scenario
name: demo
system: shop
payloads:
  photos: { files: photos/*.png, pick: zipf, exponent: 1.1 }
flows:
  upload-photo:
    - request:
        name: upload
        method: POST
        path: /photos
        auth: seller
        multipart: { file: "{{payload photos}}", title: "t-{{iteration}}" }
        expect: { status: 202 }
        extract: { photo: { json: /id } }
    - job:
        id: "{{photo}}"
        poll: { path: "/photos/{{photo}}", every: 250ms, timeout: 60s }
        done: { json: /state, in: [ready] }
workloads:
  uploads:
    flow: upload-photo
    executor: ramping-arrival-rate
    start_rate: 5/s
    stages:
      - { name: rise, rate: 40/s, for: 20s }
      - { name: peak, rate: 40/s, for: 60s }
slos:
  - { sli: latency(upload), p95: 300ms, during: uploads.peak, claim: steady }
  - { sli: job(upload-photo), p95: 10s }
  - { sli: ledger.lost, max: 0 }
scaling:
  - target: Deployment/resizer
    reaches: { replicas: 5, within: 60s, after: uploads.peak }
conformance:
  - { profile: fish, select: [http.health], strict: true }
"#;

/// What to replace in the scenario above, and by what; one mistake each.
const MISTAKES: &[(&str, &str)] = &[
    ("proofload/v1", "proofload/v2"),
    ("kind: Scenario", "kind: Scenery"),
    ("name: demo", "name: my demo"),
    ("workloads:", "workload:"),
    ("    flow: upload-photo", "    flow: upload-foto"),
    ("ramping-arrival-rate", "ramping-arrival-rates"),
    ("    executor: ramping-arrival-rate", "    executor: constant-arrival-rate"),
    ("    executor: ramping-arrival-rate", "    executor: constant-vus"),
    ("start_rate: 5/s", "start_rate: 5"),
    ("rate: 40/s, for: 60s", "rate: 40/s, for: 60"),
    ("rate: 40/s, for: 60s", "rate: 40/s, for: 0s"),
    ("name: peak", "name: rise"),
    ("method: POST", "method: PSOT"),
    ("status: 202", "status: 2002"),
    ("status: 202", "status: ok"),
    ("{{payload photos}}", "{{payload photo}}"),
    ("{{payload photos}}", "{{payload photos"),
    ("id: \"{{photo}}\"", "id: \"{{foto}}\""),
    ("extract: { photo: { json: /id } }", "extract: { photo: { json: id } }"),
    ("extract: { photo: { json: /id } }", "extract: { photo: { jsn: /id } }"),
    ("multipart: {", "body: text\n        multipart: {"),
    ("every: 250ms", "every: 250"),
    ("every: 250ms", "every: 2m"),
    ("in: [ready]", "in: []"),
    ("sli: latency(upload)", "sli: latency(uplaod)"),
    ("sli: latency(upload)", "sli: latencies(upload)"),
    ("sli: latency(upload)", "sli: latency(upload"),
    ("p95: 300ms", "p96: 300ms"),
    ("p95: 300ms", "p95: 300ms, p99: 1s"),
    ("p95: 300ms,", ""),
    ("{ sli: ledger.lost, max: 0 }", "{ sli: ledger.lost, p95: 1s }"),
    ("{ sli: ledger.lost, max: 0 }", "{ sli: cost.totals, max: 1 }"),
    ("{ sli: ledger.lost, max: 0 }", "{ sli: cost.total, min: 1 }"),
    ("{ sli: ledger.lost, max: 0 }", "{ sli: cost.hourly, max: 1% }"),
    ("{ sli: ledger.lost, max: 0 }", "{ sli: cost.hourly, max: 1, over: 10s }"),
    ("{ sli: ledger.lost, max: 0 }", "{ sli: cost.per_1000(uplaod), max: 1 }"),
    ("during: uploads.peak", "during: uploads.top"),
    ("during: uploads.peak", "during: upload.peak"),
    ("during: uploads.peak", "during: uploads.rise"),
    ("target: Deployment/resizer", "target: resizer"),
    ("after: uploads.peak", "after: uploads.pek"),
    ("    reaches: { replicas: 5, within: 60s, after: uploads.peak }\n", ""),
    ("exponent: 1.1", "exponent: 0"),
    ("pick: zipf", "pick: zip"),
    ("name: demo", "name: demo\nname: demo2"),
    ("system: shop\n", ""),
    ("      - { name: rise", "   - { name: rise"),
    ("flows:", "flows: ["),
    ("p95: 300ms", "p95: 300ms, mean: 100ms"),
    ("p95: 300ms", "mean: 40/s"),
    ("p95: 300ms", "min: 40ms"),
    ("p95: 300ms", "max: 5"),
    ("p95: 10s", "max: tenish"),
    ("max: 0", "mean: 0"),
    ("ledger.lost, max: 0", "queue(photos), max: 40ms"),
    ("ledger.lost, max: 0", "queue(photos), max: 5, during: 9s..2s"),
    ("ledger.lost, max: 0", "queue(photos), max: 5, during: 9s..soon"),
    ("ledger.lost, max: 0", "queue(photos), max: 5, during: 9s..9500ms"),
    ("ledger.lost, max: 0", "queue(), max: 5"),
    ("max: 0", "max: 0, over: 10s"),
    ("max: 0", "max: 0, abort_on_fail: true"),
    ("p95: 10s", "p95: 10s, confidence: 99%"),
    ("claim: steady", "confidence: 30%"),
    ("claim: steady", "confidence: sure"),
    ("claim: steady", "warm_up: 10"),
    ("p95: 10s", "p95: 10s, warm_up: auto"),
    ("profile: fish", "profile: fisch"),
    ("profile: fish", "profil: fish"),
    ("{ profile: fish, select: [http.health], strict: true }", "{ strict: true }"),
    ("profile: fish", "profile: fish, system: shops"),
    ("select: [http.health]", "select: []"),
    ("select: [http.health]", "select: http.health"),
    ("strict: true", "strict: very"),
    ("strict: true }", "strict: true }\n  - { profile: fish }"),
    ("  - { profile: fish, select: [http.health], strict: true }", "  profile: fish"),
    ("workloads:", "  other: { system: fish, steps: [think: 1s, request: { name: r, path: / }] }\nworkloads:"),
];

/// Scenarios of one workload and one payload set: what is written of them, and one mistake each.
const SHAPES: &[(&str, &str)] = &[
    ("executor: step-arrival-rate, start_rate: 1/s, rate: 5/s, for: 9s", ""),
    ("executor: step-arrival-rate, start_rate: 1/s, rate: 5/s, steps: 1, for: 9s", ""),
    ("executor: step-arrival-rate, start_rate: 1/s, rate: 5/s, steps: 3, for: 9s, vus: 3", ""),
    ("executor: gamma-arrival-rate, rate: 5/s, for: 9s, shape: 0", ""),
    ("executor: gamma-arrival-rate, rate: 5/s, for: 9s, shape: .nan", ""),
    ("executor: poisson-arrival-rate, rate: 5/s, for: 9s, shape: 2", ""),
    ("executor: sine-arrival-rate, rate: 5/s, amplitude: 6/s, period: 3s, for: 9s", ""),
    ("executor: sine-arrival-rate, rate: 5/s, amplitude: 4/s, period: 0s, for: 9s", ""),
    ("executor: sine-arrival-rate, rate: 5/s, amplitude: 4/s, for: 9s", ""),
    ("executor: sine-arrival-rate, rate: 0/s, amplitude: 0/s, period: 3s, for: 9s", ""),
    ("executor: spike-arrival-rate, rate: 5/s, spike_rate: 50/s, spike_after: 5s, spike_for: 5s, for: 9s", ""),
    ("executor: spike-arrival-rate, rate: 5/s, spike_rate: 50/s, for: 9s", ""),
    ("executor: spike-arrival-rate, rate: 5/s, spike_rate: 50/s, spike_after: 5s, spike_for: 0s, for: 9s", ""),
    ("executor: trace-replay", ""),
    ("executor: trace-replay, rate: 5/s, trace: { file: a, format: har }", ""),
    ("executor: trace-replay, trace: { file: a, format: hra }", ""),
    ("executor: trace-replay, trace: { file: a, format: har, speed: 11 }", ""),
    ("executor: trace-replay, trace: { file: a, format: har, for: 0s }", ""),
    ("executor: trace-replay, trace: { file: a }", ""),
    ("executor: ramping-vus, stages: [{ rate: 5/s, for: 9s }]", ""),
    ("executor: ramping-vus, stages: [{ vus: 5, for: 9s }], vus: 3", ""),
    ("executor: ramping-vus, stages: [{ vus: 0, for: 9s }]", ""),
    ("executor: ramping-vus, stages: [{ vus: 2000000, for: 9s }]", ""),
    ("executor: ramping-vus, stages: [{ name: a, vus: 1, for: 9s }, { name: a, vus: 1, for: 9s }]", ""),
    ("executor: ramping-vus", ""),
    ("executor: constant-arrival-rate, stages: [{ vus: 5, for: 9s }]", ""),
    ("executor: shared-iterations, vus: 5", ""),
    ("executor: shared-iterations, vus: 5, iterations: 4", ""),
    ("executor: constant-vus, vus: 5, for: 9s, iterations: 4", ""),
    ("executor: constant-arrival-rate, rate: 5/s, for: 9s, engine: goose", ""),
    ("executor: constant-vus, vus: 5, for: 9s, engine: geese", ""),
    (
        "executor: constant-vus, vus: 5, for: 9s, engine: goose }\n  w2: { flow: f, executor: constant-vus, vus: 5, for: 9s",
        "",
    ),
    ("executor: constant-vus, vus: 5, for: 9s, engine: goose", "options"),
    ("executor: constant-arrival-rate, rate: 5/s, for: 9s", "trace"),
    ("executor: constant-arrival-rate, rate: 5/s, for: 9s", "field"),
    ("executor: trace-replay, trace: { file: a, format: mooncake }", "field"),
    ("executor: constant-arrival-rate, rate: 5/s, for: 9s", "method"),
    ("", "{}"),
    ("", "{ files: a, generate: text }"),
    ("", "{ files: a, count: 3 }"),
    ("", "{ generate: text }"),
    ("", "{ generate: png, bytes: 1KiB }"),
    ("", "{ generate: text, bytes: 2KiB..1KiB }"),
    ("", "{ generate: text, bytes: 1KiB, count: 0 }"),
    ("", "{ generate: text, bytes: 1KiB, bytes_per_token: 4 }"),
    ("", "{ generate: text, from: trace, bytes: 1KiB }"),
    ("", "{ generate: text, from: trace, pick: zipf }"),
    ("", "{ generate: text, from: trace, bytes_per_token: 65 }"),
];

#[test]
fn every_mistake_in_a_shape_is_refused_with_its_place() {
    let mut told = String::new();
    for (workload, written) in SHAPES {
        let (payload, request) = match *written {
            "" => ("{ files: a }", "path: /, body: \"{{payload p}}\""),
            "trace" => ("{ files: a, pick: trace }", "path: /, body: \"{{payload p}}\""),
            "field" => ("{ files: a }", "path: \"/{{trace path}}\""),
            "options" => ("{ files: a }", "path: /, method: OPTIONS"),
            "method" => ("{ files: a }", "path: /, method: \"{{trace method}}\""),
            payload => (payload, "path: /"),
        };
        let workload = if workload.is_empty() { "executor: constant-vus, vus: 1, for: 1s" } else { workload };
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\npayloads:\n  p: {payload}\nflows:\n  f: [{{ request: {{ name: r, {request} }} }}]\nworkloads:\n  w: {{ flow: f, {workload} }}\n"
        );
        writeln!(told, "{workload} | {payload} | {request}").unwrap();
        match Scenario::parse("t.yaml", &text) {
            Ok(_) => writeln!(told, "    ACCEPTED").unwrap(),
            Err(problems) => problems.0.iter().for_each(|problem| writeln!(told, "    {problem}").unwrap()),
        }
    }
    assert!(!told.contains("ACCEPTED"), "{told}");
    insta::assert_snapshot!(told);
}

/// A scenario with every kind of step.
const STEPS: &str = r#"apiVersion: proofload/v1
kind: Scenario
name: steps
system: shop
data:
  users: { file: users.csv, pick: uniform }
flows:
  buy:
    - request:
        name: login
        method: POST
        path: /login
        json: '{"user": "{{data users.email}}", "tell": "{{webhook}}"}'
        extract: { cart: { json: /cart } }
        checks:
          - { status: [200, 201] }
          - { json: /state, equals: open }
          - { json: /items, exists: true }
          - { header: content-type, contains: json }
          - { body: , matches: "c[a-z]+t" }
          - { bytes: 2B..1MiB }
    - loop:
        times: 3
        steps:
          - think: 1s..2s
          - choose:
              - weight: 3
                steps:
                  - request: { name: add, path: "/cart/{{cart}}", extract: { item: { json: /id } } }
              - { weight: 1, steps: [] }
    - job:
        id: "{{cart}}"
        webhook: { id: { json: /cart }, timeout: 60s }
        poll: { path: "/cart/{{cart}}" }
        done: { json: /state, in: [paid] }
    - job:
        id: "{{cart}}-sent"
        websocket: { path: "/ws/{{cart}}", timeout: 9s }
        done: { json: /state, in: [sent] }
workloads:
  w: { flow: buy, executor: constant-arrival-rate, rate: 5/s, for: 10s }
slos:
  - { sli: checks(login), max: 1% }
"#;

/// One mistake each in the steps above.
const STEP_MISTAKES: &[(&str, &str)] = &[
    ("status: [200, 201]", "status: []"),
    ("status: [200, 201]", "status: [200, 2001]"),
    ("status: [200, 201]", "status: ok"),
    ("status: [200, 201]", "status: 200, equals: open"),
    ("status: [200, 201]", "json: /state, equals: open"),
    ("status: [200, 201]", "header: x, status: 200"),
    ("status: [200, 201]", "equals: x"),
    ("json: /state, equals: open", "json: /state"),
    ("json: /state, equals: open", "json: /state, equals: open, contains: o"),
    ("json: /state, equals: open", "json: state, equals: open"),
    ("json: /state, equals: open", "json: /state, equals: '{{crt}}'"),
    ("json: /state, equals: open", "json: /state, equal: open"),
    ("body: , matches: \"c[a-z]+t\"", "body: text, matches: t"),
    ("body: , matches: \"c[a-z]+t\"", "body: , exists: true"),
    ("bytes: 2B..1MiB", "bytes: 2"),
    ("bytes: 2B..1MiB", "bytes: 2MiB..1MiB"),
    ("bytes: 2B..1MiB", "bytes: 2B..1Mib"),
    ("sli: checks(login), max: 1%", "sli: checks(add), max: 1%"),
    ("sli: checks(login), max: 1%", "sli: checks(login), p95: 1s"),
    ("sli: checks(login), max: 1%", "sli: checks(login), max: 1%, during: w"),
    ("times: 3", "times: 0"),
    ("times: 3", "times: 1001"),
    ("times: 3", "time: 3"),
    ("weight: 3", "weight: 0"),
    ("{ weight: 1, steps: [] }", "{ weight: 1 }"),
    ("{ weight: 1, steps: [] }", "{ weight: 1, steps: [loop: { times: 1, steps: [] }] }"),
    ("{ weight: 1, steps: [] }", "{ weight: 1, steps: [choose: []] }"),
    (
        "{ weight: 1, steps: [] }",
        "{ weight: 1, steps: [loop: { times: 1000, steps: [loop: { times: 1000, steps: [think: 1s] }] }] }",
    ),
    ("    - job:\n        id: \"{{cart}}\"\n        webhook", "    - job:\n        id: \"{{item}}\"\n        webhook"),
    ("{ name: add, path", "{ name: add, auth: seller, path"),
    ("{ name: add, path", "{ name: login, path"),
    ("extract: { item:", "extract: { run:"),
    ("\"{{webhook}}\"}'", "\"-\"}'"),
    ("        webhook: { id: { json: /cart }, timeout: 60s }\n", ""),
    ("webhook: { id: { json: /cart }, timeout", "webhook: { id: { json: cart }, timeout"),
    ("        poll: { path: \"/cart/{{cart}}\" }", "        poll: { path: \"/cart/{{cart}}\", every: 1s }"),
    (
        "        webhook: { id: { json: /cart }, timeout: 60s }\n        poll: { path: \"/cart/{{cart}}\" }\n",
        "        poll: { path: \"/cart/{{cart}}\", every: 1s }\n",
    ),
    ("        webhook: { id: { json: /cart }, timeout: 60s }\n        poll: { path: \"/cart/{{cart}}\" }\n", ""),
    ("        poll: { path: \"/cart/{{cart}}\" }", "        websocket: { path: /, timeout: 1s }"),
    ("{ path: \"/ws/{{cart}}\", timeout: 9s }", "{ path: \"/ws/{{cart}}\" }"),
    ("{{data users.email}}", "{{data users}}"),
    ("{{data users.email}}", "{{data user.email}}"),
    ("{{data users.email}}", "{{iteration}}"),
    ("pick: uniform", "pick: zipf"),
    ("executor: constant-arrival-rate, rate: 5/s", "engine: goose, executor: constant-vus, vus: 5"),
    ("-sent", ""),
    (
        "times: 3\n        steps:",
        "times: 3\n        steps:\n          - job: { id: \"{{cart}}-\", poll: { path: /, every: 1s, timeout: 9s }, done: { json: /a, in: [b] } }",
    ),
    ("workloads:", "  idle: [think: 1s]\nworkloads:"),
    ("workloads:", "  idle: [choose: [{ weight: 1, steps: [] }]]\nworkloads:"),
];

#[test]
fn every_mistake_in_a_step_is_refused_with_its_place() {
    let scenario = Scenario::parse("steps.yaml", STEPS).expect("the scenario without a mistake is good");
    let names: Vec<&str> =
        scenario.flows[0].requests().flat_map(|request| &request.checks).map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "status 200 or 201",
            "json /state equals open",
            "json /items exists",
            "header content-type contains json",
            "body matches c[a-z]+t",
            "bytes 2..1048576"
        ]
    );
    assert_eq!(scenario.data_files()[0].columns, ["email"]);
    Scenario::parse("steps.yaml", &STEPS.replace("{ body: ,", "{ body:,"))
        .expect("a space more or less is all the same");
    insta::assert_snapshot!(told_of("steps.yaml", STEPS, STEP_MISTAKES));
}

const CALL: &str = r#"apiVersion: proofload/v1
kind: Scenario
name: call
system: shop
flows:
  order:
    - grpc:
        name: order
        proto: shop.proto
        call: shop.Shop/Order
        message: '{"name": "pie"}'
        metadata: { x-buyer: "{{iteration}}" }
        expect: { code: NOT_FOUND }
        extract: { id: { json: /id } }
        checks: [{ json: /paid, equals: "true" }]
        timeout: 2s
workloads:
  w: { flow: order, executor: constant-vus, vus: 1, for: 1s }
"#;

const CALL_MISTAKES: &[(&str, &str)] = &[
    ("call: shop.Shop/Order", "call: shop.Shop.Order"),
    ("call: shop.Shop/Order", "call: Order"),
    ("call: shop.Shop/Order", "call: shop.Shop/Order/1"),
    ("'{\"name\": \"pie\"}'", "'{\"name\": pie}'"),
    ("'{\"name\": \"pie\"}'", "'{\"name\": \"{{pie}}\"}'"),
    ("x-buyer:", "X-Buyer:"),
    ("x-buyer:", "grpc-timeout:"),
    ("x-buyer:", "te:"),
    ("code: NOT_FOUND", "code: NOTFOUND"),
    ("code: NOT_FOUND", "status: 404"),
    ("json: /id }", "json: id }"),
    ("extract: { id:", "extract: { run:"),
    ("{ json: /paid, equals: \"true\" }", "{ status: 200 }"),
    ("        proto: shop.proto\n", ""),
];

#[test]
fn every_mistake_in_a_call_is_refused_with_its_place() {
    Scenario::parse("call.yaml", CALL).expect("the scenario without a mistake is good");
    insta::assert_snapshot!(told_of("call.yaml", CALL, CALL_MISTAKES));
}

#[test]
fn loops_lie_eight_deep_and_no_deeper() {
    let nested = |depth: usize| {
        let (open, close) = ("[loop: { times: 1, steps: ".repeat(depth), " }]".repeat(depth));
        let steps = format!("{open}[request: {{ name: get, path: / }}]{close}");
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: {steps}\nworkloads:\n  w: {{ flow: f, executor: constant-vus, vus: 1, for: 1s }}\n"
        );
        Scenario::parse("t.yaml", &text).map(|_| ()).map_err(|problems| problems.to_string())
    };
    assert_eq!(nested(8), Ok(()));
    let told = nested(9).unwrap_err();
    assert!(
        told.ends_with(
            "loops and branches lie more than 8 deep in each other; make a flow of its own of the inner ones"
        ),
        "{told}"
    );
    // Endless nesting is refused too, without taking the stack with it.
    assert!(nested(5_000).is_err());
}

#[test]
fn every_mistake_in_a_scenario_is_refused_with_its_place() {
    Scenario::parse("demo.yaml", SCENARIO).expect("the scenario without a mistake is good");
    insta::assert_snapshot!(told_of("demo.yaml", SCENARIO, MISTAKES));
}

/// What is said of each mistake, none of which may be accepted.
fn told_of(file: &str, scenario: &str, mistakes: &[(&str, &str)]) -> String {
    let mut told = String::new();
    for (from, to) in mistakes {
        let text = scenario.replacen(from, to, 1);
        assert_ne!(text, scenario, "{from} is not there");
        writeln!(told, "{} -> {}", from.trim(), to.trim()).unwrap();
        match Scenario::parse(file, &text) {
            Ok(_) => writeln!(told, "    ACCEPTED").unwrap(),
            Err(problems) => problems.0.iter().for_each(|problem| writeln!(told, "    {problem}").unwrap()),
        }
    }
    assert!(!told.contains("ACCEPTED"), "{told}");
    told
}

const ENVIRONMENT: &str = r#"apiVersion: proofload/v1
kind: Environment
name: local
allow: { rate: 100/s }
secrets:
  signing: { generate: 48 }
processes:
  gateway:
    command: ["{{proofload}}", stack, gateway, --data, "{{data}}/shop", --secret, "{{secret signing}}"]
    ready: /health
systems:
  shop:
    url: "{{address gateway}}"
    tokens: { seller: { jwt: { secret: signing, issuer: shop, audience: api, subject: s } } }
    body_max: 1MiB
    queues: { photos: { rabbitmq: "{{address gateway}}/api/queues/%2F/photos" } }
cluster:
  local:
    speed: 10
    manifests: ../k8s/shop
    system: shop
    pods:
      Deployment/resizer:
        worker: { command: [worker], ready: /health }
prices:
  currency: USD
  replicas: { Deployment/resizer: 0.55/h }
  fixed: { postgres: 200/month }
"#;

const ENVIRONMENT_MISTAKES: &[(&str, &str)] = &[
    ("kind: Environment", "kind: Scenario"),
    ("rate: 100/s", "rate: 100"),
    ("generate: 48", "generate: 4"),
    ("generate: 48", "value: hunter2"),
    ("{{secret signing}}", "{{secret singing}}"),
    ("{{address gateway}}", "{{address gatway}}"),
    ("{{address gateway}}", "127.0.0.1:8080"),
    ("ready: /health", "ready: health"),
    ("secret: signing, issuer", "secret: sining, issuer"),
    ("speed: 10", "speed: 1000"),
    ("    system: shop", "    system: shops"),
    ("command: [worker]", "command: []"),
    ("body_max: 1MiB", "body_max: 1"),
    ("body_max: 1MiB", "body_max: 1023B"),
    ("body_max: 1MiB", "body_max: 2GiB"),
    ("currency: USD", "currency: dollars"),
    ("currency: USD", "currency: 5"),
    ("  currency: USD\n", ""),
    ("0.55/h", "-0.55/h"),
    ("0.55/h", "NaN/h"),
    ("0.55/h", "0.55"),
    ("0.55/h", "0.55/hour"),
    ("200/month", "200/moon"),
    ("200/month", "200 USD/month"),
    ("  fixed:", "  fixd:"),
    ("  replicas: { Deployment/resizer: 0.55/h }\n  fixed: { postgres: 200/month }\n", ""),
];

#[test]
fn every_mistake_in_an_environment_is_refused_with_its_place() {
    Environment::parse("local.yaml", ENVIRONMENT).expect("the environment without a mistake is good");
    let mut told = String::new();
    for (from, to) in ENVIRONMENT_MISTAKES {
        let text = ENVIRONMENT.replacen(from, to, 1);
        assert_ne!(text, ENVIRONMENT, "{from} is not there");
        writeln!(told, "{from} -> {to}").unwrap();
        match Environment::parse("local.yaml", &text) {
            Ok(_) => writeln!(told, "    ACCEPTED").unwrap(),
            Err(problems) => problems.0.iter().for_each(|problem| writeln!(told, "    {problem}").unwrap()),
        }
    }
    assert!(!told.contains("ACCEPTED"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_scenario_that_does_not_fit_its_environment_is_refused_before_anything_starts() {
    let environment = Environment::parse("local.yaml", ENVIRONMENT).unwrap();
    let check = |from: &str, to: &str| {
        let scenario = Scenario::parse("demo.yaml", &SCENARIO.replacen(from, to, 1)).unwrap();
        environment.misfits(&scenario).join("\n")
    };
    let told = [
        check("system: shop", "system: shops"),
        check("auth: seller", "auth: seler"),
        check("Deployment/resizer", "Deployment/resiser"),
        check(
            "rate: 40/s, for: 20s }\n      - { name: peak, rate: 40/s",
            "rate: 400/s, for: 20s }\n      - { name: peak, rate: 400/s",
        ),
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(check("demo", "demo"), "");
}

/// A wrong guess at who signs would read as a system that refuses its own users.
#[test]
fn who_signs_the_tokens_of_a_contract_must_be_plain() {
    let seller = "seller: { jwt: { secret: signing, issuer: shop, audience: api, subject: s } }";
    let buyer = format!("{seller}, buyer: {{ jwt: {{ secret: signing, issuer: shop, audience: api, subject: b }} }}");
    let check = |tokens: &str, auth: &str| {
        let environment = Environment::parse("local.yaml", &ENVIRONMENT.replacen(seller, tokens, 1)).unwrap();
        let scenario = SCENARIO.replacen("strict: true", &format!("strict: true{auth}"), 1);
        environment.misfits(&Scenario::parse("demo.yaml", &scenario).unwrap()).join("\n")
    };
    assert_eq!(check(seller, ""), "");
    assert_eq!(check(seller, ", auth: seller"), "");
    assert_eq!(check(&buyer, ", auth: buyer"), "");
    assert_eq!(check("seller: { bearer: signing }", ""), "");
    let told = [
        check(&buyer, ""),
        check(seller, ", auth: seler"),
        check(&format!("{seller}, guest: {{ bearer: signing }}"), ", auth: guest"),
        check("seller: { bearer: signing }", ", auth: seller"),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// What nobody counts would be free.
#[test]
fn a_price_of_replicas_that_no_cluster_runs_is_refused_before_anything_starts() {
    let scenario = Scenario::parse("demo.yaml", SCENARIO).unwrap();
    let check = |environment: &str, expected: &str| {
        let environment = Environment::parse("local.yaml", environment).unwrap();
        assert_eq!(environment.misfits(&scenario), [expected]);
    };
    let misspelt = ENVIRONMENT.replacen("{ Deployment/resizer", "{ Deployment/resiser", 1);
    let told = "environment `local` prices replicas of Deployment/resiser, and no cluster of it runs them";
    check(&misspelt, &format!("{told}; did you mean `Deployment/resizer`?"));
    let (before, cluster) = ENVIRONMENT.split_once("cluster:").unwrap();
    let (_, prices) = cluster.split_once("prices:").unwrap();
    let told = "environment `local` prices replicas of Deployment/resizer, and no cluster of it runs them";
    check(&format!("{before}prices:{prices}"), &format!("{told}; price it under `fixed`"));
}

/// The rate of a replay stands in no scenario, so the ceiling is held against the plan.
#[test]
fn a_replay_above_the_ceiling_of_its_environment_is_refused() {
    let check = |speed: &str, ceiling: &str| {
        let environment = Environment::parse("local.yaml", &ENVIRONMENT.replacen("100/s", ceiling, 1)).unwrap();
        let replay = format!("executor: trace-replay, trace: {{ file: m, format: mooncake, speed: {speed} }}");
        environment.replay_above_ceiling(&super::workloads::scenario(&replay), &super::workloads::plan(&replay, 1))
    };
    assert_eq!(check("1", "30/s"), None);
    let refused = "the replay reaches 38 arrivals in a second together with the other workloads, and environment `local` allows 30/s; lower `speed`, or run with --scale 0.79";
    assert_eq!(check("10", "30/s").as_deref(), Some(refused));
}
