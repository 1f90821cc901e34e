//! Webhooks: proofload listens on a free port, and what is delivered there is matched to its job by the id in its body.
//!
//! The address ends in the run, the workload and the number of the pass; it holds no secret, and only says which flow's
//! rules read a delivery. A delivery may come before the answer that names the job, so those of unknown ids are kept,
//! bounded, until the id is known. One that comes after the follower gave up still counts in the ledger.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use proofload_core::evidence::Fate;
use proofload_core::scenario::{Follow, Scenario};
use tokio::sync::{Semaphore, oneshot};

use super::book::Seen;
use super::flow::{Pass, json_text};
use super::job::{Followed, Following};
use super::script::Script;
use super::world::World;

/// Most connections that deliver at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;
/// Connections that the kernel may hold until then.
const BACKLOG: i32 = 4096;
/// Largest delivery that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest time for the head of a delivery, and again for its body.
const DELIVERED_WITHIN: Duration = Duration::from_secs(30);
/// Most deliveries of unknown ids that are kept.
const EARLY_MAX: usize = 10_000;
/// Most bytes they may have together.
const EARLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where deliveries arrive, and who waits for them.
pub(super) struct Webhooks {
    listeners: RefCell<Vec<TcpListener>>,
    early: RefCell<Early>,
    /// Followers by the index of their job.
    waiting: RefCell<HashMap<usize, oneshot::Sender<()>>>,
}

/// The addresses that passes tell their targets.
#[derive(Default)]
pub(super) struct Addresses {
    run_id: String,
    /// By flow; only those with a webhook job.
    of_flows: HashMap<usize, SocketAddr>,
}

impl Webhooks {
    /// Opens a port where each flow's target can reach it; none for a scenario without webhooks.
    ///
    /// # Errors
    /// A sentence, if no port can be opened.
    pub(super) fn open(
        scenario: &Scenario,
        run_id: String,
        target_of: impl Fn(usize) -> SocketAddr,
    ) -> Result<(Self, Addresses), String> {
        let mut listeners: Vec<TcpListener> = Vec::new();
        let mut of_flows = HashMap::new();
        for (flow, _) in
            scenario.flows.iter().enumerate().filter(|(flow, _)| pointers(scenario, *flow).next().is_some())
        {
            let local = local_ip(target_of(flow));
            let open = listeners.iter().filter_map(|listener| listener.local_addr().ok());
            let address = if let Some(address) = open.into_iter().find(|address| address.ip() == local) {
                address
            } else {
                let (listener, address) =
                    listen(local).map_err(|error| format!("no port for webhooks can be opened on {local}: {error}"))?;
                listeners.push(listener);
                address
            };
            of_flows.insert(flow, address);
        }
        let (early, waiting) = (RefCell::default(), RefCell::default());
        Ok((Self { listeners: RefCell::new(listeners), early, waiting }, Addresses { run_id, of_flows }))
    }
}

impl Addresses {
    /// The address that a pass of a flow tells its target.
    pub(super) fn address(&self, flow: usize, pass: Pass) -> Option<String> {
        let address = self.of_flows.get(&flow)?;
        Some(format!("http://{address}/{}/{}/{}", self.run_id, pass.workload, pass.iteration))
    }

    /// The workload that a path of such an address names.
    fn workload(&self, path: &str) -> Option<usize> {
        let (workload, iteration) =
            path.strip_prefix('/')?.strip_prefix(&*self.run_id)?.strip_prefix('/')?.split_once('/')?;
        iteration.parse::<u64>().ok()?;
        workload.parse().ok()
    }
}

/// Accepts deliveries until the run ends.
pub(super) fn serve(world: &Rc<World>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    for listener in world.webhooks.listeners.take() {
        tokio::task::spawn_local(accept_all(Rc::clone(world), listener, Arc::clone(&places)));
    }
}

/// Waits until the end of a job is delivered.
pub(super) async fn wait(world: &World, following: Following<'_>) -> Followed {
    let index = following.index;
    note_early(world, index);
    let ended = || match world.jobs.borrow().entry(index).fate {
        Fate::Open => Followed::GivenUp,
        fate => Followed::Ended(fate),
    };
    let Some(left) = following.left(world).filter(|_| matches!(ended(), Followed::GivenUp)) else { return ended() };
    let (tell, told) = oneshot::channel();
    world.webhooks.waiting.borrow_mut().insert(index, tell);
    // Whether it was told or the time is over shows in the book.
    let _ = tokio::time::timeout(left, told).await;
    world.webhooks.waiting.borrow_mut().remove(&index);
    ended()
}

/// Where the webhook jobs of a flow find ids in what is delivered.
fn pointers(scenario: &Scenario, flow: usize) -> impl Iterator<Item = &str> {
    scenario.flows[flow].jobs().filter_map(|job| match &job.follow {
        Follow::Webhook { id } => Some(id.as_str()),
        Follow::Poll { .. } | Follow::Websocket { .. } => None,
    })
}

/// The address of this machine that a target sees; nothing is sent to find out.
fn local_ip(target: SocketAddr) -> IpAddr {
    let any: IpAddr = if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let routed = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(target)?;
        socket.local_addr()
    });
    // Without a route no request will reach the target either, and that is told by the requests.
    routed.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

fn listen(ip: IpAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((ip, 0))?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn accept_all(world: Rc<World>, listener: TcpListener, places: Arc<Semaphore>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: others must end first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let world = Rc::clone(&world);
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| deliver(Rc::clone(&world), request));
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(DELIVERED_WITHIN).max_buf_size(16 * 1024);
            // Whoever breaks off a delivery delivers again, or the job stays open.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

async fn deliver(world: Rc<World>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = match receive(&world, request).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(status) => status,
    };
    Ok(response)
}

async fn receive(world: &World, request: Request<Incoming>) -> Result<(), StatusCode> {
    let Script { scenario, webhooks, .. } = &world.script;
    let workload = webhooks.workload(request.uri().path()).and_then(|index| scenario.workloads.get(index));
    let flow = workload.map(|workload| workload.flow).filter(|flow| webhooks.of_flows.contains_key(flow));
    let flow = flow.ok_or(StatusCode::NOT_FOUND)?;
    let refuse = |status: StatusCode, why: &str| {
        world.note_class(world.script.job_step(&scenario.flows[flow].name), format!("webhook refused: {why}"));
        status
    };
    if !matches!(*request.method(), Method::POST | Method::PUT) {
        return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "neither POST nor PUT"));
    }
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    let body = match tokio::time::timeout(DELIVERED_WITHIN, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "larger than 1 MiB"));
        }
        _ => return Err(refuse(StatusCode::BAD_REQUEST, "never whole")),
    };
    let json = serde_json::from_slice(&body).map_err(|_| refuse(StatusCode::BAD_REQUEST, "not JSON"))?;
    accept(world, flow, &json, body).ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "no id in it"))
}

/// Notes a delivery for its job, or keeps it until the job is known; `None` if it names no job at all.
fn accept(world: &World, flow: usize, json: &serde_json::Value, body: Bytes) -> Option<()> {
    let mut ids = pointers(&world.script.scenario, flow).filter_map(|pointer| json_text(json, pointer)).peekable();
    let unknown = ids.peek()?.clone();
    let known = ids.find_map(|id| world.jobs.borrow().find(flow, &id));
    if let Some(index) = known {
        note(world, index, json);
        return Some(());
    }
    if world.webhooks.early.borrow_mut().keep((flow, unknown), body) > 0 {
        let step = world.script.job_step(&world.script.scenario.flows[flow].name);
        world.note_class(step, "webhook forgotten: too many for unknown jobs".to_owned());
    }
    Some(())
}

fn note(world: &World, index: usize, json: &serde_json::Value) {
    let job = Arc::clone(&world.jobs.borrow().entry(index).job);
    let seen = Seen::in_json(json, &job);
    world.jobs.borrow_mut().note(index, &seen);
    let follower = seen.end.and_then(|_| world.webhooks.waiting.borrow_mut().remove(&index));
    if let Some(follower) = follower {
        // It may have given up in the same moment; the book has the end all the same.
        let _ = follower.send(());
    }
}

/// Notes what was delivered before the job was known.
fn note_early(world: &World, index: usize) {
    let key = {
        let jobs = world.jobs.borrow();
        let entry = jobs.entry(index);
        (entry.flow, entry.id.to_string())
    };
    let early = world.webhooks.early.borrow_mut().take(&key);
    for body in early {
        let json = serde_json::from_slice(&body).expect("it was read as JSON when it was kept");
        note(world, index, &json);
    }
}

/// Deliveries of ids that no answer has named yet.
#[derive(Default)]
struct Early {
    by_id: HashMap<(usize, String), Vec<Bytes>>,
    /// One entry per delivery, the oldest first; some may have been taken since.
    order: VecDeque<(usize, String)>,
    bytes: usize,
}

impl Early {
    /// Keeps a delivery, and tells how many old ones had to go for it.
    fn keep(&mut self, key: (usize, String), body: Bytes) -> usize {
        self.bytes += body.len();
        self.by_id.entry(key.clone()).or_default().push(body);
        self.order.push_back(key);
        let mut forgotten = 0;
        while self.order.len() > EARLY_MAX || self.bytes > EARLY_BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            forgotten += self.take(&oldest).len();
        }
        forgotten
    }

    fn take(&mut self, key: &(usize, String)) -> Vec<Bytes> {
        let taken = self.by_id.remove(key).unwrap_or_default();
        self.bytes -= taken.iter().map(Bytes::len).sum::<usize>();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_of_unknown_jobs_are_kept_within_bounds() {
        let mut early = Early::default();
        let key = |number: usize| (0, number.to_string());
        let forgotten: usize =
            (0..EARLY_MAX + 5).map(|number| early.keep(key(number), Bytes::from_static(b"{}"))).sum();
        assert_eq!((forgotten, early.by_id.len(), early.bytes), (5, EARLY_MAX, 2 * EARLY_MAX));
        assert_eq!((early.take(&key(4)).len(), early.take(&key(5)).len()), (0, 1));
        let large = Bytes::from(vec![b' '; BODY_BYTES_MAX]);
        (0..200).for_each(|number| {
            early.keep(key(number), large.clone());
        });
        assert!(early.bytes <= EARLY_BYTES_MAX, "{}", early.bytes);
    }
}
