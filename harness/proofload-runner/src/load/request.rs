//! From a request of a flow to bytes: what never changes is rendered once, before the first arrival.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use proofload_core::scenario::{Body, CheckTest, Extract, FieldValue, Part, Place, Request, Template};
use prost_reflect::MessageDescriptor;

use super::data;
use super::exchange::{Keep, Outgoing, Piece};
use super::flow::Pass;
use super::grpc::{self, Methods};
use super::multipart::{Field, multipart};
use super::script::Script;
use super::target::Target;
use super::values::Values;

/// A request with everything that is the same each time already rendered.
pub(super) struct Prepared {
    /// Index of its timed step.
    pub(super) step: usize,
    /// `GET`
    method: String,
    /// From the version to the last header field that never changes.
    common: Vec<u8>,
    /// The whole head, where nothing in it changes.
    fixed: Option<Bytes>,
    keep: Keep,
    /// The message, where it is a gRPC call.
    grpc: Option<Grpc>,
}

/// The message of a gRPC call.
struct Grpc {
    input: MessageDescriptor,
    output: MessageDescriptor,
    /// Anything is taken from the message of the answer.
    is_read: bool,
    /// The whole message, where nothing in it changes.
    fixed: Option<Bytes>,
}

impl Prepared {
    /// Prepares a request, which is this timed step, for a target; `run_id` fills `{{run}}`.
    pub(super) fn new(
        (request, step): (&Request, usize),
        system: (&Target, &HashMap<String, HeaderValue>),
        methods: &Methods,
        run_id: &str,
    ) -> Self {
        let (target, tokens) = system;
        let mut common = common_lines(target);
        if let Some(value) = request.auth.as_ref().and_then(|name| tokens.get(name)) {
            field(&mut common, "authorization", value.as_bytes());
        }
        let constant = |part: &Part| matches!(part, Part::Run).then(|| run_id.to_owned());
        let grpc = Grpc::new(request, methods, constant);
        if grpc.is_some() {
            grpc_lines(&mut common, request.timeout);
        }
        let is_constant = |template: &Template| template.0.iter().all(|part| matches!(part, Part::Text(_) | Part::Run));
        let is_fixed = is_constant(&request.path)
            && request.headers.iter().all(|(_, value)| is_constant(value))
            && matches!(request.body, Body::Empty)
            && !request.method_of_trace;
        let mut prepared =
            Self { step, method: request.method.clone(), common, fixed: None, keep: keep(request), grpc };
        if is_fixed {
            let fill = |template: &Template| template.fill(constant).ok();
            let content = no_content(&request.method);
            prepared.fixed = prepared.head((request, &request.method), target, fill, content).map(Bytes::from);
        }
        prepared
    }

    /// The message of a gRPC call's answer, as JSON if anything reads it; `None` where it is not exactly one message.
    pub(super) fn opened(&self, answer: &Bytes) -> Option<Bytes> {
        let grpc = self.grpc.as_ref()?;
        if grpc.is_read {
            grpc::unframe(&grpc.output, answer)
        } else {
            grpc::one_message(answer).map(|_| answer.clone())
        }
    }

    /// The head up to and with its empty line; `None` where a value is missing or cannot stand in a head.
    fn head(
        &self,
        (request, method): (&Request, &str),
        target: &Target,
        fill: impl Fn(&Template) -> Option<String>,
        content: Option<(&str, u64)>,
    ) -> Option<Vec<u8>> {
        let mut head = start(method, &target.path_of(&fill(&request.path)?), &self.common)?;
        for (name, template) in &request.headers {
            let value = HeaderValue::from_str(&fill(template)?).ok()?;
            field(&mut head, name, value.as_bytes());
        }
        if let Some((content_type, length)) = content {
            if !content_type.is_empty() {
                field(&mut head, "content-type", content_type.as_bytes());
            }
            field(&mut head, "content-length", length.to_string().as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        Some(head)
    }
}

impl Grpc {
    /// `None` where the request is no call.
    fn new(request: &Request, methods: &Methods, constant: impl Fn(&Part) -> Option<String>) -> Option<Self> {
        let call = grpc::call_of(request)?;
        let (input, output) = (methods.input(call)?, methods.output(call)?);
        let fixed = call.message.fill(constant).ok().and_then(|text| grpc::frame(&input, &text).ok());
        Some(Self { input, output, is_read: reads(request).body, fixed })
    }
}

/// The request as it is sent in this pass; `None` where a value is missing.
pub(super) fn render(script: &Script, pass: Pass, request: &Request, values: &Values) -> Option<Outgoing> {
    let prepared = script.prepared(request);
    let method = if request.method_of_trace { script.entry(pass)?.method.as_deref()? } else { &prepared.method };
    let outgoing = |head: Bytes, pieces: Vec<Piece>| Outgoing {
        head,
        pieces,
        is_idempotent: is_idempotent(method),
        to_head: method == "HEAD",
        keep: prepared.keep,
    };
    if let Some(head) = &prepared.fixed {
        return Some(outgoing(head.clone(), Vec::new()));
    }
    let (pieces, content_type) = content(script, pass, request, values)?;
    let length = pieces.iter().map(Piece::bytes).sum();
    let framing = match request.body {
        Body::Empty => no_content(method),
        // The end of the stream is the end of the message.
        Body::Grpc(_) => None,
        _ => Some((content_type.as_str(), length)),
    };
    let target = script.target_for(pass, request);
    let head = prepared.head((request, method), target, |template| fill(script, pass, template, values), framing)?;
    Some(outgoing(Bytes::from(head), pieces))
}

/// A GET without content, whose answer is wanted as a whole.
pub(super) fn get(target: &Target, path: &str, authorization: Option<&HeaderValue>) -> Option<Outgoing> {
    let mut head = start("GET", &target.path_of(path), &common_lines(target))?;
    if let Some(value) = authorization {
        field(&mut head, "authorization", value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    let keep = Keep { head: true, body: true };
    Some(Outgoing { head: Bytes::from(head), pieces: Vec::new(), is_idempotent: true, to_head: false, keep })
}

/// Fills a template; `None` where a value is not there.
pub(super) fn fill(script: &Script, pass: Pass, template: &Template, values: &Values) -> Option<String> {
    template
        .fill(|part| match part {
            Part::Iteration => Some(pass.iteration.to_string()),
            Part::Run => Some(script.run_id.clone()),
            Part::Value(name) => values.get(name).cloned(),
            Part::Known(name) => script.known.pick(name, proofload_core::plan::draw(script.seed, pass.iteration)),
            Part::Data { set, column } => data::value(&script.data, script.seed, pass, (set, column)),
            Part::Webhook => script.webhooks.address(script.flow_index(pass), pass),
            Part::Trace(field) => script.entry(pass)?.text(*field),
            _ => None,
        })
        .ok()
}

/// A head up to the fields that are common to all; `None` where the path has a space or a line end, which would change
/// what the request says.
fn start(method: &str, path: &str, common: &[u8]) -> Option<Vec<u8>> {
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut head = Vec::with_capacity(method.len() + path.len() + common.len() + 128);
    head.extend_from_slice(method.as_bytes());
    head.push(b' ');
    head.extend_from_slice(path.as_bytes());
    head.extend_from_slice(common);
    Some(head)
}

fn common_lines(target: &Target) -> Vec<u8> {
    let mut common = b" HTTP/1.1\r\n".to_vec();
    field(&mut common, "host", target.authority.as_bytes());
    field(&mut common, "user-agent", concat!("proofload/", env!("CARGO_PKG_VERSION")).as_bytes());
    field(&mut common, "accept", b"*/*");
    common
}

/// The fields that every gRPC call has. The deadline is in milliseconds, of at most eight digits.
fn grpc_lines(head: &mut Vec<u8>, timeout: Duration) {
    field(head, "content-type", b"application/grpc");
    field(head, "te", b"trailers");
    let timeout_ms = timeout.as_millis().clamp(1, 99_999_999);
    field(head, "grpc-timeout", format!("{timeout_ms}m").as_bytes());
}

fn field(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// What is kept of the answer to this request. A gRPC call has its status in the head, and nothing is OK without a
/// message.
fn keep(request: &Request) -> Keep {
    if grpc::call_of(request).is_some() { Keep { head: true, body: true } } else { reads(request) }
}

/// What a flow reads of the answer to this request.
pub(super) fn reads(request: &Request) -> Keep {
    let extracts = |of: fn(&Extract) -> bool| request.extract.iter().any(|(_, from)| of(from));
    let checks = |of: fn(&Place) -> bool| {
        request.checks.iter().any(|check| matches!(&check.test, CheckTest::Text(place, _) if of(place)))
    };
    Keep {
        head: extracts(|from| matches!(from, Extract::Header(_))) || checks(|place| matches!(place, Place::Header(_))),
        body: extracts(|from| matches!(from, Extract::Json(_) | Extract::Regex(_)))
            || checks(|place| matches!(place, Place::Json(_) | Place::Body)),
    }
}

/// Methods that mean the same twice (RFC 9110 §9.2.2).
fn is_idempotent(method: &str) -> bool {
    !matches!(method, "POST" | "PATCH")
}

/// The framing of a request without content: methods that usually have some say so (RFC 9110 §8.6).
fn no_content(method: &str) -> Option<(&'static str, u64)> {
    matches!(method, "POST" | "PUT" | "PATCH").then_some(("", 0))
}

fn content(script: &Script, pass: Pass, request: &Request, values: &Values) -> Option<(Vec<Piece>, String)> {
    match &request.body {
        Body::Empty => Some((Vec::new(), String::new())),
        Body::Payload(name) => {
            let file = script.next_file(pass, name, values)?;
            Some((vec![file.content], file.content_type.to_owned()))
        }
        Body::Text { text, content_type } => {
            let text = fill(script, pass, text, values)?;
            Some((vec![Piece::Bytes(Bytes::from(text))], content_type.clone()))
        }
        Body::Grpc(call) => {
            let grpc = script.prepared(request).grpc.as_ref()?;
            let message = match &grpc.fixed {
                Some(message) => message.clone(),
                None => grpc::frame(&grpc.input, &fill(script, pass, &call.message, values)?).ok()?,
            };
            Some((vec![Piece::Bytes(message)], String::new()))
        }
        Body::Multipart(fields) => {
            let fields: Option<Vec<Field<'_>>> =
                fields.iter().map(|(name, value)| form_field(script, pass, name, value, values)).collect();
            // No payload can hold it: it is longer than chance and tells the pass.
            let boundary =
                format!("proofload-{:016x}-{:016x}", script.seed, (pass.workload as u64) << 40 | pass.iteration);
            Some(multipart(fields?, &boundary))
        }
    }
}

fn form_field<'f>(
    script: &'f Script,
    pass: Pass,
    name: &'f str,
    value: &FieldValue,
    values: &Values,
) -> Option<Field<'f>> {
    Some(match value {
        FieldValue::Text(template) => Field::Text { name, value: fill(script, pass, template, values)? },
        FieldValue::Payload(payload) => {
            let file = script.next_file(pass, payload, values)?;
            Field::File { name, file_name: file.name, content_type: file.content_type, content: vec![file.content] }
        }
    })
}
