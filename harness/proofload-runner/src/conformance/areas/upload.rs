//! An upload that is accepted: what the 202 says, and that it is true.

use uuid::Uuid;

use super::Area;
use super::studies::{STUDIES, good_upload, look, upload, upload_of};
use crate::conformance::case::{CaseResult, ensure, must, should};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::{Look, jpeg, padded_png, png};

const CONTRACT: &str = "systems.md: medical-platform, data-upload";
const ASYNC: &str = "RFC 9110 §15.3.3";

pub(super) const AREA: Area = Area {
    feature: "upload",
    cases: &[
        must("upload.accept.202", "A study is accepted with 202.", |cx| Box::pin(accepted(cx)))
            .source(ASYNC)
            .fails_on(&["upload-200"]),
        must("upload.accept.state-queued", "The 202 says that the study is queued.", |cx| Box::pin(state(cx)))
            .source(CONTRACT)
            .fails_on(&["state-missing", "upload-200"]),
        must("upload.accept.id-uuid", "The 202 names the study by a UUID, and Location ends with it.", |cx| {
            Box::pin(id(cx))
        })
        .source(CONTRACT)
        .fails_on(&["location-missing", "upload-200"]),
        must("upload.location.resolves", "Location leads to the study, at once.", |cx| Box::pin(location(cx)))
            .source("RFC 9110 §10.2.2")
            .fails_on(&["location-missing", "accepted-not-durable"]),
        must("upload.accept.durable", "What was accepted is found again at once, with its patient.", |cx| {
            Box::pin(durable(cx))
        })
        .source("API.md: the 202 is sent after object, row and message are on disk")
        .fails_on(&["accepted-not-durable"]),
        should("upload.accept.retry-after", "The 202 says when to look again.", |cx| Box::pin(retry_after(cx)))
            .source("RFC 9110 §10.2.3")
            .fails_on(&["upload-200"]),
        must("upload.type.jpeg-accepted", "A JPEG is accepted.", |cx| Box::pin(jpeg_accepted(cx)))
            .source(CONTRACT)
            .fails_on(&["upload-200"]),
        must("upload.type.name-ignored", "A PNG named .txt is accepted: bytes decide, not names.", |cx| {
            Box::pin(name_ignored(cx))
        })
        .source("API.md: decided by magic bytes, not by name")
        .fails_on(&["upload-200"]),
        must("upload.form.any-order", "The file may stand before the patient.", |cx| Box::pin(any_order(cx)))
            .source("RFC 7578 §5.2")
            .fails_on(&["upload-200"]),
        should("upload.form.unknown-field", "A field nobody asked for does no harm.", |cx| Box::pin(unknown_field(cx)))
            .source("RFC 7578 §5")
            .fails_on(&["upload-200"]),
        must("upload.patient.longest", "A patient id of 128 characters beyond ASCII is kept as it is.", |cx| {
            Box::pin(longest_patient(cx))
        })
        .source("API.md: patient_id 1..128 characters")
        .fails_on(&["accepted-not-durable"]),
        must("upload.limit.under-accepted", "A body just under the limit is accepted.", |cx| Box::pin(under(cx)))
            .source("API.md: payload-too-large")
            .fails_on(&["upload-200"]),
    ],
};

async fn accepted(cx: &Context) -> CaseResult {
    upload(cx).await.map(|_| ())
}

async fn state(cx: &Context) -> CaseResult {
    let state = upload(cx).await?.text("state")?;
    ensure(state == "queued", "state queued", state)
}

async fn id(cx: &Context) -> CaseResult {
    let answer = upload(cx).await?;
    let id = answer.text("id")?;
    ensure(Uuid::parse_str(&id).is_ok(), "a UUID as id", &id)?;
    let location = answer.need_header("location")?;
    ensure(location.ends_with(&id), &format!("Location to end with {id}"), location)
}

async fn location(cx: &Context) -> CaseResult {
    let answer = upload(cx).await?;
    let path = cx.path_of(answer.need_header("location")?)?;
    let found = look(cx, &path).await?;
    ensure(found.text("id")? == answer.text("id")?, "the study that was uploaded", &found)
}

async fn durable(cx: &Context) -> CaseResult {
    let id = upload(cx).await?.text("id")?;
    let found = look(cx, &format!("{STUDIES}/{id}")).await?;
    ensure(found.text("patient_id")? == "p-conformance", "patient_id p-conformance", &found)
}

async fn retry_after(cx: &Context) -> CaseResult {
    let answer = upload(cx).await?;
    let seconds = answer.need_header("retry-after")?;
    ensure(seconds.parse::<u32>().is_ok(), "Retry-After in seconds", seconds)
}

async fn jpeg_accepted(cx: &Context) -> CaseResult {
    cx.send_as_user(upload_of("study.jpg", &jpeg())).await?.status(202).map(|_| ())
}

async fn name_ignored(cx: &Context) -> CaseResult {
    cx.send_as_user(upload_of("notes.txt", &png(Look::Dark))).await?.status(202).map(|_| ())
}

async fn any_order(cx: &Context) -> CaseResult {
    let form = Form::default().file("file", "a.png", &png(Look::Red)).text("patient_id", "p-last");
    cx.send_as_user(form.post(STUDIES)).await?.status(202).map(|_| ())
}

async fn unknown_field(cx: &Context) -> CaseResult {
    let form = Form::default().text("ward", "7").text("patient_id", "p-1").file("file", "a.png", &png(Look::Red));
    cx.send_as_user(form.post(STUDIES)).await?.status(202).map(|_| ())
}

async fn longest_patient(cx: &Context) -> CaseResult {
    let patient = "ü".repeat(128);
    let form = Form::default().text("patient_id", &patient).file("file", "a.png", &png(Look::Red));
    let id = cx.send_as_user(form.post(STUDIES)).await?.status(202)?.text("id")?;
    let kept = look(cx, &format!("{STUDIES}/{id}")).await?.text("patient_id")?;
    ensure(kept == patient, "the patient id that was sent", kept)
}

async fn under(cx: &Context) -> CaseResult {
    let frame = good_upload().body.len() - png(Look::Red).len();
    let call = upload_of("study.png", &padded_png(cx.body_max_bytes() - frame));
    cx.send_as_user(call).await?.status(202).map(|_| ())
}
