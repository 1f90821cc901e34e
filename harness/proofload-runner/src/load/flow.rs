//! One request of a pass: built, sent, its answer read and judged; timed from its intended start.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request as HttpRequest, StatusCode, header};
use http_body_util::BodyExt;
use proofload_core::scenario::{Body, Extract, FieldValue, Part, Request, Template};

use super::body::{Field, PartsBody, multipart};
use super::checks;
use super::connection::{Broken, Pool};
use super::data;
use super::recorder::{Sample, SampleOutcome};
use super::values::Values;
use super::world::{Counted, World};

/// Largest answer that is read; a larger one counts as broken.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

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

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Sends one request and records it; says whether the pass may go on.
pub(super) async fn timed_request(
    world: &World,
    pass: Pass,
    request: &Request,
    values: &mut Values,
    due_ns: u64,
) -> bool {
    let step = world.request_step(&request.name);
    world.recorder.borrow_mut().begin(step, due_ns);
    let dispatched_ns = world.clock.now_ns();
    let mut sent_ns = dispatched_ns;
    let exchange = exchange(world, pass, request, values, &mut sent_ns);
    let answer = match tokio::time::timeout(request.timeout, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(Broken::TimedOut),
    };
    let ended_ns = world.clock.now_ns();
    checks::count(world, pass, request, answer.as_ref().ok(), values);
    let (outcome, class) = match answer {
        Err(broken) => (SampleOutcome::Broken(broken), Some(broken.word().to_owned())),
        Ok(answer) => match judge_answer(world, request, &answer, values) {
            None => (SampleOutcome::Good, None),
            Some(class) => (SampleOutcome::Wrong, Some(class)),
        },
    };
    let sample = Sample { intended_ns: due_ns, dispatched_ns, sent_ns: sent_ns.max(dispatched_ns), ended_ns, outcome };
    world.end(step, &sample, class);
    outcome == SampleOutcome::Good
}

async fn exchange(
    world: &World,
    pass: Pass,
    request: &Request,
    values: &Values,
    sent_ns: &mut u64,
) -> Result<Answer, Broken> {
    if world.finishing.get() {
        return Err(Broken::NotReached);
    }
    let system = &world.systems[world.scenario.workloads[pass.workload].flow];
    let permit = {
        let _waiting = Counted::new(&world.waiting);
        world.limiters[pass.workload].acquire().await.map_err(|_| Broken::NotSent)?
    };
    let _in_flight = Counted::new(&world.in_flight);
    let message = build(world, pass, request, values).ok_or(Broken::NotSent)?;
    let answer = send(&system.load, message, || *sent_ns = world.clock.now_ns()).await;
    drop(permit);
    answer
}

/// Sends a message on a pooled connection and reads the whole answer. `on_send` is called when a connection is there.
pub(super) async fn send(
    pool: &Pool,
    message: HttpRequest<PartsBody>,
    on_send: impl FnOnce(),
) -> Result<Answer, Broken> {
    let mut lent = pool.lend().await?;
    on_send();
    let response = pool.send(&mut lent, message).await?;
    let (head, mut incoming) = response.into_parts();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|_| Broken::Reset)?.into_data() else { continue };
        if body.len() + data.len() > ANSWER_BYTES_MAX {
            return Err(Broken::TooLarge);
        }
        body.extend_from_slice(&data);
    }
    pool.give_back(lent);
    Ok(Answer { status: head.status, headers: head.headers, body: body.freeze() })
}

/// A GET without a body.
pub(super) fn get(pool: &Pool, path: &str, authorization: Option<&HeaderValue>) -> Option<HttpRequest<PartsBody>> {
    let target = pool.target();
    let mut builder =
        HttpRequest::builder().method("GET").uri(target.path_of(path)).header(header::HOST, &*target.authority);
    if let Some(value) = authorization {
        builder = builder.header(header::AUTHORIZATION, value);
    }
    builder.body(PartsBody::default()).ok()
}

fn build(world: &World, pass: Pass, request: &Request, values: &Values) -> Option<HttpRequest<PartsBody>> {
    let system = &world.systems[world.scenario.workloads[pass.workload].flow];
    let path = fill(world, pass, &request.path, values)?;
    let target = system.load.target();
    let (body, content_type) = body(world, pass, &request.body, values)?;
    let mut builder = HttpRequest::builder()
        .method(request.method.as_str())
        .uri(target.path_of(&path))
        .header(header::HOST, &*target.authority)
        .header(header::USER_AGENT, concat!("proofload/", env!("CARGO_PKG_VERSION")));
    if let Some(content_type) = content_type {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    if let Some(value) = request.auth.as_ref().and_then(|name| system.tokens.get(name)) {
        builder = builder.header(header::AUTHORIZATION, value);
    }
    for (name, template) in &request.headers {
        builder = builder.header(name, fill(world, pass, template, values)?);
    }
    builder.body(body).ok()
}

fn body(world: &World, pass: Pass, body: &Body, values: &Values) -> Option<(PartsBody, Option<String>)> {
    match body {
        Body::Empty => Some((PartsBody::default(), None)),
        Body::Payload(name) => {
            let file = world.next_file(name)?;
            Some((PartsBody::new([file.bytes.clone()]), Some(file.content_type.to_owned())))
        }
        Body::Text { text, content_type } => {
            let text = fill(world, pass, text, values)?;
            Some((PartsBody::new([Bytes::from(text)]), Some(content_type.clone())))
        }
        Body::Multipart(fields) => {
            let fields: Option<Vec<Field>> =
                fields.iter().map(|(name, value)| field(world, pass, name, value, values)).collect();
            // No payload can hold it: it is longer than chance and tells the pass.
            let boundary =
                format!("proofload-{:016x}-{:016x}", world.seed, (pass.workload as u64) << 40 | pass.iteration);
            let (body, content_type) = multipart(fields?, &boundary);
            Some((body, Some(content_type)))
        }
    }
}

fn field(world: &World, pass: Pass, name: &str, value: &FieldValue, values: &Values) -> Option<Field> {
    Some(match value {
        FieldValue::Text(template) => {
            Field::Text { name: name.to_owned(), value: fill(world, pass, template, values)? }
        }
        FieldValue::Payload(payload) => {
            let file = world.next_file(payload)?;
            Field::File {
                name: name.to_owned(),
                file_name: file.name.clone(),
                content_type: file.content_type,
                bytes: file.bytes.clone(),
            }
        }
    })
}

/// Fills a template; `None` where a value is not there.
pub(super) fn fill(world: &World, pass: Pass, template: &Template, values: &Values) -> Option<String> {
    template
        .fill(|part| match part {
            Part::Iteration => Some(pass.iteration.to_string()),
            Part::Run => Some(world.run_id.clone()),
            Part::Value(name) => values.get(name).cloned(),
            Part::Known(name) => world.known(name, pass.iteration),
            Part::Data { set, column } => data::value(&world.data, world.seed, pass, (set, column)),
            Part::Webhook => world.webhooks.address(world.scenario.workloads[pass.workload].flow, pass),
            _ => None,
        })
        .ok()
}

/// What is wrong with an answer, in a few words; extracts its values if nothing is.
fn judge_answer(world: &World, request: &Request, answer: &Answer, values: &mut Values) -> Option<String> {
    let right = match request.expect_status {
        Some(status) => answer.status.as_u16() == status,
        None => answer.status.is_success(),
    };
    if !right {
        return Some(format!("status {}", answer.status.as_u16()));
    }
    for (name, from) in &request.extract {
        let Some(value) = extract(world, from, answer) else {
            return Some(format!("no {} in the answer", describe(from)));
        };
        world.learn(name, &value);
        values.insert(name.clone(), value);
    }
    None
}

fn describe(from: &Extract) -> String {
    match from {
        Extract::Json(pointer) => pointer.clone(),
        Extract::Header(name) => format!("header {name}"),
        Extract::Regex(pattern) => format!("match of {pattern}"),
    }
}

fn extract(world: &World, from: &Extract, answer: &Answer) -> Option<String> {
    match from {
        Extract::Header(name) => Some(answer.headers.get(name)?.to_str().ok()?.to_owned()),
        Extract::Json(pointer) => json_text(&serde_json::from_slice(&answer.body).ok()?, pointer),
        Extract::Regex(pattern) => {
            let text = String::from_utf8_lossy(&answer.body);
            Some(world.regexes.get(pattern)?.captures(&text)?.get(1)?.as_str().to_owned())
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
