//! The side of a worker: joins a run, makes itself ready, sends its shards of the load and tells what it measures.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use proofload_core::environment::HttpVersion;
use proofload_core::plan::Plan;
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc::UnboundedReceiver;

use super::offset::{Offset, Round};
use super::wire::{AssignedSystem, Assignment, SPOKEN, ToCoordinator, ToWorker, read, write};
use crate::audit::{Watch, rounded};
use crate::clock::{self, RunClock};
use crate::environment::load_payloads;
use crate::load::{Generator, GeneratorEvent, Shards, SystemAccess, Target, WorldParts, load_data, load_methods};
use crate::run::{raise_file_limit, timed_steps, tls_config};

/// Pings before a run: the quickest of so many is quick.
const PINGS: usize = 32;
/// Longest wait for the answer to a ping at the end of a run.
const PONG_WITHIN: Duration = Duration::from_secs(2);
/// Longest wait for the coordinator's word.
const HEARD_WITHIN: Duration = Duration::from_mins(2);

/// A worker that knows what it is to do.
pub struct Joined {
    stream: TcpStream,
    /// What it is to do.
    pub assignment: Assignment,
    base: Instant,
}

/// Joins the run that listens at `address`.
///
/// # Errors
/// A sentence, where nobody answers there or `token` is not the one of that run.
pub async fn join(address: SocketAddr, token: String) -> Result<Joined, String> {
    let base = clock::now();
    let mut stream =
        TcpStream::connect(address).await.map_err(|error| format!("no run listens at {address}: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let hello = ToCoordinator::Hello { token, version: SPOKEN.to_owned(), pid: std::process::id() };
    write(&mut stream, &hello).await.map_err(gone)?;
    match heard(&mut stream).await? {
        ToWorker::Assignment(assignment) => Ok(Joined { stream, assignment: *assignment, base }),
        other => Err(format!("the run said {other:?} instead of what is to be done")),
    }
}

impl Joined {
    /// Says that it cannot be done.
    pub async fn refuse(mut self, why: &str) {
        // The coordinator may have gone, and then nobody needs to know.
        let _ = write(&mut self.stream, &ToCoordinator::Refused { why: why.to_owned() }).await;
    }

    /// Sends this worker's share of the load and tells everything; returns when the run is over.
    ///
    /// # Errors
    /// A sentence; the coordinator has been told, or has gone.
    pub async fn work(mut self, scenario: Scenario, traces: Traces, plan: Plan) -> Result<(), String> {
        let parts = match world_parts(&self.assignment, scenario, traces).await {
            Ok(parts) => parts,
            Err(why) => {
                self.refuse(&why).await;
                return Err(why);
            }
        };
        let (clock, offset) = self.agree_on_clock().await?;
        let targets: Vec<SocketAddr> =
            parts.systems.iter().flat_map(SystemAccess::targets).map(Target::address).collect();
        let shards = Shards {
            first: self.assignment.shard_first,
            count: self.assignment.shards,
            total: self.assignment.shards_total,
        };
        let generator = Generator::start(&WorldParts { clock, ..parts }, &Arc::new(plan), shards)
            .map_err(|error| format!("the generator threads could not start: {error}"))?;
        let watch = Watch::start(clock, &targets, self.assignment.pacing);
        tell_all(self.stream, (generator, watch), (self.base, offset)).await
    }

    /// Learns how far the clocks are apart, says that all is ready and waits for the start.
    async fn agree_on_clock(&mut self) -> Result<(RunClock, Offset), String> {
        let mut rounds = Vec::with_capacity(PINGS);
        for _ in 0..PINGS {
            let asked_ns = here_ns(self.base);
            write(&mut self.stream, &ToCoordinator::Ping).await.map_err(gone)?;
            let ToWorker::Pong { here_ns: other_ns } = heard(&mut self.stream).await? else {
                return Err("the run did not answer a ping".to_owned());
            };
            rounds.push(Round { asked_ns, other_ns, heard_ns: here_ns(self.base) });
        }
        let offset = Offset::of(&rounds).expect("there is at least one round");
        let ready = ToCoordinator::Ready { uncertainty_ns: offset.uncertainty_ns };
        write(&mut self.stream, &ready).await.map_err(gone)?;
        let ToWorker::Start { zero_ns } = heard(&mut self.stream).await? else {
            return Err("the run did not start".to_owned());
        };
        Ok((RunClock::starting_at(self.base + Duration::from_nanos(offset.here_ns(zero_ns))), offset))
    }
}

/// Passes on what the shards tell, and tells them what the coordinator says, until all is handed over.
async fn tell_all(
    stream: TcpStream,
    (mut generator, mut watch): (Generator, Watch),
    (base, offset): (Instant, Offset),
) -> Result<(), String> {
    let (mut from, mut to) = stream.into_split();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(async move {
        // Ends with the connection: a run that is gone needs no load.
        while let Ok(Some(message)) = read::<ToWorker>(&mut from).await {
            if tell.send(message).is_err() {
                break;
            }
        }
    });
    let outcome = loop {
        tokio::select! {
            event = generator.next() => {
                let Some(mut event) = event else { break Err("the generator fell silent".to_owned()) };
                let is_last = matches!(event, GeneratorEvent::Finished(_));
                if let GeneratorEvent::Finished(outcome) = &mut event {
                    let mut found = watch.end();
                    let apart_ns = look_again(&mut to, &mut told, base).await.map(|later| offset.apart_ns(later));
                    found.audit.host_clock_ms = apart_ns.map(|apart_ns| rounded(ms(apart_ns)));
                    outcome.watched.push(found);
                }
                if let Err(error) = write(&mut to, &ToCoordinator::Event(event)).await {
                    break Err(gone(error));
                }
                if is_last {
                    break Ok(());
                }
            }
            words = told.recv() => match words {
                Some(ToWorker::Control(control)) => generator.tell(control),
                Some(_) => {}
                None => break Err("the run that this process worked for has gone".to_owned()),
            },
        }
    };
    listening.abort();
    outcome
}

/// Asks once more how far the clocks are apart, when nothing is sent any more; `None` where nobody answers.
async fn look_again(to: &mut OwnedWriteHalf, told: &mut UnboundedReceiver<ToWorker>, base: Instant) -> Option<Offset> {
    let mut rounds = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let asked_ns = here_ns(base);
        write(to, &ToCoordinator::Ping).await.ok()?;
        let answer = async {
            loop {
                // What the run asked for meanwhile has been done.
                if let ToWorker::Pong { here_ns: other_ns } = told.recv().await? {
                    return Some(other_ns);
                }
            }
        };
        let other_ns = tokio::time::timeout(PONG_WITHIN, answer).await.ok()??;
        rounds.push(Round { asked_ns, other_ns, heard_ns: here_ns(base) });
    }
    Offset::of(&rounds)
}

fn here_ns(base: Instant) -> u64 {
    u64::try_from(clock::now().saturating_duration_since(base).as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

async fn world_parts(assignment: &Assignment, scenario: Scenario, traces: Traces) -> Result<WorldParts, String> {
    raise_file_limit();
    let payloads = load_payloads(&scenario.payloads, &assignment.folder, assignment.seed)?;
    let methods = load_methods(&scenario, &assignment.folder)?;
    let data = load_data(scenario.data_files(), &assignment.folder)?;
    let mut systems = Vec::new();
    for system in &assignment.systems {
        systems.push(access(system).await?);
    }
    Ok(WorldParts {
        clock: RunClock::starting_at(clock::now()),
        timed: timed_steps(&scenario),
        scenario,
        seed: assignment.seed,
        run_id: assignment.run_id.clone(),
        systems,
        payloads,
        traces,
        data,
        methods,
        tls: Some(tls_config(&assignment.authorities).map_err(|error| error.to_string())?),
        pacing: assignment.pacing,
    })
}

async fn access(system: &AssignedSystem) -> Result<SystemAccess, String> {
    let value = |(name, text): (&String, &String)| {
        let mut value =
            HeaderValue::from_str(text).map_err(|_| format!("the token `{name}` cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok((name.clone(), value))
    };
    let tokens: Result<HashMap<String, HeaderValue>, String> = system.tokens.iter().map(value).collect();
    Ok(SystemAccess {
        name: system.name.clone(),
        target: Target::resolve(&system.url, system.http).await?,
        grpc: Target::resolve(&system.grpc_url, HttpVersion::Http2).await?,
        tokens: tokens?,
    })
}

async fn heard(stream: &mut TcpStream) -> Result<ToWorker, String> {
    let message = tokio::time::timeout(HEARD_WITHIN, read(stream)).await;
    let message = message.map_err(|_| format!("the run said nothing for {} s", HEARD_WITHIN.as_secs()))?;
    message.map_err(gone)?.ok_or_else(|| "the run did not want this worker: is the token that of this run?".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn gone(error: std::io::Error) -> String {
    format!("the run that this process worked for has gone: {error}")
}
