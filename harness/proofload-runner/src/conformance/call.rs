//! A request before it is sent: built by cases, sent by the context, and written as a `curl` command for the report.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// A body this short is written into the `curl` command.
const SHOWN_BODY_BYTES_MAX: usize = 200;

/// A request to make.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Sent in chunks, its length not announced.
    pub(super) chunked: bool,
}

impl Call {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: HeaderMap::new(), body: Vec::new(), chunked: false }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a header; one of that name that is there already stays.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("cases write only visible ASCII into headers");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(super) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let call = self.header("content-type", content_type);
        Self { body: body.into(), ..call }
    }

    pub(super) fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(super) fn chunked(self) -> Self {
        Self { chunked: true, ..self }
    }

    /// The request as one line of shell. Tokens stand in a variable of the reader's.
    pub(super) fn as_curl(&self, url: &str) -> String {
        let mut line = format!("curl -sS -i -X {}", self.method);
        for (name, value) in &self.headers {
            line += &curl_header(name, value);
        }
        line += &self.curl_body();
        format!("{line} {}", quoted(url))
    }

    fn curl_body(&self) -> String {
        let is_form = self.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"multipart/"));
        match std::str::from_utf8(&self.body) {
            _ if self.body.is_empty() => String::new(),
            Ok(text) if text.len() <= SHOWN_BODY_BYTES_MAX && !is_form => format!(" --data-raw {}", quoted(text)),
            _ => " --data-binary @body".to_owned(),
        }
    }
}

fn curl_header(name: &HeaderName, value: &HeaderValue) -> String {
    if name == AUTHORIZATION {
        return " -H \"Authorization: Bearer $TOKEN\"".to_owned();
    }
    format!(" -H {}", quoted(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))))
}

/// Single quotes, with those inside closed, escaped and opened again.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(call: &Call, expected: &str) {
        assert_eq!(call.as_curl("http://h/x"), expected);
    }

    #[test]
    fn calls_become_curl_commands_without_tokens() {
        check(&Call::get("/x"), "curl -sS -i -X GET 'http://h/x'");
        check(
            &Call::post("/x").bearer("very-secret").json(&serde_json::json!({"a": "it's"})),
            r#"curl -sS -i -X POST -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' --data-raw '{"a":"it'\''s"}' 'http://h/x'"#,
        );
        check(
            &Call::post("/x").body("image/png", vec![0x89, 0xff]),
            "curl -sS -i -X POST -H 'content-type: image/png' --data-binary @body 'http://h/x'",
        );
    }
}
