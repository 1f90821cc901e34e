//! Checks gRPC calls: a service and a method, metadata that can be sent, and a message whose templates can be filled.

use super::check_flow::{DEFAULT_TIMEOUT, Walk};
use super::grpc::{Code, GrpcCall};
use super::template::{Part, Template};
use super::written_grpc::WrittenGrpc;
use super::{Body, CheckTest, Request};
use crate::source::At;

/// Names of metadata that HTTP/2 and gRPC have for themselves.
const TAKEN: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

impl Walk<'_, '_, '_> {
    pub(super) fn grpc(&mut self, written: &WrittenGrpc) -> Option<Request> {
        let call = self.call(&written.call);
        let message = match &written.message {
            Some(message) => self.message(message),
            None => Some(Template(vec![Part::Text("{}".to_owned())])),
        };
        let metadata: Vec<_> = written.metadata.iter().map(|(name, value)| self.metadata(name, value)).collect();
        let extract = self.extracts(&written.extract);
        let checks = self.checks(&written.checks);
        if let Some(check) = checks.iter().flatten().position(|check| matches!(check.test, CheckTest::Status(_))) {
            let help = "write `expect: { code: NOT_FOUND }`".to_owned();
            self.report.add(&written.checks[check], "a gRPC call has a code in place of an HTTP status", Some(help));
        }
        self.sent(written.extract.keys(), written.auth.as_ref());
        let (service, method) = call?;
        let path = format!("/{service}/{method}");
        Some(Request {
            name: written.name.value.clone(),
            // Given once all flows are known.
            index: 0,
            method: "POST".to_owned(),
            method_of_trace: false,
            path: Template(vec![Part::Text(path)]),
            auth: written.auth.as_ref().map(|auth| auth.value.clone()),
            headers: metadata.into_iter().collect::<Option<_>>()?,
            body: Body::Grpc(GrpcCall {
                proto: written.proto.value.clone(),
                service,
                method,
                message: message?,
                expect: written.expect.as_ref().map_or(Code::Ok, |expect| expect.code),
            }),
            expect_status: Some(200),
            extract: extract?,
            checks: checks?,
            timeout: written.timeout.map_or(DEFAULT_TIMEOUT, |span| span.0),
        })
    }

    /// Service and method, both names of Protocol Buffers.
    fn call(&mut self, written: &At<String>) -> Option<(String, String)> {
        let is_name =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        let call = written.value.trim_start_matches('/');
        if let Some((service, method)) = call.split_once('/')
            && is_name(service)
            && is_name(method)
        {
            return Some((service.to_owned(), method.to_owned()));
        }
        let help = match call.rsplit_once('.') {
            Some((service, method)) if is_name(call) => format!("did you mean `{service}/{method}`?"),
            _ => "write package.Service/Method".to_owned(),
        };
        self.report.add(written, format!("`{}` does not name a method of a service", written.value), Some(help));
        None
    }

    /// A message without templates must be JSON; whether it fits the method is known with the `.proto` file.
    fn message(&mut self, written: &At<String>) -> Option<Template> {
        let template = self.text(written)?;
        let fixed: Option<String> = template.fill(|_| None).ok();
        if let Some(Err(error)) = fixed.map(|text| serde_json::from_str::<serde_json::Value>(&text)) {
            self.report.add(written, format!("the message is not JSON: {error}"), None);
            return None;
        }
        Some(template)
    }

    fn metadata(&mut self, name: &str, value: &At<String>) -> Option<(String, Template)> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let is_taken = name.starts_with("grpc-") || TAKEN.contains(&name);
        if name.is_empty() || is_taken || !name.chars().all(is_plain) {
            let help = "use lower-case letters, digits, `-`, `_` and `.`; those of HTTP and gRPC themselves are taken";
            self.report.add(value, format!("`{name}` cannot be a name of metadata"), Some(help.to_owned()));
            return None;
        }
        Some((name.to_owned(), self.text(value)?))
    }
}
