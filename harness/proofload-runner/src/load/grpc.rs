//! Unary gRPC calls: the method's description, the message from JSON to a frame, and the answer's frame back to JSON
//! (gRPC over HTTP2, `PROTOCOL-HTTP2.md` of grpc/grpc; Protocol Buffers' JSON mapping).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use proofload_core::scenario::{Body, Code, Flow, GrpcCall, Request, Scenario};
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};
use protox::Compiler;

use super::exchange::Answer;
use super::request::reads;

/// Longest message of an answer; gRPC's own default.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest JSON that a message is read as; one of many empty parts becomes far longer.
const JSON_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What holds a message of any kind inside, which may hold another, as deep as a server likes.
const ANY: &str = "google.protobuf.Any";
/// A flag that says whether the message is compressed, and its length in four bytes.
const FRAME_HEAD_BYTES: usize = 5;

/// The methods that a scenario calls, by file, service and name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Methods(HashMap<(String, String, String), MethodDescriptor>);

impl Methods {
    /// What the method of a call takes.
    pub(super) fn input(&self, call: &GrpcCall) -> Option<MessageDescriptor> {
        self.0.get(&key(call)).map(MethodDescriptor::input)
    }

    /// What the method of a call gives back.
    pub(super) fn output(&self, call: &GrpcCall) -> Option<MessageDescriptor> {
        self.0.get(&key(call)).map(MethodDescriptor::output)
    }
}

/// Reads the descriptions of all methods that a scenario calls, and tries the messages that never change.
///
/// # Errors
/// A sentence that names the call.
pub(crate) fn load_methods(scenario: &Scenario, folder: &Path) -> Result<Methods, String> {
    let mut methods = Methods::default();
    for request in scenario.flows.iter().flat_map(Flow::requests) {
        let Body::Grpc(call) = &request.body else { continue };
        let told = |why: String| format!("call `{}`: {why}", request.name);
        if let Entry::Vacant(place) = methods.0.entry(key(call)) {
            place.insert(describe(call, folder).map_err(told)?);
        }
        if reads(request).body && methods.output(call).is_some_and(|output| holds_any(&output, &mut Vec::new())) {
            let why = format!(
                "its answer holds a {ANY}, which is not read as JSON; take what is extracted and checked from its metadata"
            );
            return Err(told(why));
        }
        if let (Ok(text), Some(input)) = (call.message.fill(|_| None), methods.input(call)) {
            frame(&input, &text)
                .map_err(|why| told(format!("the message does not fit `{}`: {why}", input.full_name())))?;
        }
    }
    Ok(methods)
}

/// A message with its head, ready to be sent.
///
/// # Errors
/// What does not fit, where the text is not that message.
pub(super) fn frame(input: &MessageDescriptor, json: &str) -> Result<Bytes, String> {
    let mut text = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(input.clone(), &mut text).map_err(|error| error.to_string())?;
    text.end().map_err(|error| error.to_string())?;
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(FRAME_HEAD_BYTES + length);
    frame.extend_from_slice(&[0]);
    frame.extend_from_slice(&u32::try_from(length).map_err(|_| "it is longer than 4 GiB".to_owned())?.to_be_bytes());
    message.encode(&mut frame).map_err(|error| error.to_string())?;
    Ok(frame.freeze())
}

/// The message of an answer as JSON, fields of value zero included; `None` where it is not exactly one message of this
/// kind, or longer than anything a flow reads.
pub(super) fn unframe(output: &MessageDescriptor, frame: &[u8]) -> Option<Bytes> {
    let message = DynamicMessage::decode(output.clone(), one_message(frame)?).ok()?;
    let mut json = Limited(Vec::new());
    let options = SerializeOptions::new().skip_default_fields(false);
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options).ok()?;
    Some(Bytes::from(json.0))
}

/// The bytes of the one message that a frame holds.
pub(super) fn one_message(frame: &[u8]) -> Option<&[u8]> {
    let (head, message) = frame.split_at_checked(FRAME_HEAD_BYTES)?;
    let length = u32::from_be_bytes(head[1..].try_into().ok()?);
    // Compression was not offered.
    let is_one = head[0] == 0 && usize::try_from(length).ok()? == message.len();
    (is_one && message.len() <= MESSAGE_BYTES_MAX).then_some(message)
}

/// Bytes that take no more than so many.
struct Limited(Vec<u8>);

impl std::io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > JSON_BYTES_MAX {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is wrong with an answer, in a few words. One that says OK holds a message; where none could be read, the content
/// was let go.
pub(super) fn wrong(call: &GrpcCall, answer: &Answer) -> Option<String> {
    if answer.status != 200 {
        return Some(format!("status {}", answer.status));
    }
    match answer.header("grpc-status").and_then(Code::of) {
        None => Some("no grpc-status".to_owned()),
        Some(Code::Ok) if call.expect == Code::Ok && answer.body.is_empty() => Some("no whole message".to_owned()),
        Some(code) if code == call.expect => None,
        Some(code) => Some(format!("grpc {}", code.name())),
    }
}

/// The call that a request is, if it is one.
pub(super) fn call_of(request: &Request) -> Option<&GrpcCall> {
    match &request.body {
        Body::Grpc(call) => Some(call),
        _ => None,
    }
}

/// Whether a message holds an [`ANY`], at whatever depth; `seen` are the kinds that were looked at.
fn holds_any(message: &MessageDescriptor, seen: &mut Vec<String>) -> bool {
    if message.full_name() == ANY {
        return true;
    }
    if seen.iter().any(|name| name == message.full_name()) {
        return false;
    }
    seen.push(message.full_name().to_owned());
    let mut inner = message.fields().filter_map(|field| field.kind().as_message().cloned());
    inner.any(|inner| holds_any(&inner, seen))
}

fn key(call: &GrpcCall) -> (String, String, String) {
    (call.proto.clone(), call.service.clone(), call.method.clone())
}

fn describe(call: &GrpcCall, folder: &Path) -> Result<MethodDescriptor, String> {
    let path = folder.join(&call.proto);
    let unread = |why: &dyn std::fmt::Display| format!("{} cannot be used: {why}", path.display());
    let beside = path.parent().unwrap_or(folder);
    let mut compiler = Compiler::new([beside, folder]).map_err(|error| unread(&error))?;
    let name = path.file_name().ok_or_else(|| unread(&"it names no file"))?;
    compiler.open_file(name).map_err(|error| unread(&error))?;
    let described = compiler.descriptor_pool();
    let service = described.get_service_by_name(&call.service).ok_or_else(|| {
        let there: Vec<String> = described.services().map(|service| service.full_name().to_owned()).collect();
        format!("{} has no service `{}`; it has {}", path.display(), call.service, listed(&there))
    })?;
    let method = service.methods().find(|method| method.name() == call.method).ok_or_else(|| {
        let there: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
        format!("service `{}` has no method `{}`; it has {}", call.service, call.method, listed(&there))
    })?;
    if method.is_client_streaming() || method.is_server_streaming() {
        return Err(format!("`{}` streams, and only unary calls can be made", method.full_name()));
    }
    Ok(method)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = r#"
        syntax = "proto3";
        package shop;
        service Shop {
          rpc Order (Item) returns (Receipt);
          rpc Watch (Item) returns (stream Receipt);
        }
        message Item { string name = 1; int64 count = 2; repeated bytes raw = 3; }
        message Receipt { string id = 1; bool paid = 2; }
    "#;
    const PARCEL: &str = r#"
        syntax = "proto3";
        import "google/protobuf/any.proto";
        service Post { rpc Open (Box) returns (Box); }
        message Box { Box inner = 1; map<string, google.protobuf.Any> things = 2; }
    "#;

    /// Loads a scenario of one call and tells what came of it.
    fn load(call: &str) -> Result<Methods, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.proto"), PROTO).unwrap();
        std::fs::write(folder.path().join("bad.proto"), "syntax = 7;").unwrap();
        std::fs::write(folder.path().join("parcel.proto"), PARCEL).unwrap();
        let text = format!(
            "apiVersion: proofload/v1\nkind: Scenario\nname: t\nsystem: s\nflows:\n  f: [{{ grpc: {{ name: order, {call} }} }}]\nworkloads:\n  w: {{ flow: f, executor: constant-vus, vus: 1, for: 1s }}\n"
        );
        let scenario = Scenario::parse("t.yaml", &text).unwrap();
        let shown = folder.path().display().to_string();
        load_methods(&scenario, folder.path()).map_err(|told| told.replace(&shown, "DIR"))
    }

    fn check(call: &str, expected: &str) {
        let told = load(call).map_or_else(|told| told, |methods| format!("{} methods", methods.0.len()));
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }

    #[test]
    fn a_call_that_cannot_be_made_is_refused_with_what_there_is() {
        check("proto: shop.proto, call: shop.Shop/Order", "1 methods");
        check("proto: shop.proto, call: shop.Shop/Order, message: '{\"name\": \"{{run}}\"}'", "1 methods");
        check("proto: no.proto, call: shop.Shop/Order", "call `order`: DIR/no.proto cannot be used: ");
        check("proto: bad.proto, call: shop.Shop/Order", "call `order`: DIR/bad.proto cannot be used: ");
        check(
            "proto: shop.proto, call: shop.Bakery/Order",
            "call `order`: DIR/shop.proto has no service `shop.Bakery`; it has shop.Shop",
        );
        check(
            "proto: shop.proto, call: shop.Shop/Pay",
            "call `order`: service `shop.Shop` has no method `Pay`; it has Order, Watch",
        );
        check("proto: shop.proto, call: shop.Shop/Watch", "call `order`: `shop.Shop.Watch` streams, and only unary");
        check(
            "proto: shop.proto, call: shop.Shop/Order, message: '{\"nam\": 1}'",
            "call `order`: the message does not fit `shop.Item`: ",
        );
        check("proto: parcel.proto, call: Post/Open", "1 methods");
        check(
            "proto: parcel.proto, call: Post/Open, extract: { thing: { json: /things } }",
            "call `order`: its answer holds a google.protobuf.Any, which is not read as JSON",
        );
    }

    fn messages() -> (MessageDescriptor, MessageDescriptor) {
        let methods = load("proto: shop.proto, call: shop.Shop/Order").unwrap();
        let method = methods.0.values().next().unwrap();
        (method.input(), method.output())
    }

    #[test]
    fn a_message_is_framed_as_the_protocol_has_it() {
        let (input, _) = messages();
        let frame = frame(&input, r#"{"name": "pie", "count": "300", "raw": ["AQ=="]}"#).unwrap();
        let expected = b"\0\0\0\0\x0b\x0a\x03pie\x10\xac\x02\x1a\x01\x01";
        assert_eq!(frame.as_ref(), expected);
    }

    #[test]
    fn only_one_whole_message_is_an_answer() {
        let (_, output) = messages();
        let json = |frame: &'static [u8]| unframe(&output, frame).map(|json| String::from_utf8(json.to_vec()).unwrap());
        assert_eq!(json(b"\0\0\0\0\x04\x0a\x027a").as_deref(), Some(r#"{"id":"7a","paid":false}"#));
        assert_eq!(json(b"\0\0\0\0\0").as_deref(), Some(r#"{"id":"","paid":false}"#));
        assert_eq!(json(b"\x01\0\0\0\0"), None, "compressed");
        assert_eq!(json(b"\0\0\0\0\x05\x0a\x027a"), None, "cut off");
        assert_eq!(json(b"\0\0\0\0\x02\xff\xff"), None, "not that message");
        assert_eq!(json(b"\0\0"), None);
    }
}
