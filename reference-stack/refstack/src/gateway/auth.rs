//! Lets nobody under `/api/` without a valid token, the queue figures excepted.

use axum::extract::Request;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::Gateway;
use super::jwt::{Caller, Refused};
use super::problem::{Code, Problem};

/// Whether a path needs a token.
pub(crate) fn is_guarded(path: &str) -> bool {
    path == "/api" || (path.starts_with("/api/") && !path.starts_with("/api/queues/"))
}

/// Checks the token of a guarded request and leaves its [`Caller`] among the extensions.
pub(crate) fn admit(gateway: &Gateway, request: &mut Request) -> Result<(), Problem> {
    let Some(verifier) = &gateway.verifier else { return Ok(()) };
    if !is_guarded(request.uri().path()) {
        return Ok(());
    }
    let caller = bearer(request.headers())
        .and_then(|token| verifier.verify(token, gateway.clock.now_ms()))
        .map_err(|refused| Problem::new(Code::Unauthorized, refused.to_string()))?;
    request.extensions_mut().insert(caller);
    Ok(())
}

/// The caller of a request that was admitted. With authentication off there is none, and all callers are one.
pub(crate) fn caller(request: &Request) -> Caller {
    request.extensions().get::<Caller>().cloned().unwrap_or_else(|| Caller { subject: String::new() })
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refused("there is no Authorization header"))?;
    if values.next().is_some() {
        return Err(Refused("there is more than one Authorization header"));
    }
    let text = value.to_str().map_err(|_| Refused("the Authorization header is not text"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Refused("the Authorization header does not carry a bearer token")),
    }
}
