//! Jobs that end by webhook and over a WebSocket, against fakes that deliver early, twice, badly or never.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use proofload_core::evidence::{Histogram, RunRecord, SLOWEST_MAX, StepKind, micros_to_ms};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::driven::{drive, drive_at};
use crate::flows::{outcome, scenario, serve};
use crate::tls::in_front_of;

/// How often each status came back for what was delivered.
type Answers = Arc<Mutex<BTreeMap<u16, u64>>>;

/// Sends one HTTP request as it stands and tells the status of the answer.
async fn send(callback: &str, method: &str, path: Option<&str>, body: &str) -> u16 {
    let rest = callback.strip_prefix("http://").unwrap();
    let (host, own_path) = rest.split_once('/').unwrap();
    let path = path.map_or_else(|| format!("/{own_path}"), str::to_owned);
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A refused body is not read to its end, so writing it may fail.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = [0u8; 12];
    stream.read_exact(&mut answer).await.unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

/// Delivers states of a job, one after the other.
async fn deliver(answers: &Answers, callback: &str, id: &str, states: &[&str]) {
    for state in states {
        let answered = send(callback, "POST", None, &json!({ "job": { "id": id }, "state": state }).to_string()).await;
        *answers.lock().unwrap().entry(answered).or_default() += 1;
    }
}

/// What the fake does with a job, by its number.
async fn submit(State(answers): State<Answers>, Json(submission): Json<Value>) -> (StatusCode, Json<Value>) {
    let number: u64 = submission["number"].as_str().unwrap().parse().unwrap();
    let callback = submission["callback"].as_str().unwrap().to_owned();
    let id = format!("j-{number}");
    match number % 10 {
        // Before the answer that names the job.
        0 => deliver(&answers, &callback, &id, &["done"]).await,
        1 => deliver(&answers, &callback, &id, &["running", "done", "done"]).await,
        2 => deliver(&answers, &callback, &id, &["failed"]).await,
        3 => {
            let statuses = [
                send(&callback, "GET", None, "").await,
                send(&callback, "POST", None, "done").await,
                send(&callback, "POST", None, "{}").await,
                send(&callback, "POST", None, &" ".repeat(2 << 20)).await,
                send(&callback, "POST", Some("/somewhere"), "{}").await,
            ];
            assert_eq!(statuses, [405, 400, 400, 413, 404]);
            deliver(&answers, &callback, &id, &["done"]).await;
        }
        // Never.
        4 => {}
        // At any time after the answer has begun.
        5 => {
            tokio::spawn(async move { deliver(&answers, &callback, &id, &["dead-lettered"]).await });
        }
        _ => {
            tokio::spawn(async move { deliver(&answers, &callback, &id, &["running", "done", "done"]).await });
        }
    }
    (StatusCode::ACCEPTED, Json(json!({ "id": format!("j-{number}") })))
}

fn webhook_steps(timeout: &str, poll: &str) -> String {
    format!(
        "    - request: {{ name: submit, method: POST, path: /jobs, headers: {{ content-type: application/json }}, json: '{{\"number\": \"{{{{iteration}}}}\", \"callback\": \"{{{{webhook}}}}\"}}', expect: {{ status: 202 }}, extract: {{ id: {{ json: /id }} }} }}
    - job: {{ id: '{{{{id}}}}', webhook: {{ id: {{ json: /job/id }}, timeout: {timeout} }}{poll}, done: {{ json: /state, in: [done] }}, failed: {{ json: /state, in: [failed, dead-lettered] }} }}"
    )
}

async fn webhook_server() -> (std::net::SocketAddr, Answers) {
    let answers = Answers::default();
    let state = |Path(id): Path<String>| async move { Json(json!({ "id": id, "state": "done" })) };
    let app =
        Router::new().route("/jobs", post(submit)).route("/jobs/{id}", get(state)).with_state(Arc::clone(&answers));
    (serve(app).await, answers)
}

/// The ledger in numbers: accepted, succeeded, failed, dead-lettered, unsettled, lost, doubled.
fn ledger(record: &RunRecord) -> [u64; 7] {
    let ledger = &record.ledgers[0];
    [
        ledger.accepted,
        ledger.succeeded,
        ledger.failed,
        ledger.dead_lettered,
        ledger.unsettled,
        ledger.lost,
        ledger.duplicated,
    ]
}

fn classes(record: &RunRecord) -> String {
    let classes = &record.step(StepKind::Job, "f").unwrap().error_classes;
    classes.iter().map(|(class, times)| format!("{times} {class}")).collect::<Vec<_>>().join(", ")
}

const RULES: &str = "drain: 5s\nslos: [{ sli: errors(f), max: 50% }, { sli: ledger.lost, max: 0 }]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_end_by_webhook_before_and_after_their_acceptance() {
    let (address, answers) = webhook_server().await;
    let scenario = scenario(&webhook_steps("20s", ""), RULES);
    let record = drive(&scenario, address).await;
    // Of each ten: eight delivered done, one of them after bad ones; one failed, one dead-lettered, one never.
    assert_eq!(ledger(&record), [40, 28, 4, 4, 4, 0, 0], "{}", classes(&record));
    assert_eq!(
        classes(&record),
        "4 last seen dead-lettered, 4 last seen failed, 4 webhook refused: larger than 1 MiB, 4 webhook refused: neither POST nor PUT, 4 webhook refused: no id in it, 4 webhook refused: not JSON"
    );
    assert_eq!(*answers.lock().unwrap(), BTreeMap::from([(204, 76)]));
    assert_eq!(record.generator.polls, 0);
    // What never ended cannot be asked after: unsettled, never lost, and no PASS.
    let told = outcome(&scenario, &record, "every accepted job reaches an end");
    assert!(told.starts_with("INCONCLUSIVE: 4 jobs had not ended"), "{told}");
    assert!(outcome(&scenario, &record, "ledger.lost ≤ 0").starts_with("PASS"));
    check_slowest(&record);
    check_stages(&record);
}

/// The slowest submissions are named, slowest first, and nothing was slower.
fn check_slowest(record: &RunRecord) {
    let submit = record.step(StepKind::Request, "submit").unwrap();
    let slowest = &submit.slowest;
    assert_eq!(slowest.len(), SLOWEST_MAX);
    assert!(slowest.is_sorted_by(|a, b| a.response_ms >= b.response_ms), "{slowest:?}");
    assert!(
        slowest.iter().all(|it| it.outcome == "status 202" && it.workload == "w" && it.iteration < 40),
        "{slowest:?}"
    );
    let all = Histogram::merge(submit.seconds.iter().map(|second| &second.response));
    // Histograms keep three digits.
    let of_slowest = slowest[0].response_ms / micros_to_ms(all.max());
    assert!((0.998..1.002).contains(&of_slowest), "{of_slowest}");
}

/// Each job that ended tells how long its acceptance took, which is less than the whole.
fn check_stages(record: &RunRecord) {
    let job = record.step(StepKind::Job, "f").unwrap();
    let accepted = Histogram::merge(job.seconds.iter().map(|second| &second.queue_wait));
    let whole = Histogram::merge(job.seconds.iter().map(|second| &second.response));
    // 28 done, 4 failed, 4 dead-lettered; 4 never ended.
    assert_eq!((accepted.len(), whole.len()), (36, 36));
    assert!(accepted.min() > 0 && accepted.max() <= whole.max(), "{} of {} µs", accepted.max(), whole.max());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_never_came_is_asked_after_where_it_can_be() {
    let (address, _) = webhook_server().await;
    let scenario = scenario(&webhook_steps("500ms", ", poll: { path: '/jobs/{{id}}' }"), RULES);
    let record = drive(&scenario, address).await;
    assert_eq!(ledger(&record), [40, 32, 4, 4, 0, 0, 0], "{}", classes(&record));
    assert_eq!(record.generator.polls, 4);
    assert_eq!(outcome(&scenario, &record, "ledger.lost ≤ 0"), "PASS: 0 of 40 accepted jobs lost");
}

/// Tells the states of a job, by its number.
async fn tell(mut socket: WebSocket, number: u64) {
    let texts: &[&str] = match number % 5 {
        0 => &["{\"state\": \"running\"}", "not JSON", "{\"state\": \"done\"}"],
        1 => &["{\"state\": \"failed\"}"],
        2 => &["{\"state\": \"running\"}"],
        _ => &["{\"state\": \"done\"}", "{\"state\": \"failed\"}"],
    };
    let _ = socket.send(Message::Ping(axum::body::Bytes::new())).await;
    for text in texts {
        let _ = socket.send(Message::Text((*text).into())).await;
    }
    if number % 5 != 2 {
        // Until the other side says goodbye.
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// Jobs whose states are told over a WebSocket, in five ways.
async fn websocket_server() -> SocketAddr {
    let told = |Path(number): Path<u64>, upgrade: WebSocketUpgrade| async move {
        if number % 5 == 3 {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(upgrade.on_upgrade(move |socket| tell(socket, number)))
    };
    let app =
        Router::new().route("/jobs/{number}", post(|| async { StatusCode::ACCEPTED })).route("/ws/{number}", get(told));
    serve(app).await
}

const WEBSOCKET_STEPS: &str = "    - request: { name: submit, method: POST, path: '/jobs/{{iteration}}' }
    - job: { id: 'j-{{iteration}}', websocket: { path: '/ws/{{iteration}}', timeout: 5s }, done: { json: /state, in: [done] }, failed: { json: /state, in: [failed] } }";

fn check_websockets(record: &RunRecord) {
    assert_eq!(ledger(record), [40, 16, 8, 0, 16, 0, 0], "{}", classes(record));
    assert_eq!(classes(record), "8 last seen failed, 8 websocket: closed before an end, 8 websocket: not accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_end_over_a_websocket() {
    check_websockets(&drive(&scenario(WEBSOCKET_STEPS, RULES), websocket_server().await).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_end_over_a_websocket_in_tls() {
    let (port, certificate) = in_front_of(websocket_server().await).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), certificate).unwrap();
    let environment = format!("trust: [ca.pem]\nsystems: {{ s: {{ url: 'https://localhost:{port}' }} }}");
    check_websockets(&drive_at(&scenario(WEBSOCKET_STEPS, RULES), &environment, folder.path()).await);
}
