//! How a token travels: in one Authorization header, as a bearer token, and nowhere else.

use super::Area;
use super::jwt_accepted::unknown_study;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::{Look, png};

const BEARER: &str = "RFC 6750 §3.1";
const OFF: &[&str] = &["auth-off"];

pub(super) const AREA: Area = Area {
    feature: "tokens",
    cases: &[
        must("gw.jwt.absent", "A request without a token is refused with 401.", |cx| Box::pin(absent(cx)))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.absent-upload", "An upload without a token is refused.", |cx| Box::pin(absent_upload(cx)))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.absent-delete", "A DELETE without a token is refused.", |cx| Box::pin(absent_delete(cx)))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.absent-result", "A result is not shown without a token.", |cx| Box::pin(absent_result(cx)))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.absent-unknown-path", "Without a token nobody learns which paths under /api/ exist.", |cx| {
            Box::pin(absent_unknown_path(cx))
        })
        .source("API.md: required on everything under /api/")
        .fails_on(OFF),
        must("gw.jwt.challenge", "A 401 carries WWW-Authenticate with the Bearer scheme.", |cx| {
            Box::pin(challenge(cx))
        })
        .source("RFC 9110 §11.6.1")
        .fails_on(&["www-authenticate-missing", "auth-off"]),
        must("gw.jwt.scheme-basic", "Basic credentials are refused.", |cx| Box::pin(refuses(cx, "Basic dXNlcjpwYXNz")))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.empty", "An empty bearer token is refused.", |cx| Box::pin(refuses(cx, "Bearer ")))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.garbage", "A bearer token that is no JWT is refused.", |cx| {
            Box::pin(refuses(cx, "Bearer opensesame"))
        })
        .source("RFC 7519 §7.2")
        .fails_on(OFF),
        must("gw.jwt.two-parts", "A token of two parts is refused.", |cx| Box::pin(two_parts(cx)))
            .source("RFC 7515 §7.1")
            .fails_on(OFF),
        must("gw.jwt.five-parts", "An encrypted token where a signed one belongs is refused.", |cx| {
            Box::pin(five_parts(cx))
        })
        .source("RFC 8725 §3.11")
        .fails_on(OFF),
        must("gw.jwt.scheme-absent", "A token without a scheme is refused.", |cx| Box::pin(no_scheme(cx)))
            .source(BEARER)
            .fails_on(OFF),
        must("gw.jwt.in-query", "A token in the query is not accepted.", |cx| Box::pin(in_query(cx)))
            .source("RFC 9700 §4.3.2")
            .fails_on(OFF),
        must("gw.jwt.in-cookie", "A token in a cookie is not accepted.", |cx| Box::pin(in_cookie(cx)))
            .source("RFC 6750 §2")
            .fails_on(OFF),
        must("gw.jwt.two-headers", "Two Authorization headers are refused, whichever is good.", |cx| {
            Box::pin(two_headers(cx))
        })
        .source("RFC 9110 §5.3")
        .fails_on(OFF),
        must("gw.jwt.huge", "A token of 16 KiB is refused with 401, 400 or 431.", |cx| Box::pin(huge(cx)))
            .source("RFC 6585 §5")
            .fails_on(OFF),
        must("gw.jwt.not-echoed", "A refusal does not repeat the token.", |cx| Box::pin(not_echoed(cx)))
            .source("API.md: no error answer repeats a token")
            .fails_on(OFF),
    ],
};

async fn refused(cx: &Context, call: Call) -> CaseResult {
    cx.send(call).await?.problem(401, "unauthorized")
}

async fn refuses(cx: &Context, credentials: &str) -> CaseResult {
    refused(cx, Call::get(unknown_study()).header("authorization", credentials)).await
}

/// Requires that a token is refused.
pub(super) async fn refuses_token(cx: &Context, token: &str) -> CaseResult {
    refused(cx, Call::get(unknown_study()).bearer(token)).await
}

async fn absent(cx: &Context) -> CaseResult {
    refused(cx, Call::get(unknown_study())).await
}

async fn absent_upload(cx: &Context) -> CaseResult {
    let form = Form::default().text("patient_id", "p-1").file("file", "a.png", &png(Look::Red));
    refused(cx, form.post("/api/v1/studies")).await
}

async fn absent_delete(cx: &Context) -> CaseResult {
    refused(cx, Call::delete(unknown_study())).await
}

async fn absent_result(cx: &Context) -> CaseResult {
    refused(cx, Call::get(format!("{}/result", unknown_study()))).await
}

async fn absent_unknown_path(cx: &Context) -> CaseResult {
    refused(cx, Call::get("/api/v1/proofload-conformance")).await
}

async fn challenge(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::get(unknown_study())).await?;
    let challenge = answer.status(401)?.need_header("www-authenticate")?;
    ensure(challenge.to_ascii_lowercase().starts_with("bearer"), "a Bearer challenge", challenge)
}

async fn two_parts(cx: &Context) -> CaseResult {
    let token = cx.token()?;
    let (unsigned, _) = token.rsplit_once('.').unwrap_or_default();
    refuses_token(cx, unsigned).await
}

async fn five_parts(cx: &Context) -> CaseResult {
    let token = cx.token()?;
    refuses_token(cx, &format!("{token}.AAAA.AAAA")).await
}

async fn no_scheme(cx: &Context) -> CaseResult {
    refuses(cx, &cx.token()?).await
}

async fn in_query(cx: &Context) -> CaseResult {
    let path = format!("{}?access_token={}", unknown_study(), cx.token()?);
    refused(cx, Call::get(path)).await
}

async fn in_cookie(cx: &Context) -> CaseResult {
    let cookie = format!("token={}; access_token={0}", cx.token()?);
    refused(cx, Call::get(unknown_study()).header("cookie", &cookie)).await
}

async fn two_headers(cx: &Context) -> CaseResult {
    let token = cx.token()?;
    for (first, second) in [(token.as_str(), "other"), ("other", token.as_str()), (&token, &token)] {
        let answer = cx.send(Call::get(unknown_study()).bearer(first).bearer(second)).await?;
        answer.problem_of(&[(401, "unauthorized"), (400, "bad-request")])?;
    }
    Ok(())
}

async fn huge(cx: &Context) -> CaseResult {
    let token = cx.token_with(|_, claims| claims["padding"] = "x".repeat(16 * 1024).into())?;
    cx.send(Call::get(unknown_study()).bearer(&token)).await?.status_of(&[400, 401, 431]).map(|_| ())
}

async fn not_echoed(cx: &Context) -> CaseResult {
    let token = format!("canary-{}", uuid::Uuid::new_v4().simple());
    let answer = cx.send(Call::get(unknown_study()).bearer(&token)).await?;
    let headers = format!("{:?}", answer.status(401)?.headers);
    let body = String::from_utf8_lossy(&answer.body);
    ensure(!headers.contains(&token) && !body.contains(&token), "an answer without the token", "the token in it")
}
