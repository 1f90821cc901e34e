//! One request of a pass: built, sent, its answer read and judged; timed from its intended start.

use proofload_core::scenario::{Extract, Request};

use super::broken::Broken;
use super::checks;
use super::exchange::{Answer, Exchange};
use super::grpc;
use super::recorder::{Sample, SampleOutcome};
use super::request::render;
use super::script::Script;
use super::values::Values;
use super::world::{Counted, World};

/// One pass: which, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// Index of the workload.
    pub(super) workload: usize,
    /// Number within the workload.
    pub(super) iteration: u64,
    /// When it should have begun.
    pub(super) intended_ns: u64,
}

/// How a timed request ended.
pub(super) struct Timing {
    /// With a whole and right answer: the pass may go on.
    pub(super) is_good: bool,
    /// When.
    pub(super) ended_ns: u64,
}

/// Sends one request and records it; says how it ended.
pub(super) async fn timed_request(
    world: &World,
    pass: Pass,
    request: &Request,
    values: &mut Values,
    due_ns: u64,
) -> Timing {
    let step = world.script.prepared(request).step;
    world.recorder.borrow_mut().begin(step, due_ns);
    let dispatched_ns = world.clock.now_ns();
    let mut sent_ns = dispatched_ns;
    let exchange = exchange(world, pass, request, values, &mut sent_ns);
    let gives_up = world.clock.instant(dispatched_ns) + request.timeout;
    let mut exchange = match tokio::time::timeout_at(gives_up.into(), exchange).await {
        Ok(exchange) => exchange,
        Err(_) => Err(Broken::TimedOut),
    };
    let ended_ns = world.clock.now_ns();
    if let Ok(exchange) = &mut exchange {
        world.script.open(request, &mut exchange.answer);
    }
    let answer = exchange.as_ref().ok().map(|exchange| &exchange.answer);
    checks::count((&world.script, &mut world.checks.borrow_mut()), pass, request, answer, values);
    let (outcome, class) = match &exchange {
        Err(broken) => (SampleOutcome::Broken(*broken), Some(broken.word().to_owned())),
        Ok(exchange) => match judge_answer(&world.script, request, &exchange.answer, values) {
            None => (SampleOutcome::Good, None),
            Some(class) => (SampleOutcome::Wrong, Some(class)),
        },
    };
    let sent_ns = sent_ns.max(dispatched_ns);
    let sample = Sample {
        intended_ns: due_ns,
        dispatched_ns,
        sent_ns,
        first_byte_ns: exchange.as_ref().ok().map(|exchange| exchange.first_byte_ns),
        ended_ns,
        outcome,
        status: exchange.ok().map(|exchange| exchange.answer.status),
        workload: pass.workload,
        iteration: pass.iteration,
    };
    world.end(step, &sample, class);
    Timing { is_good: outcome == SampleOutcome::Good, ended_ns }
}

async fn exchange(
    world: &World,
    pass: Pass,
    request: &Request,
    values: &Values,
    sent_ns: &mut u64,
) -> Result<Exchange, Broken> {
    if world.finishing.get() {
        return Err(Broken::NotReached);
    }
    let system = &world.systems[world.script.flow_index(pass)];
    let limiter = &world.limiters[pass.workload];
    let (_permit, waited) = if let Ok(permit) = limiter.try_acquire() {
        (permit, false)
    } else {
        let _waiting = Counted::new(&world.waiting);
        (limiter.acquire().await.map_err(|_| Broken::NotSent)?, true)
    };
    let _in_flight = Counted::new(&world.in_flight);
    let outgoing = render(&world.script, pass, request, values).ok_or(Broken::NotSent)?;
    let pool = if grpc::call_of(request).is_some() { &system.grpc } else { &system.load };
    // A clock costs as much as all that is recorded, so it is read only where there was something to wait for.
    let on_send = |connected| {
        if waited || connected {
            *sent_ns = world.clock.now_ns();
        }
    };
    pool.exchange(&outgoing, on_send).await
}

/// What is wrong with an answer, in a few words; extracts its values if nothing is.
pub(super) fn judge_answer(script: &Script, request: &Request, answer: &Answer, values: &mut Values) -> Option<String> {
    let wrong = match grpc::call_of(request) {
        Some(call) => grpc::wrong(call, answer),
        None => wrong_status(request.expect_status, answer.status),
    };
    if wrong.is_some() {
        return wrong;
    }
    for (name, from) in &request.extract {
        let Some(value) = extract(script, from, answer) else {
            return Some(format!("no {} in the answer", describe(from)));
        };
        script.known.learn(name, &value);
        values.insert(name.clone(), value);
    }
    None
}

fn wrong_status(expected: Option<u16>, status: u16) -> Option<String> {
    let right = match expected {
        Some(expected) => status == expected,
        None => (200..300).contains(&status),
    };
    (!right).then(|| format!("status {status}"))
}

fn describe(from: &Extract) -> String {
    match from {
        Extract::Json(pointer) => pointer.clone(),
        Extract::Header(name) => format!("header {name}"),
        Extract::Regex(pattern) => format!("match of {pattern}"),
    }
}

fn extract(script: &Script, from: &Extract, answer: &Answer) -> Option<String> {
    match from {
        Extract::Header(name) => Some(answer.header(name)?.to_owned()),
        Extract::Json(pointer) => json_text(&serde_json::from_slice(&answer.body).ok()?, pointer),
        Extract::Regex(pattern) => {
            let text = String::from_utf8_lossy(&answer.body);
            Some(script.regexes.get(pattern)?.captures(&text)?.get(1)?.as_str().to_owned())
        }
    }
}

/// The text of a value at a JSON pointer: of a string its characters, else its JSON.
pub(super) fn json_text(json: &serde_json::Value, pointer: &str) -> Option<String> {
    match json.pointer(pointer)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    }
}
