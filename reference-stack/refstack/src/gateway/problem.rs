//! Error answers as RFC 9457 problems. A handler returns a [`Problem`]; the edge writes it once it knows the path.

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Extensions, StatusCode};
use serde_json::json;

use super::intake::Cause;
use crate::defect::{Defect, Defects};
use crate::ports::PortError;
use crate::ports::inference::InferenceError;

/// The fixed words of `API.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    BadRequest,
    UnsupportedMediaType,
    PayloadTooLarge,
    IdempotencyConflict,
    IdempotencyInFlight,
    NotReady,
    JobFailed,
    AlreadyFinal,
    Unprocessable,
    Unavailable,
}

impl Code {
    fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "A valid token is needed"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "There is no such thing here"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "This path does not take that method")
            }
            Self::BadRequest => ("bad-request", StatusCode::BAD_REQUEST, "The request cannot be read"),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "This kind of content is not taken")
            }
            Self::PayloadTooLarge => ("payload-too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::IdempotencyConflict => {
                ("idempotency-conflict", StatusCode::UNPROCESSABLE_ENTITY, "The key was used for something else")
            }
            Self::IdempotencyInFlight => {
                ("idempotency-in-flight", StatusCode::CONFLICT, "The first request with this key is still running")
            }
            Self::NotReady => ("not-ready", StatusCode::CONFLICT, "There is no result yet"),
            Self::JobFailed => ("job-failed", StatusCode::CONFLICT, "There will be no result"),
            Self::AlreadyFinal => ("already-final", StatusCode::CONFLICT, "The job has ended already"),
            Self::Unprocessable => ("unprocessable", StatusCode::UNPROCESSABLE_ENTITY, "The request is refused"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "Try again later"),
        }
    }
}

/// An error answer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    detail: String,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Code::NotFound, detail)
    }

    /// What a body that broke off deserves, by what ended it.
    pub(crate) fn from_cause(cause: Option<Cause>, otherwise: impl FnOnce() -> Self) -> Self {
        match cause {
            Some(Cause::TooLarge { limit }) => {
                Self::new(Code::PayloadTooLarge, format!("at most {limit} bytes are taken"))
            }
            Some(Cause::Stalled) => Self::bad_request("the body stopped arriving; send it without long pauses"),
            Some(Cause::Broken) => Self::bad_request("the body ended before it was complete"),
            None => otherwise(),
        }
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        tracing::warn!(%error, "a neighbour failed");
        let what = match error {
            PortError::Unavailable { what, .. } | PortError::Missing { what, .. } => what,
        };
        Self::new(Code::Unavailable, format!("{what} does not answer as it should; try again later"))
    }
}

impl From<InferenceError> for Problem {
    fn from(error: InferenceError) -> Self {
        match error {
            InferenceError::Refused(_) => Self::new(Code::Unprocessable, error.to_string()),
            InferenceError::Unavailable(_) => {
                tracing::warn!(%error, "no inference");
                Self::new(Code::Unavailable, "the inference server does not answer; try again later")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.parts().1.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an answer with an error status that is no problem document: what a health address says of an ill process.
#[derive(Clone, Copy)]
pub(crate) struct Verbatim;

/// Writes the body and headers of an error answer, whoever made it.
pub(crate) fn render(response: Response, path: &str, defects: &Defects) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Verbatim>().is_some() {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    let problem = of_response(status, response.extensions(), path);
    if problem.code == Code::MethodNotAllowed && defects.has(Defect::Method404) {
        return write(&Problem::not_found(format!("there is nothing at {path}")), path, defects);
    }
    let mut response = write(&problem, path, defects);
    if let Some(allow) = allow
        && !defects.has(Defect::AllowMissing)
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The router's own refusals carry no problem; their status says enough.
fn of_response(status: StatusCode, extensions: &Extensions, path: &str) -> Problem {
    if let Some(problem) = extensions.get::<Problem>() {
        return problem.clone();
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(Code::MethodNotAllowed, format!("{path} takes the methods of the Allow header only"))
        }
        StatusCode::NOT_FOUND => Problem::not_found(format!("there is nothing at {path}")),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::PayloadTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(Code::UnsupportedMediaType, "this content type is not taken")
        }
        status if status.is_server_error() => Problem::new(Code::Unavailable, "the gateway could not answer"),
        _ => Problem::bad_request("the request cannot be read"),
    }
}

fn write(problem: &Problem, path: &str, defects: &Defects) -> Response {
    let (code, mut status, title) = problem.code.parts();
    if problem.code == Code::BadRequest && defects.has(Defect::Malformed500) {
        status = StatusCode::INTERNAL_SERVER_ERROR;
    }
    let mut response = if defects.has(Defect::ProblemPlainText) {
        (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], problem.detail.clone()).into_response()
    } else {
        let body = json!({
            "type": format!("urn:refstack:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": problem.detail,
            "instance": path,
            "code": code,
        });
        (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    };
    let headers = response.headers_mut();
    if problem.code == Code::Unauthorized && !defects.has(Defect::WwwAuthenticateMissing) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(problem.code, Code::Unavailable | Code::NotReady | Code::IdempotencyInFlight) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
