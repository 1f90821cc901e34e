//! Uploads that must be refused: something is missing, empty, of the wrong kind, or broken.

use serde_json::json;

use super::Area;
use super::studies::{STUDIES, upload_of};
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, must};
use crate::conformance::context::Context;
use crate::conformance::form::{Form, broken_forms};
use crate::conformance::image::{Look, garbage, png};

const CONTRACT: &str = "API.md: bad-request";
const TYPES: &str = "API.md: unsupported-media-type";

pub(super) const AREA: Area = Area {
    feature: "upload",
    cases: &[
        must("upload.file.missing-400", "An upload without a file is refused.", |cx| Box::pin(no_file(cx)))
            .source(CONTRACT)
            .fails_on(&["malformed-500", "problem-plain-text"]),
        must("upload.file.empty-400", "An empty file is refused.", |cx| Box::pin(empty_file(cx)))
            .source(CONTRACT)
            .fails_on(&["empty-accepted", "malformed-500"]),
        must("upload.patient.missing-400", "An upload without a patient is refused.", |cx| Box::pin(no_patient(cx)))
            .source(CONTRACT)
            .fails_on(&["patient-optional", "malformed-500"]),
        must("upload.patient.empty-400", "An empty patient id is refused.", |cx| Box::pin(patient(cx, 0)))
            .source("API.md: patient_id 1..128 characters")
            .fails_on(&["patient-optional"]),
        must("upload.patient.long-400", "A patient id of 129 characters is refused.", |cx| Box::pin(patient(cx, 129)))
            .source("API.md: patient_id 1..128 characters")
            .fails_on(&["patient-optional"]),
        must("upload.type.magic-415", "A file that is no image by its bytes is refused with 415.", |cx| {
            Box::pin(no_image(cx, "notes.bin"))
        })
        .source(TYPES)
        .fails_on(&["type-unchecked"]),
        must("upload.type.name-lies-415", "HTML named .png is refused with 415.", |cx| {
            Box::pin(no_image(cx, "study.png"))
        })
        .source(TYPES)
        .fails_on(&["type-unchecked"]),
        must("upload.type.json-415", "A JSON body is refused with 415.", |cx| Box::pin(json_body(cx)))
            .source("RFC 9110 §15.5.16")
            .fails_on(&["problem-plain-text"]),
        must("upload.form.boundary-missing-400", "A form without a boundary is refused.", |cx| {
            Box::pin(no_boundary(cx))
        })
        .source("RFC 2046 §5.1.1")
        .fails_on(&["malformed-500"]),
        must("upload.form.malformed-400", "A body that is no form, and a form that breaks off, are refused.", |cx| {
            Box::pin(malformed(cx))
        })
        .source("RFC 7578 §4.1")
        .fails_on(&["malformed-500"]),
    ],
};

async fn bad_request(cx: &Context, call: Call) -> CaseResult {
    cx.send_as_user(call).await?.problem(400, "bad-request")
}

async fn no_file(cx: &Context) -> CaseResult {
    bad_request(cx, Form::default().text("patient_id", "p-1").post(STUDIES)).await
}

async fn empty_file(cx: &Context) -> CaseResult {
    bad_request(cx, upload_of("study.png", b"")).await
}

async fn no_patient(cx: &Context) -> CaseResult {
    bad_request(cx, Form::default().file("file", "a.png", &png(Look::Red)).post(STUDIES)).await
}

async fn patient(cx: &Context, chars: usize) -> CaseResult {
    let form = Form::default().text("patient_id", &"p".repeat(chars)).file("file", "a.png", &png(Look::Red));
    bad_request(cx, form.post(STUDIES)).await
}

async fn no_image(cx: &Context, name: &str) -> CaseResult {
    cx.send_as_user(upload_of(name, &garbage())).await?.problem(415, "unsupported-media-type")
}

async fn json_body(cx: &Context) -> CaseResult {
    let call = Call::post(STUDIES).json(&json!({"patient_id": "p-1"}));
    cx.send_as_user(call).await?.problem(415, "unsupported-media-type")
}

async fn no_boundary(cx: &Context) -> CaseResult {
    bad_request(cx, Call::post(STUDIES).body("multipart/form-data", "--x\r\n")).await
}

async fn malformed(cx: &Context) -> CaseResult {
    for call in broken_forms(STUDIES, "file") {
        bad_request(cx, call).await?;
    }
    Ok(())
}
