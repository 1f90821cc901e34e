//! What a well-signed token says: issuer, audience, subject and times, present, of the right type, and right.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::Area;
use super::jwt_transport::refuses_token;
use crate::conformance::case::{Case, CaseResult, must, should};
use crate::conformance::context::Context;
use crate::conformance::token::{header, sign};

const OFF: &[&str] = &["auth-off"];
const EXP: &[&str] = &["jwt-exp-ignored", "auth-off"];
const NBF: &[&str] = &["jwt-nbf-ignored", "auth-off"];
const ISS: &[&str] = &["jwt-iss-ignored", "auth-off"];
const AUD: &[&str] = &["jwt-aud-ignored", "auth-off"];
const SUB: &[&str] = &["jwt-sub-optional", "auth-off"];

/// Further from now than any leeway.
const HOUR_S: u64 = 3600;

pub(super) const AREA: Area = Area { feature: "tokens", cases: CASES };

const CASES: &[Case] = &[
    must("gw.jwt.exp-past", "An expired token is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["exp"] = json!(issued(claims) - HOUR_S)))
    })
    .source("RFC 7519 §4.1.4")
    .fails_on(EXP),
    must("gw.jwt.exp-missing", "A token that never expires is refused.", |cx| Box::pin(without(cx, "exp")))
        .source("API.md: exp required")
        .fails_on(EXP),
    must("gw.jwt.exp-text", "An expiry written as text is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["exp"] = json!((issued(claims) + HOUR_S).to_string())))
    })
    .source("RFC 7519 §2 NumericDate")
    .fails_on(OFF),
    must("gw.jwt.exp-null", "An expiry of null is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["exp"] = Value::Null))
    })
    .source("RFC 7519 §2 NumericDate")
    .fails_on(OFF),
    must("gw.jwt.exp-negative", "A negative expiry is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["exp"] = json!(-1)))
    })
    .source("RFC 7519 §2 NumericDate")
    .fails_on(OFF),
    should("gw.jwt.exp-overflow", "An expiry beyond all calendars is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["exp"] = json!(1e300)))
    })
    .source("RFC 8725 §3.2")
    .fails_on(OFF),
    must("gw.jwt.nbf-future", "A token that is not valid yet is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["nbf"] = json!(issued(claims) + HOUR_S)))
    })
    .source("RFC 7519 §4.1.5")
    .fails_on(NBF),
    must("gw.jwt.nbf-text", "A not-before time written as text is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["nbf"] = json!("0")))
    })
    .source("RFC 7519 §2 NumericDate")
    .fails_on(OFF),
    should("gw.jwt.iat-future", "A token issued in the future is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["iat"] = json!(issued(claims) + HOUR_S)))
    })
    .source("RFC 7519 §4.1.6")
    .fails_on(NBF),
    must("gw.jwt.iss-wrong", "A token of another issuer is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["iss"] = json!("somebody-else")))
    })
    .source("RFC 8725 §3.8")
    .fails_on(ISS),
    must("gw.jwt.iss-missing", "A token without an issuer is refused.", |cx| Box::pin(without(cx, "iss")))
        .source("RFC 8725 §3.8")
        .fails_on(ISS),
    must("gw.jwt.iss-case", "An issuer in other case is another issuer.", |cx| {
        Box::pin(bad(cx, |claims| claims["iss"] = json!(claims["iss"].as_str().unwrap_or_default().to_uppercase())))
    })
    .source("RFC 7519 §4.1.1")
    .fails_on(ISS),
    must("gw.jwt.iss-list", "A list of issuers is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["iss"] = json!([claims["iss"]])))
    })
    .source("RFC 7519 §4.1.1")
    .fails_on(ISS),
    must("gw.jwt.aud-wrong", "A token for another audience is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["aud"] = json!("somebody-else")))
    })
    .source("RFC 8725 §3.9")
    .fails_on(AUD),
    must("gw.jwt.aud-missing", "A token without an audience is refused.", |cx| Box::pin(without(cx, "aud")))
        .source("RFC 8725 §3.9")
        .fails_on(AUD),
    must("gw.jwt.aud-case", "An audience in other case is another audience.", |cx| {
        Box::pin(bad(cx, |claims| claims["aud"] = json!(claims["aud"].as_str().unwrap_or_default().to_uppercase())))
    })
    .source("RFC 7519 §4.1.3")
    .fails_on(AUD),
    must("gw.jwt.aud-list-wrong", "A list of other audiences is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["aud"] = json!(["a", "b"])))
    })
    .source("RFC 7519 §4.1.3")
    .fails_on(AUD),
    must("gw.jwt.aud-number", "An audience that is a number is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["aud"] = json!(1)))
    })
    .source("RFC 7519 §4.1.3")
    .fails_on(AUD),
    must("gw.jwt.sub-missing", "A token without a subject is refused.", |cx| Box::pin(without(cx, "sub")))
        .source("API.md: sub non-empty string")
        .fails_on(SUB),
    must("gw.jwt.sub-empty", "An empty subject is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["sub"] = json!("")))
    })
    .source("API.md: sub non-empty string")
    .fails_on(SUB),
    must("gw.jwt.sub-number", "A subject that is a number is refused.", |cx| {
        Box::pin(bad(cx, |claims| claims["sub"] = json!(7)))
    })
    .source("RFC 7519 §4.1.2")
    .fails_on(SUB),
    must("gw.jwt.claim-twice", "A claim that stands twice is refused: readers disagree which counts.", |cx| {
        Box::pin(twice(cx))
    })
    .source("RFC 7519 §4")
    .fails_on(OFF),
    must("gw.jwt.claims-no-object", "Claims that are no object are refused.", |cx| {
        Box::pin(bad(cx, |claims| *claims = json!(["iss", "aud", "sub", "exp"])))
    })
    .source("RFC 7519 §7.2")
    .fails_on(OFF),
    must("gw.jwt.claims-no-json", "Claims that are no JSON are refused.", |cx| Box::pin(no_json(cx)))
        .source("RFC 7519 §7.2")
        .fails_on(OFF),
];

/// When the good token would have been issued.
fn issued(claims: &Value) -> u64 {
    claims["iat"].as_u64().unwrap_or(0)
}

async fn bad(cx: &Context, change: fn(&mut Value)) -> CaseResult {
    let token = cx.token_with(|_, claims| change(claims))?;
    refuses_token(cx, &token).await
}

async fn without(cx: &Context, claim: &str) -> CaseResult {
    let drop = |_: &mut Value, claims: &mut Value| {
        claims.as_object_mut().and_then(|members| members.remove(claim));
    };
    let token = cx.token_with(drop)?;
    refuses_token(cx, &token).await
}

async fn twice(cx: &Context) -> CaseResult {
    let mut good = Value::Null;
    cx.token_with(|_, claims| good = claims.clone())?;
    let text = good.to_string().replacen('{', r#"{"sub":"somebody-else","#, 1);
    signed(cx, &text).await
}

async fn no_json(cx: &Context) -> CaseResult {
    signed(cx, "iss=medical-platform").await
}

async fn signed(cx: &Context, claims: &str) -> CaseResult {
    let token = sign(&header().to_string(), claims, Algorithm::HS256, &cx.token_source()?.secret);
    refuses_token(cx, &token).await
}
