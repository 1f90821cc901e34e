//! The roles as the command line starts them, in this process, with the true inference server.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use base64::Engine as _;
use clap::Parser;
use refstack::adapters::embedded::Store;
use refstack::clock::Clock;
use refstack::ports::keys::{Keys as _, Reserved};
use refstack::ports::queue::Queue as _;
use refstack::stack::{StackCommand, StackError, run};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::Client;
use crate::support::system::{SECRET, token};

/// One pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: StackCommand,
}

fn parse(line: &str) -> StackCommand {
    let words = std::iter::once("stack").chain(line.split_whitespace());
    Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).command
}

/// Standard output that hands its first line on.
struct Lines {
    text: Vec<u8>,
    first: Option<Sender<String>>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8(self.text.clone()).unwrap();
        assert!(text.ends_with('\n'), "{text:?}");
        self.first.take().map_or(Ok(()), |first| first.send(text).map_err(io::Error::other))
    }
}

struct Role {
    url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StackError>>,
}

impl Role {
    async fn start(line: &str) -> Self {
        let (first, lines) = channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let command = parse(line);
        let task = tokio::spawn(async move {
            let mut stdout = Lines { text: Vec::new(), first: Some(first) };
            run(command, async move { drop(stopped.await) }, &mut stdout).await
        });
        let told = tokio::task::spawn_blocking(move || lines.recv()).await.unwrap();
        let Ok(told) = told else { panic!("{line}: {:?}", task.await) };
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["event"], told["role"].as_str()), (&"listening".into(), line.split(' ').next()));
        Self { url: format!("http://{}", told["address"].as_str().unwrap()), stop, task }
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap().unwrap();
    }
}

/// Runs a role that ends by itself, and gives what it wrote.
pub(crate) async fn run_to_its_end(line: &str) -> String {
    let mut stdout = Vec::new();
    run(parse(line), std::future::pending(), &mut stdout).await.unwrap_or_else(|error| panic!("{line}: {error}"));
    String::from_utf8(stdout).unwrap()
}

fn secret_in(dir: &Path) -> String {
    let file = dir.join("secret");
    std::fs::write(&file, [SECRET, b"\n"].concat()).unwrap();
    file.display().to_string()
}

fn image() -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(PNG).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_medical_platform_works_from_the_command_line() {
    the_medical_platform_works_with("").await;
}

/// Upload to result, with `store` among the arguments of gateway and worker.
pub(crate) async fn the_medical_platform_works_with(store: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (data, secret) = (dir.path().join("data").display().to_string(), secret_in(dir.path()));
    let inference = Role::start("inference --system medical-platform").await;
    let gateway =
        Role::start(&format!("gateway --system medical-platform --data {data} --jwt-secret-file {secret} {store}"))
            .await;
    let worker =
        Role::start(&format!("worker --system medical-platform --data {data} --inference {} {store}", inference.url))
            .await;
    let client = Client::new(gateway.url.clone(), Some(token()));
    let accepted = client.upload(image(), "p", None).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let study = client.until_final(accepted.json()["id"].as_str().unwrap()).await;
    assert_eq!(study["state"], "succeeded", "{study}");
    let result = client.get(study["result"].as_str().unwrap()).await.json();
    assert_eq!(result["model"], "resnet50_chest_xray");
    let scores: Vec<f64> =
        result["predictions"].as_array().unwrap().iter().map(|p| p["score"].as_f64().unwrap()).collect();
    assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-4, "{scores:?}");
    assert!(scores.is_sorted_by(|left, right| left >= right), "{scores:?}");
    assert_eq!(Client::new(worker.url.clone(), None).get("/health").await.status, 200);
    for role in [worker, gateway, inference] {
        role.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_works_from_the_command_line() {
    fish_works_with("").await;
}

/// One image at once, one in a batch, with `store` among the arguments of gateway and worker.
pub(crate) async fn fish_works_with(store: &str) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display();
    let inference = Role::start("inference --system fish").await;
    let gateway =
        Role::start(&format!("gateway --system fish --data {data} --inference {} {store}", inference.url)).await;
    let worker =
        Role::start(&format!("worker --system fish --data {data} --inference {} {store}", inference.url)).await;
    let client = Client::new(gateway.url.clone(), None);
    let request = client.request(reqwest::Method::POST, "/predict").header("content-type", "image/png");
    let one = client.send(request.body(image())).await;
    assert_eq!((one.status, &one.json()["model"]), (200, &"fish_classifier".into()), "{one:?}");
    let part = reqwest::multipart::Part::bytes(image()).file_name("fish.png");
    let form = reqwest::multipart::Form::new().part("files", part);
    let accepted = client.send(client.request(reqwest::Method::POST, "/batch/predict").multipart(form)).await;
    let done = client.until(accepted.header("location"), "status", &["completed", "failed"]).await;
    assert_eq!(done["results"][0]["class"], one.json()["class"], "{done}");
    for role in [worker, gateway, inference] {
        role.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_told_to_end_finishes_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let (data, secret) = (dir.path().join("data"), secret_in(dir.path()));
    let line = format!("gateway --system medical-platform --data {} --jwt-secret-file {secret}", data.display());
    let gateway = Role::start(&line).await;
    let client = Client::new(gateway.url.clone(), Some(token()));
    let (rest, chunks) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let chunks = futures::stream::unfold(chunks, async |mut chunks| {
        chunks.recv().await.map(|chunk| (Ok::<_, io::Error>(chunk), chunks))
    });
    let part = reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("scan");
    let form = reqwest::multipart::Form::new().text("patient_id", "p").part("file", part);
    let request = client.request(reqwest::Method::POST, "/api/v1/studies").header("Idempotency-Key", "k");
    let request = request.multipart(form);
    let upload = tokio::spawn(async move { client.send(request).await });
    rest.send(image()).unwrap();
    let store = Store::open(&data, Clock::system()).await.unwrap();
    // The upload has begun once it holds its key.
    while store.reserve("dr-house\nk", "probe", Duration::ZERO).await.unwrap() != Reserved::InFlight {
        tokio::task::yield_now().await;
    }
    let url = gateway.url.clone();
    let stopping = tokio::spawn(gateway.stop());
    let host = url.trim_start_matches("http://");
    while tokio::net::TcpStream::connect(host).await.is_ok() {
        tokio::task::yield_now().await;
    }
    drop(rest);
    assert_eq!(upload.await.unwrap().status, 202);
    stopping.await.unwrap();
    assert_eq!(store.depth("medical_data").await.unwrap().ready, 1);
}

#[tokio::test]
async fn a_start_that_cannot_be_says_why_and_which_code() {
    let dir = tempfile::tempdir().unwrap();
    let (data, secret) = (dir.path().join("data").display().to_string(), secret_in(dir.path()));
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap();
    let medical = format!("gateway --system medical-platform --data {data}");
    let nobody = format!("postgres://u:secret@localhost/d?host={}", dir.path().display());
    for (line, code, said) in [
        (medical.clone(), 2, "medical-platform checks tokens"),
        (format!("{medical} --jwt-secret-file /nowhere/secret"), 2, "/nowhere/secret cannot be read"),
        (format!("{medical} --jwt-secret-file {secret} --defect nonsense"), 2, "this role knows problem-plain-text"),
        (format!("gateway --system fish --data {data} --inference nonsense"), 2, "--inference takes an http URL"),
        (format!("gateway --system fish --data {data} --listen {taken}"), 5, "choose another --listen address"),
        (format!("gateway --system fish --data {secret}"), 70, "the job store is not available"),
        ("inference --system fish --defect nonsense".into(), 2, "nonsense"),
        (
            format!("gateway --system fish --data {data} --database mysql://u:secret@h/d"),
            2,
            "--database takes postgres://",
        ),
        (format!("gateway --system fish --data {data} --database {nobody}"), 5, "the job store is not available"),
        ("migrate --database mysql://u:secret@h/d".into(), 2, "--database takes postgres://"),
        (format!("migrate --database {nobody}"), 5, "the job store is not available"),
    ] {
        let error = run(parse(&line), std::future::pending(), &mut io::sink()).await.expect_err(&line);
        assert_eq!(error.exit_code(), code, "{line}: {error}");
        assert!(error.to_string().contains(said), "{line}: {error}");
        assert!(!error.to_string().contains("secret@"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_starting_gateway_removes_what_a_killed_one_left() {
    let dir = tempfile::tempdir().unwrap();
    let (data, secret) = (dir.path().join("data"), secret_in(dir.path()));
    let line = format!("gateway --system medical-platform --data {} --jwt-secret-file {secret}", data.display());
    let first = Role::start(&line).await;
    let accepted = Client::new(first.url.clone(), Some(token())).upload(image(), "p", None).await;
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    first.stop().await;
    // The first gateway's folder gets what a kill between file and row, and one in the middle of a file, leave behind.
    let writer = std::fs::read_dir(data.join("objects/writers")).unwrap().next().unwrap().unwrap().file_name();
    let studies = data.join("objects").join(writer).join("studies");
    let (orphan, half) = (studies.join(uuid::Uuid::new_v4().to_string()), studies.join("x#1"));
    std::fs::write(&orphan, b"whole").unwrap();
    std::fs::write(&half, b"half").unwrap();
    let second = Role::start(&line).await;
    assert!(!half.exists());
    while orphan.exists() {
        tokio::task::yield_now().await;
    }
    assert!(studies.join(id).exists());
    second.stop().await;
}
