//! An answer, and the questions cases ask of it. Each question that gets a no says what was expected and what was seen.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::case::{CaseResult, Stop, ensure, unexpected};

/// So much of an answer is enough to know it by.
const SHOWN_CHARS_MAX: usize = 160;

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Method and path of the request.
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Requires the status.
    pub(super) fn status(&self, expected: u16) -> CaseResult<&Self> {
        self.status_of(&[expected])
    }

    /// Requires one of the statuses.
    pub(super) fn status_of(&self, expected: &[u16]) -> CaseResult<&Self> {
        if expected.contains(&self.status) {
            return Ok(self);
        }
        let words: Vec<String> = expected.iter().map(u16::to_string).collect();
        Err(unexpected(&format!("status {} for {}", words.join(" or "), self.request), self))
    }

    /// The header's text, when there is one.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Requires the header.
    pub(super) fn need_header(&self, name: &str) -> CaseResult<&str> {
        let none = || unexpected(&format!("a header {name} in the answer to {}", self.request), "none");
        self.header(name).ok_or_else(none)
    }

    /// The media type in lower case, without parameters.
    pub(super) fn media_type(&self) -> String {
        let text = self.header("content-type").unwrap_or("no content type");
        text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Requires the media type.
    pub(super) fn need_media_type(&self, expected: &str) -> CaseResult<&Self> {
        let seen = self.media_type();
        ensure(seen == expected, &format!("content type {expected} for {}", self.request), seen)?;
        Ok(self)
    }

    /// Requires a body that is JSON.
    pub(super) fn json(&self) -> CaseResult<Value> {
        let other = |_| unexpected(&format!("a JSON body in the answer to {}", self.request), self);
        serde_json::from_slice(&self.body).map_err(other)
    }

    /// Requires a text member of a JSON body.
    pub(super) fn text(&self, member: &str) -> CaseResult<String> {
        match self.json()?.get(member) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(self.lacks(member, "text")),
        }
    }

    /// Requires a number member of a JSON body.
    pub(super) fn number(&self, member: &str) -> CaseResult<f64> {
        self.json()?.get(member).and_then(Value::as_f64).ok_or_else(|| self.lacks(member, "a number"))
    }

    /// Requires a member of a JSON body that counts something.
    pub(super) fn count(&self, member: &str) -> CaseResult<u64> {
        self.json()?.get(member).and_then(Value::as_u64).ok_or_else(|| self.lacks(member, "a whole number"))
    }

    /// Requires a list member of a JSON body.
    pub(super) fn list(&self, member: &str) -> CaseResult<Vec<Value>> {
        match self.json()?.get(member) {
            Some(Value::Array(list)) => Ok(list.clone()),
            _ => Err(self.lacks(member, "a list")),
        }
    }

    /// Requires a problem document with this status and code.
    pub(super) fn problem(&self, status: u16, code: &str) -> CaseResult {
        self.problem_of(&[(status, code)])
    }

    /// Requires a problem document with one of these pairs of status and code.
    pub(super) fn problem_of(&self, expected: &[(u16, &str)]) -> CaseResult {
        let statuses: Vec<u16> = expected.iter().map(|(status, _)| *status).collect();
        self.status_of(&statuses)?.need_media_type("application/problem+json")?;
        let code = self.text("code")?;
        let fits = expected.contains(&(self.status, code.as_str()));
        let words: Vec<&str> = expected.iter().map(|(_, code)| *code).collect();
        ensure(fits, &format!("code {} for {}", words.join(" or "), self.request), code)
    }

    /// The start of the body as one line.
    pub(super) fn excerpt(&self) -> String {
        // A character takes at most four bytes, so this is enough of the body, and a cut one is not shown.
        let head = String::from_utf8_lossy(&self.body[..self.body.len().min(4 * SHOWN_CHARS_MAX + 4)]);
        let shown = |c: char| if c.is_control() || c == char::REPLACEMENT_CHARACTER { ' ' } else { c };
        let line: String = head.chars().take(SHOWN_CHARS_MAX).map(shown).collect();
        if head.chars().count() > SHOWN_CHARS_MAX { format!("{line}…") } else { line }
    }

    fn lacks(&self, member: &str, kind: &str) -> Stop {
        unexpected(&format!("{kind} as `{member}` in the answer to {}", self.request), self)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.excerpt())
    }
}
