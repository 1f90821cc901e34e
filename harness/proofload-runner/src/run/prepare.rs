//! Bringing the environment to life, before the first request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proofload_core::environment::{Environment, HttpVersion, Queue, System, Token};
use proofload_core::evidence::Calibration;
use proofload_core::scenario::{Part, Template};
use tokio_util::sync::CancellationToken;

use super::tls::{http_client, read_authorities, tls_config};
use super::{Place, RunError};
use crate::cluster::{LocalCluster, prepare_local};
use crate::collector::WatchedQueue;
use crate::environment::{Running, Secrets, Spawner, authorization};
use crate::event::{Event, Phase};
use crate::load::{LoadedData, LoadedPayload, Methods, SystemAccess, Target};
use crate::prometheus::Prometheus;

/// Longest wait for a system that is not ours to start.
const TARGET_READY_WITHIN: Duration = Duration::from_secs(10);

/// Everything that lives while the load is sent.
pub(super) struct Stage {
    pub(super) systems: Vec<SystemAccess>,
    pub(super) queues: Vec<WatchedQueue>,
    pub(super) payloads: Vec<LoadedPayload>,
    pub(super) calibration: Option<Calibration>,
    pub(super) data: Vec<LoadedData>,
    pub(super) methods: Methods,
    pub(super) cluster: Option<LocalCluster>,
    pub(super) prometheus: Option<Prometheus>,
    pub(super) http: reqwest::Client,
    pub(super) tls: Arc<rustls::ClientConfig>,
    /// Of the environment, as PEM texts.
    pub(super) authorities: Vec<String>,
    pub(super) secrets: Arc<Secrets>,
    processes: Vec<Running>,
    /// Secrets and the stack's own data; gone when this is dropped.
    _data: tempfile::TempDir,
}

impl Stage {
    /// Ends everything that was started, in reverse order.
    pub(super) async fn end(mut self) {
        if let Some(cluster) = self.cluster.take() {
            cluster.end().await;
        }
        while let Some(process) = self.processes.pop() {
            process.stop().await;
        }
    }

    /// The names of processes that have ended although nobody asked them to.
    pub(super) fn ended_processes(&mut self) -> Vec<String> {
        self.processes.iter_mut().filter_map(|process| process.has_ended().then(|| process.name.clone())).collect()
    }
}

pub(super) async fn prepare(
    place: &Place,
    driven: &[&str],
    stop: &CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<Stage, RunError> {
    on_event(Event::Phase { phase: Phase::Starting });
    let environment = &place.environment;
    let data = tempfile::Builder::new()
        .prefix("proofload-")
        .tempdir()
        .map_err(|error| RunError::Folder(format!("no folder for the run's data could be made: {error}")))?;
    let secrets = Secrets::fetch(&environment.secrets, &place.variable, &place.environment_folder, data.path())
        .map_err(RunError::Setup)?;
    let secrets = Arc::new(secrets);
    for (name, path) in secrets.files() {
        on_event(Event::SecretReady { name: name.clone(), path: path.clone() });
    }
    let authorities = read_authorities(&environment.trust, &place.environment_folder)?;
    let tls = tls_config(&authorities)?;
    let spawner = Arc::new(Spawner {
        proofload: place.proofload.clone(),
        data: data.path().to_owned(),
        logs: place.logs.clone(),
        http: http_client(HttpVersion::Auto, &authorities)?,
    });
    let mut stage = Stage {
        systems: Vec::new(),
        queues: Vec::new(),
        payloads: Vec::new(),
        calibration: None,
        data: Vec::new(),
        methods: Methods::default(),
        cluster: None,
        prometheus: None,
        http: spawner.http.clone(),
        tls,
        authorities,
        secrets: Arc::clone(&secrets),
        processes: Vec::new(),
        _data: data,
    };
    let brought_up = tokio::select! {
        brought_up = bring_up((place, driven), &mut stage, &spawner, secrets, on_event) => brought_up,
        () = stop.cancelled() => Err(RunError::Interrupted),
    };
    match brought_up {
        Ok(()) => Ok(stage),
        Err(error) => {
            stage.end().await;
            Err(error)
        }
    }
}

async fn bring_up(
    (place, driven): (&Place, &[&str]),
    stage: &mut Stage,
    spawner: &Arc<Spawner>,
    secrets: Arc<Secrets>,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    let environment = &place.environment;
    let mut addresses = HashMap::new();
    // A target given by hand is somebody else's: nothing is started for it, and nothing of ours is asked about it.
    let processes = if place.target.is_some() { Vec::new() } else { needed_processes(environment, driven) };
    for process in processes {
        let running =
            spawner.start(process, &process.name, &addresses, &secrets).await.map_err(RunError::Unreachable)?;
        addresses.insert(running.name.clone(), running.address.clone());
        on_event(Event::ProcessReady { name: running.name.clone(), address: running.address.clone() });
        stage.processes.push(running);
    }
    let fill = |template: &Template| fill(template, &addresses);
    for system in environment.systems.iter().filter(|system| driven.contains(&system.name.as_str())) {
        let http = http_client(system.http, &stage.authorities)?;
        let access = reach(system, place, &fill, &secrets, &http).await?;
        on_event(Event::SystemReady { name: access.name.clone(), url: access.target.url() });
        stage.systems.push(access);
        for (name, queue) in system.queues.iter().filter(|(_, queue)| place.target.is_none() || is_literal(queue)) {
            stage.queues.push(WatchedQueue::new((&system.name, name), queue, &fill).map_err(RunError::Setup)?);
        }
    }
    if let Some(prometheus) = &environment.prometheus {
        stage.prometheus = Some(prometheus_of(prometheus, &secrets, stage.http.clone()).map_err(RunError::Setup)?);
    }
    if let Some(local) = &environment.cluster
        && place.target.is_none()
        && driven.contains(&local.system.as_str())
    {
        let workloads = prepare_local(local, place, &addresses, spawner, (&secrets, &stage.queues))?;
        stage.cluster = Some(LocalCluster::start(workloads).await.map_err(RunError::Unreachable)?);
    }
    Ok(())
}

/// The Prometheus of the environment; nobody is asked yet.
fn prometheus_of(
    written: &proofload_core::environment::Prometheus,
    secrets: &Secrets,
    http: reqwest::Client,
) -> Result<Prometheus, String> {
    let token = written.bearer.clone().map(|secret| Token::Bearer { secret });
    let authorization = token.map(|token| authorization(&token, secrets, 0)).transpose()?;
    Ok(Prometheus::new(written.url.clone(), authorization, http))
}

/// Resolves a system's address, waits until it is ready and fetches its tokens.
async fn reach(
    system: &System,
    place: &Place,
    fill: &dyn Fn(&Template) -> Result<String, String>,
    secrets: &Secrets,
    http: &reqwest::Client,
) -> Result<SystemAccess, RunError> {
    let url = match &place.target {
        Some(target) => target.clone(),
        None => fill(&system.url).map_err(RunError::Setup)?,
    };
    let target = Target::resolve(&url, system.http).await.map_err(RunError::Unreachable)?;
    let grpc = match system.grpc.as_ref().filter(|_| place.target.is_none()) {
        Some(url) => {
            let url = fill(url).map_err(RunError::Setup)?;
            Target::resolve(&url, HttpVersion::Http2).await.map_err(RunError::Unreachable)?
        }
        None => target.over_http2(),
    };
    wait_for_target(&url, system.ready.as_deref(), http).await?;
    let now_s = crate::clock::unix_ms() / 1000;
    let tokens = system
        .tokens
        .iter()
        .map(|(name, token)| Ok((name.clone(), authorization(token, secrets, now_s)?)))
        .collect::<Result<HashMap<_, _>, String>>()
        .map_err(RunError::Setup)?;
    Ok(SystemAccess { name: system.name.clone(), target, grpc, tokens })
}

/// Waits until a target answers: its readiness path with 2xx, or any path at all.
async fn wait_for_target(url: &str, ready: Option<&str>, http: &reqwest::Client) -> Result<(), RunError> {
    let address = format!("{}{}", url.trim_end_matches('/'), ready.unwrap_or("/"));
    let mut last = String::new();
    let answered = async {
        loop {
            match http.get(&address).timeout(Duration::from_secs(2)).send().await {
                Ok(answer) if ready.is_none() || answer.status().is_success() => return,
                Ok(answer) => last = format!("it answered {}", answer.status()),
                Err(error) if is_untrusted(&error) => {
                    "its certificate is not trusted; if it is that of an authority of your own, name it in `trust`"
                        .clone_into(&mut last);
                }
                Err(error) if error.is_connect() => "nothing listens there".clone_into(&mut last),
                Err(error) => last = error.without_url().to_string(),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    if tokio::time::timeout(TARGET_READY_WITHIN, answered).await.is_ok() {
        return Ok(());
    }
    let seconds = TARGET_READY_WITHIN.as_secs();
    Err(RunError::Unreachable(format!(
        "{address} was not ready within {seconds} s: {last}; start the system, or name another address with --target"
    )))
}

/// Whether the certificate of a target could not be verified.
fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).or_else(|| error.downcast_ref());
        if matches!(inner, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The processes that the driven systems need, by way of addresses, and no others.
fn needed_processes<'e>(
    environment: &'e Environment,
    driven: &[&str],
) -> Vec<&'e proofload_core::environment::Process> {
    let mut needed: Vec<&str> = Vec::new();
    let systems = environment.systems.iter().filter(|system| driven.contains(&system.name.as_str()));
    for system in systems {
        let queues = system.queues.iter().map(|(_, queue)| match queue {
            proofload_core::environment::Queue::Rabbitmq(url) | proofload_core::environment::Queue::KafkaLag(url) => {
                url
            }
        });
        needed.extend(queues.chain([&system.url]).chain(&system.grpc).flat_map(Template::addresses));
    }
    let cluster = environment.cluster.iter().filter(|cluster| driven.contains(&cluster.system.as_str()));
    let containers = cluster.flat_map(|cluster| &cluster.pods).flat_map(|(_, containers)| containers);
    needed.extend(containers.flat_map(|container| &container.command).flat_map(Template::addresses));
    // A process that uses a needed one (a worker its gateway's inference server) belongs to it as well.
    loop {
        let before = needed.len();
        for process in &environment.processes {
            let uses: Vec<&str> = process.command.iter().flat_map(Template::addresses).collect();
            let is_needed = needed.contains(&process.name.as_str());
            let wanted = if is_needed {
                uses
            } else if uses.iter().any(|name| needed.contains(name)) {
                vec![process.name.as_str()]
            } else {
                vec![]
            };
            for name in wanted {
                if !needed.contains(&name) {
                    needed.push(name);
                }
            }
        }
        if needed.len() == before {
            break;
        }
    }
    environment.processes.iter().filter(|process| needed.contains(&process.name.as_str())).collect()
}

/// Whether a queue is read at an address that no process of ours has.
fn is_literal(queue: &Queue) -> bool {
    let (Queue::Rabbitmq(url) | Queue::KafkaLag(url)) = queue;
    url.addresses().next().is_none()
}

fn fill(template: &Template, addresses: &HashMap<String, String>) -> Result<String, String> {
    template
        .fill(|part| match part {
            Part::Given(kind, name) if kind == "address" => addresses.get(name).cloned(),
            _ => None,
        })
        .map_err(|part| format!("an address needs {part:?}, which was not started"))
}
