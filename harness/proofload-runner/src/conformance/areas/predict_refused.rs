//! Predictions that must be refused.

use serde_json::json;

use super::Area;
use super::predict::PREDICT;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, must};
use crate::conformance::context::Context;
use crate::conformance::form::{Form, broken_forms};
use crate::conformance::image::{broken_png, garbage};

const TYPES: &str = "API.md: unsupported-media-type";

pub(super) const AREA: Area = Area {
    feature: "predict",
    cases: &[
        must("predict.type.magic-415", "A body that is no image by its bytes is refused with 415.", |cx| {
            Box::pin(no_image(cx))
        })
        .source(TYPES)
        .fails_on(&["type-unchecked"]),
        must("predict.type.name-lies-415", "HTML named .png in a form is refused with 415.", |cx| {
            Box::pin(name_lies(cx))
        })
        .source(TYPES)
        .fails_on(&["type-unchecked"]),
        must("predict.type.json-415", "A JSON body is refused with 415.", |cx| Box::pin(json_body(cx)))
            .source("RFC 9110 §15.5.16")
            .fails_on(&["problem-plain-text"]),
        must("predict.body.broken-422", "An image that cannot be decoded is refused with 422.", |cx| {
            Box::pin(broken(cx))
        })
        .source("API.md: POST /predict")
        .fails_on(&["problem-plain-text"]),
        must("predict.body.empty-400", "An empty body is refused.", |cx| Box::pin(empty(cx)))
            .source("API.md: bad-request")
            .fails_on(&["empty-accepted", "malformed-500"]),
        must("predict.form.file-missing-400", "A form without the file is refused.", |cx| Box::pin(no_file(cx)))
            .source("API.md: bad-request")
            .fails_on(&["malformed-500"]),
        must("predict.form.malformed-400", "A body that is no form, and a form that breaks off, are refused.", |cx| {
            Box::pin(malformed(cx))
        })
        .source("RFC 7578 §4.1")
        .fails_on(&["malformed-500"]),
    ],
};

async fn no_image(cx: &Context) -> CaseResult {
    let call = Call::post(PREDICT).body("image/png", garbage());
    cx.send(call).await?.problem(415, "unsupported-media-type")
}

async fn name_lies(cx: &Context) -> CaseResult {
    let call = Form::default().file("file", "fish.png", &garbage()).post(PREDICT);
    cx.send(call).await?.problem(415, "unsupported-media-type")
}

async fn json_body(cx: &Context) -> CaseResult {
    let call = Call::post(PREDICT).json(&json!({"image": "none"}));
    cx.send(call).await?.problem(415, "unsupported-media-type")
}

async fn broken(cx: &Context) -> CaseResult {
    let call = Call::post(PREDICT).body("image/png", broken_png());
    cx.send(call).await?.problem(422, "unprocessable")
}

async fn empty(cx: &Context) -> CaseResult {
    let call = Call::post(PREDICT).body("image/png", "");
    cx.send(call).await?.problem(400, "bad-request")
}

async fn no_file(cx: &Context) -> CaseResult {
    let call = Form::default().text("comment", "no file").post(PREDICT);
    cx.send(call).await?.problem(400, "bad-request")
}

async fn malformed(cx: &Context) -> CaseResult {
    for call in broken_forms(PREDICT, "file") {
        cx.send(call).await?.problem(400, "bad-request")?;
    }
    Ok(())
}
