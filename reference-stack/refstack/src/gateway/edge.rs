//! What happens around every handler: the body is metered, the token checked, errors written as problems, the answer counted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::intake::{Cause, Intake};
use super::problem::{self, Code, Problem};
use super::{Gateway, auth};
use crate::defect::Defect;
use crate::figures::Answer;

/// The layer around every route, the unknown ones included.
pub(crate) async fn edge(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let path = request.uri().path().to_owned();
    let method = method_label(request.method());
    let waits_for_go_ahead = request.headers().contains_key(EXPECT);
    let counted = !gateway.has(Defect::BodyUnlimited) && !gateway.has(Defect::BodyLimitLengthOnly);
    let (request, intake) = Intake::meter(request, counted.then_some(gateway.settings.body_bytes_max));
    let response = admit(&gateway, request, next).await.unwrap_or_else(IntoResponse::into_response);
    if !waits_for_go_ahead {
        intake.read_rest().await;
    }
    let route = response.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let response = problem::render(response, &path, &gateway.settings.defects);
    let answer = Answer { route, method, status: response.status().as_u16() };
    gateway.figures.count_request(&answer, start.elapsed().as_secs_f64());
    response
}

/// Leaves the matched route with the answer, for the figures.
pub(crate) async fn note_route(route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// The answer to a path that no route has.
pub(crate) async fn unknown_path(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    if gateway.has(Defect::UnknownPath200) {
        return Json(json!({})).into_response();
    }
    Problem::not_found(format!("there is nothing at {}", request.uri().path())).into_response()
}

/// The answer to a method that a route does not take; axum adds the `Allow` header.
pub(crate) async fn method_not_allowed() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn admit(gateway: &Gateway, mut request: Request, next: Next) -> Result<Response, Problem> {
    auth::admit(gateway, &mut request)?;
    let limit = gateway.settings.body_bytes_max;
    if !gateway.has(Defect::BodyUnlimited) && announced_length(request.headers()) > limit {
        return Err(Problem::from_cause(Some(Cause::TooLarge { limit }), || {
            Problem::new(Code::PayloadTooLarge, "the body is too large")
        }));
    }
    Ok(next.run(request).await)
}

fn announced_length(headers: &HeaderMap) -> u64 {
    let value = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Clients can invent methods; the figures must not grow with them.
fn method_label(method: &Method) -> String {
    let known = [Method::GET, Method::POST, Method::DELETE, Method::PUT, Method::PATCH, Method::HEAD, Method::OPTIONS];
    if known.contains(method) { method.to_string() } else { String::from("other") }
}
