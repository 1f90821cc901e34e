//! The roles as the command line starts them, in this process, with the true inference server.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};

use base64::Engine as _;
use clap::Parser;
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
    let dir = tempfile::tempdir().unwrap();
    let (data, secret) = (dir.path().join("data").display().to_string(), secret_in(dir.path()));
    let inference = Role::start("inference --system medical-platform").await;
    let gateway =
        Role::start(&format!("gateway --system medical-platform --data {data} --jwt-secret-file {secret}")).await;
    let worker =
        Role::start(&format!("worker --system medical-platform --data {data} --inference {}", inference.url)).await;
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
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display();
    let inference = Role::start("inference --system fish").await;
    let gateway = Role::start(&format!("gateway --system fish --data {data} --inference {}", inference.url)).await;
    let worker = Role::start(&format!("worker --system fish --data {data} --inference {}", inference.url)).await;
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

#[tokio::test]
async fn a_start_that_cannot_be_says_why_and_which_code() {
    let dir = tempfile::tempdir().unwrap();
    let (data, secret) = (dir.path().join("data").display().to_string(), secret_in(dir.path()));
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap();
    let medical = format!("gateway --system medical-platform --data {data}");
    for (line, code, said) in [
        (medical.clone(), 2, "medical-platform checks tokens"),
        (format!("{medical} --jwt-secret-file /nowhere/secret"), 2, "/nowhere/secret cannot be read"),
        (format!("{medical} --jwt-secret-file {secret} --defect nonsense"), 2, "this role knows problem-plain-text"),
        (format!("gateway --system fish --data {data} --inference nonsense"), 2, "--inference takes an http URL"),
        (format!("gateway --system fish --data {data} --listen {taken}"), 5, "choose another --listen address"),
        (format!("gateway --system fish --data {secret}"), 70, "the job store is not available"),
        ("inference --system fish --defect nonsense".into(), 2, "nonsense"),
    ] {
        let error = run(parse(&line), std::future::pending(), &mut io::sink()).await.expect_err(&line);
        assert_eq!(error.exit_code(), code, "{line}: {error}");
        assert!(error.to_string().contains(said), "{line}: {error}");
    }
}
