//! The id of a job in a path. What is not a UUID names no job: 404, like any other unknown id.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use http::request::Parts;
use uuid::Uuid;

use super::Gateway;
use super::problem::Problem;
use super::studies::unknown;

/// An id that is well-formed.
pub(crate) struct JobId(pub(crate) Uuid);

impl FromRequestParts<Arc<Gateway>> for JobId {
    type Rejection = Result<Response, Problem>;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Self::Rejection> {
        let text = Path::<String>::from_request_parts(parts, gateway).await;
        // Only the usual spelling: braces, URN prefixes and missing hyphens are other ids.
        let id = text.ok().filter(|Path(text)| text.len() == 36).and_then(|Path(text)| Uuid::parse_str(&text).ok());
        id.map(Self)
            .ok_or_else(|| unknown(gateway, Uuid::nil()).map_err(|_| Problem::not_found("the id is not a UUID")))
    }
}
