//! What every refusal has in common: the right status, a problem document, `Allow`, and never a 500 for what a client sent.

use http::Method;
use serde_json::json;

use super::Area;
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, should};
use crate::conformance::context::Context;
use crate::conformance::form::broken_forms;

const NOWHERE: &str = "/proofload-conformance/nowhere";
const PROBLEM: &str = "RFC 9457 §3";

pub(super) const AREA: Area = Area {
    feature: "errors",
    cases: &[
        must("http.path.unknown-404", "An unknown path is answered with 404.", |cx| Box::pin(unknown(cx)))
            .source("RFC 9110 §15.5.5")
            .fails_on(&["unknown-path-200", "problem-plain-text"]),
        must("http.path.unknown-post-404", "POST to an unknown path is answered with 404.", |cx| {
            Box::pin(unknown_post(cx))
        })
        .source("RFC 9110 §15.5.5")
        .fails_on(&["unknown-path-200"]),
        must("http.path.traversal-refused", "A path that climbs out of the root finds nothing.", |cx| {
            Box::pin(traversal(cx))
        })
        .source("RFC 9110 §17.3")
        .fails_on(&["unknown-path-200"]),
        must("http.problem.content-type", "A refusal is application/problem+json.", |cx| Box::pin(problem_type(cx)))
            .source(PROBLEM)
            .fails_on(&["problem-plain-text"]),
        must("http.problem.members", "A problem has type, title, status, detail and instance.", |cx| {
            Box::pin(problem_members(cx))
        })
        .source(PROBLEM)
        .fails_on(&["problem-plain-text"]),
        must("http.problem.status-agrees", "A problem's status is the status of the answer.", |cx| {
            Box::pin(problem_status(cx))
        })
        .source("RFC 9457 §3.1.2")
        .fails_on(&["problem-plain-text"]),
        should("http.problem.instance-path", "A problem's instance is the path that was asked for.", |cx| {
            Box::pin(problem_instance(cx))
        })
        .source("RFC 9457 §3.1.5")
        .fails_on(&["problem-plain-text"]),
        must("http.method.get-only-405", "A path that takes GET refuses DELETE with 405.", |cx| Box::pin(get_only(cx)))
            .source("RFC 9110 §15.5.6")
            .fails_on(&["method-404"]),
        must("http.method.post-only-405", "A path that takes POST refuses PUT with 405.", |cx| Box::pin(post_only(cx)))
            .source("RFC 9110 §15.5.6")
            .fails_on(&["method-404"]),
        must("http.method.invented-refused", "A method nobody knows is refused with 405 or 501.", |cx| {
            Box::pin(invented(cx))
        })
        .source("RFC 9110 §9.1")
        .fails_on(&["method-404"]),
        must("http.method.allow", "A 405 names in Allow what the path takes.", |cx| Box::pin(allow(cx)))
            .source("RFC 9110 §15.5.6")
            .fails_on(&["allow-missing", "method-404"]),
        must("http.malformed.never-500", "No malformed body is answered with a server error.", |cx| {
            Box::pin(malformed(cx))
        })
        .source("RFC 9110 §15.5.1")
        .fails_on(&["malformed-500"]),
    ],
};

async fn refusal(cx: &Context) -> CaseResult<Answer> {
    cx.send(Call::get(NOWHERE)).await
}

async fn unknown(cx: &Context) -> CaseResult {
    refusal(cx).await?.problem(404, "not-found")
}

async fn unknown_post(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::post(NOWHERE).json(&json!({}))).await?;
    answer.status(404).map(|_| ())
}

async fn traversal(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::get("/..%2f..%2f..%2fetc%2fpasswd")).await?;
    answer.status_of(&[400, 404]).map(|_| ())
}

async fn problem_type(cx: &Context) -> CaseResult {
    refusal(cx).await?.need_media_type("application/problem+json").map(|_| ())
}

async fn problem_members(cx: &Context) -> CaseResult {
    let answer = refusal(cx).await?;
    for member in ["type", "title", "detail", "instance"] {
        answer.text(member)?;
    }
    answer.count("status").map(|_| ())
}

async fn problem_status(cx: &Context) -> CaseResult {
    let answer = refusal(cx).await?;
    let said = answer.count("status")?;
    ensure(said == u64::from(answer.status), &format!("status {} in the problem", answer.status), said)
}

async fn problem_instance(cx: &Context) -> CaseResult {
    let instance = refusal(cx).await?.text("instance")?;
    ensure(instance == NOWHERE, &format!("instance {NOWHERE}"), instance)
}

async fn get_only(cx: &Context) -> CaseResult {
    cx.send(Call::delete(cx.places().health)).await?.problem(405, "method-not-allowed")
}

async fn post_only(cx: &Context) -> CaseResult {
    let call = Call::new(Method::PUT, cx.places().upload).json(&json!({}));
    cx.send_as_user(call).await?.problem(405, "method-not-allowed")
}

async fn invented(cx: &Context) -> CaseResult {
    let method = Method::from_bytes(b"PROOFLOAD").expect("letters are a method");
    cx.send(Call::new(method, cx.places().health)).await?.status_of(&[405, 501]).map(|_| ())
}

async fn allow(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::delete(cx.places().health)).await?;
    let allow = answer.status(405)?.need_header("allow")?;
    ensure(allow.split(',').any(|method| method.trim() == "GET"), "GET in Allow", allow)
}

async fn malformed(cx: &Context) -> CaseResult {
    let upload = cx.places().upload;
    let json = |body: &str| Call::post(upload).body("application/json", body);
    let mut calls = vec![json("{"), json(""), Call::post(upload).body("multipart/form-data", "no boundary")];
    calls.extend(broken_forms(upload, cx.places().file_field));
    for call in calls {
        let answer = cx.send_as_user(call).await?;
        ensure((400..500).contains(&answer.status), "a refusal of a malformed body, 400 to 499", &answer)?;
    }
    Ok(())
}
