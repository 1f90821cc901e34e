//! Tokens that must be let through: a gateway that refuses everybody would pass every other check of tokens.

use serde_json::json;
use uuid::Uuid;

use super::Area;
use super::studies;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, must, should};
use crate::conformance::context::Context;

/// A token that is let through reaches the service, which knows no such study.
const DEFECTS: &[&str] = &["unknown-id-200", "unknown-id-500", "problem-plain-text"];

pub(super) const AREA: Area = Area {
    feature: "tokens",
    cases: &[
        must("gw.jwt.valid-accepted", "A valid token is let through to the service.", |cx| Box::pin(valid(cx)))
            .source("RFC 6750 §2.1")
            .fails_on(&["upload-200"]),
        must("gw.jwt.aud-list-accepted", "A token for several audiences, this one among them, is let through.", |cx| {
            Box::pin(audiences(cx))
        })
        .source("RFC 7519 §4.1.3")
        .fails_on(DEFECTS),
        must("gw.jwt.nbf-past-accepted", "A token that has become valid is let through.", |cx| {
            Box::pin(became_valid(cx))
        })
        .source("RFC 7519 §4.1.5")
        .fails_on(DEFECTS),
        should("gw.jwt.typ-absent-accepted", "A token whose header names no type is let through.", |cx| {
            Box::pin(untyped(cx))
        })
        .source("RFC 7519 §5.1")
        .fails_on(DEFECTS),
        should("gw.jwt.scheme-case-ignored", "The scheme may be written `bearer`.", |cx| Box::pin(scheme_case(cx)))
            .source("RFC 9110 §11.1")
            .fails_on(DEFECTS),
    ],
};

async fn valid(cx: &Context) -> CaseResult {
    studies::upload(cx).await.map(|_| ())
}

async fn audiences(cx: &Context) -> CaseResult {
    let audience = cx.token_source()?.audience.clone();
    let token = cx.token_with(|_, claims| claims["aud"] = json!(["somebody-else", audience]))?;
    reaches_service(cx, Call::get(unknown_study()).bearer(&token)).await
}

async fn became_valid(cx: &Context) -> CaseResult {
    let token = cx.token_with(|_, claims| claims["nbf"] = json!(claims["iat"].as_u64().unwrap_or(0) - 60))?;
    reaches_service(cx, Call::get(unknown_study()).bearer(&token)).await
}

async fn untyped(cx: &Context) -> CaseResult {
    let token = cx.token_with(|header, _| *header = json!({"alg": "HS256"}))?;
    reaches_service(cx, Call::get(unknown_study()).bearer(&token)).await
}

async fn scheme_case(cx: &Context) -> CaseResult {
    let token = cx.token()?;
    reaches_service(cx, Call::get(unknown_study()).header("authorization", &format!("bearer {token}"))).await
}

async fn reaches_service(cx: &Context, call: Call) -> CaseResult {
    cx.send(call).await?.problem(404, "not-found")
}

/// A path that needs a token and on which a valid one meets 404.
pub(super) fn unknown_study() -> String {
    format!("/api/v1/studies/{}", Uuid::new_v4())
}
