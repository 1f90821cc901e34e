//! The side of the run: waits for workers, gives each its part, and hears them as it hears threads of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::wire::{Assignment, SPOKEN, ToCoordinator, ToWorker, read, write};
use crate::clock;
use crate::load::{Control, Generator, GeneratorEvent};

/// Longest wait until a worker has built its plan and read its payloads.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// Longest silence of a worker: it speaks four times a second.
const SILENT_MAX: Duration = Duration::from_secs(15);

/// Where workers join.
pub(crate) struct Coordinator {
    listener: TcpListener,
    token: String,
    /// Where this process's clock begins, for telling times to workers.
    base: Instant,
}

/// Workers that are ready to begin.
pub(crate) struct Gathered {
    connections: Vec<(TcpStream, u32)>,
    base: Instant,
}

impl Coordinator {
    /// Listens on a port that is free, on this machine only; workers prove themselves with `token`.
    ///
    /// # Errors
    /// Where no port is free.
    pub(crate) async fn bind(token: String) -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(("127.0.0.1", 0)).await?, token, base: clock::now() })
    }

    /// Where workers join.
    ///
    /// # Errors
    /// Where the kernel does not say.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits until a worker is ready for each assignment.
    ///
    /// # Errors
    /// A sentence, where one refuses or does not come in time.
    pub(crate) async fn gather(self, assignments: Vec<Assignment>) -> Result<Gathered, String> {
        let wanted = assignments.len();
        let mut arriving = Vec::new();
        let gathering = async {
            for assignment in assignments {
                let stream = self.accept().await?;
                arriving.push(tokio::spawn(make_ready(stream, assignment, self.base)));
            }
            let mut connections = Vec::new();
            for worker in &mut arriving {
                connections.push(worker.await.map_err(|error| format!("a worker could not be heard: {error}"))??);
            }
            Ok::<_, String>(connections)
        };
        let gathered = tokio::time::timeout(READY_WITHIN, gathering).await;
        let in_time = gathered.map_err(|_| {
            format!(
                "{wanted} generator processes were not ready within {} s; see logs/generator-*.log",
                READY_WITHIN.as_secs()
            )
        });
        Ok(Gathered { connections: in_time??, base: self.base })
    }

    /// The next that knows the token. Whoever does not is sent away and costs nobody a place.
    async fn accept(&self) -> Result<(TcpStream, u32), String> {
        loop {
            let (mut stream, _) =
                self.listener.accept().await.map_err(|error| format!("no worker can join any more: {error}"))?;
            let hello = tokio::time::timeout(Duration::from_secs(5), read::<ToCoordinator>(&mut stream)).await;
            let Ok(Ok(Some(ToCoordinator::Hello { token, version, pid }))) = hello else { continue };
            if token != self.token {
                continue;
            }
            if version != SPOKEN {
                return Err(format!(
                    "a worker of version {version} joined a run of version {SPOKEN}; use the same program everywhere"
                ));
            }
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
            return Ok((stream, pid));
        }
    }
}

/// Gives a worker its part and answers its pings until it is ready.
async fn make_ready(
    (mut stream, pid): (TcpStream, u32),
    assignment: Assignment,
    base: Instant,
) -> Result<(TcpStream, u32), String> {
    let gone = |error: std::io::Error| format!("generator process {pid} has gone: {error}; see logs/generator-*.log");
    write(&mut stream, &ToWorker::Assignment(Box::new(assignment))).await.map_err(gone)?;
    loop {
        match read(&mut stream).await.map_err(gone)? {
            Some(ToCoordinator::Ping) => {
                write(&mut stream, &ToWorker::Pong { here_ns: since(base, clock::now()) }).await.map_err(gone)?;
            }
            Some(ToCoordinator::Ready { .. }) => return Ok((stream, pid)),
            Some(ToCoordinator::Refused { why }) => return Err(why),
            _ => return Err(gone(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

impl Gathered {
    /// Lets all begin: the axis of the run starts at `zero`.
    pub(crate) fn start(self, zero: Instant) -> Generator {
        let (tell, events) = unbounded_channel();
        let zero_ns = since(self.base, zero);
        let controls = self.connections.into_iter().enumerate().map(|(index, (stream, pid))| {
            let (control, told) = unbounded_channel();
            tokio::spawn(converse(stream, (self.base, zero_ns), told, Heard { index, pid, tell: tell.clone() }));
            control
        });
        Generator::of(controls.collect(), events)
    }
}

/// Where what a worker says goes.
struct Heard {
    index: usize,
    pid: u32,
    tell: UnboundedSender<(usize, GeneratorEvent)>,
}

impl Heard {
    fn event(&self, event: GeneratorEvent) {
        // The other end is gone only when the run is being torn down.
        let _ = self.tell.send((self.index, event));
    }
}

/// Passes words on in both directions until the worker has gone.
async fn converse(
    stream: TcpStream,
    (base, zero_ns): (Instant, u64),
    mut told: UnboundedReceiver<Control>,
    heard: Heard,
) {
    let (mut from, mut to) = stream.into_split();
    let (answer, mut pongs) = unbounded_channel();
    let speaking = tokio::spawn(async move {
        let mut message = ToWorker::Start { zero_ns };
        while write(&mut to, &message).await.is_ok() {
            message = tokio::select! {
                Some(control) = told.recv() => ToWorker::Control(control),
                Some(pong) = pongs.recv() => pong,
                else => break,
            };
        }
        to
    });
    let why = loop {
        match tokio::time::timeout(SILENT_MAX, read(&mut from)).await {
            Ok(Ok(Some(ToCoordinator::Event(event)))) => heard.event(event),
            // Fails only once nothing more can be said, which reading finds out too.
            Ok(Ok(Some(ToCoordinator::Ping))) => {
                drop(answer.send(ToWorker::Pong { here_ns: since(base, clock::now()) }));
            }
            Ok(Ok(_)) => break "it ended".to_owned(),
            Ok(Err(error)) => break error.to_string(),
            Err(_) => break format!("it was silent for {} s", SILENT_MAX.as_secs()),
        }
    };
    // After the outcome this says nothing; before it, that a share of the load is missing.
    heard.event(GeneratorEvent::Lost(format!("generator process {}: {why}", heard.pid)));
    speaking.abort();
}

fn since(base: Instant, moment: Instant) -> u64 {
    u64::try_from(moment.saturating_duration_since(base).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the run says to a worker that knows the token and speaks like this.
    async fn said_to(version: &str) -> Result<(), String> {
        let coordinator = Coordinator::bind("t".to_owned()).await.unwrap();
        let mut worker = TcpStream::connect(coordinator.address().unwrap()).await.unwrap();
        let hello = ToCoordinator::Hello { token: "t".to_owned(), version: version.to_owned(), pid: 1 };
        write(&mut worker, &hello).await.unwrap();
        coordinator.accept().await.map(drop)
    }

    #[tokio::test]
    async fn a_worker_that_speaks_otherwise_is_refused() {
        assert_eq!(said_to(SPOKEN).await, Ok(()));
        let refused = said_to("0.1.0").await.unwrap_err();
        assert!(refused.starts_with("a worker of version 0.1.0 joined a run of version "), "{refused}");
        assert!(refused.ends_with("; use the same program everywhere"), "{refused}");
    }
}
