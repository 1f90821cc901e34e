//! `Idempotency-Key`: a client that does not know whether its upload arrived may send it again.

use uuid::Uuid;

use super::Area;
use super::studies::{STUDIES, good_upload};
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::{Look, png};

const DRAFT: &str = "draft-ietf-httpapi-idempotency-key-header §2";

pub(super) const AREA: Area = Area {
    feature: "idempotency",
    cases: &[
        must("upload.idempotency.same-answer", "The same key and body get the same answer again.", |cx| {
            Box::pin(same_answer(cx))
        })
        .source(DRAFT)
        .fails_on(&["idempotency-ignored"]),
        must("upload.idempotency.at-once", "Two at the same time under one key make one study.", |cx| {
            Box::pin(at_once(cx))
        })
        .source(DRAFT)
        .fails_on(&["idempotency-ignored"]),
        must("upload.idempotency.other-file-422", "The same key with another file is refused with 422.", |cx| {
            Box::pin(other_file(cx))
        })
        .source(DRAFT)
        .fails_on(&["idempotency-body-ignored", "idempotency-ignored"]),
        must("upload.idempotency.other-patient-422", "The same key with another patient is refused.", |cx| {
            Box::pin(other_patient(cx))
        })
        .source(DRAFT)
        .fails_on(&["idempotency-body-ignored", "idempotency-ignored"]),
        must("upload.idempotency.other-key-new", "Another key makes another study of the same body.", |cx| {
            Box::pin(other_key(cx))
        })
        .source(DRAFT)
        .fails_on(&["upload-200"]),
        must("upload.idempotency.key-long-400", "A key of 256 characters is refused.", |cx| Box::pin(long_key(cx)))
            .source("API.md: Idempotency-Key 1..255 visible ASCII")
            .fails_on(&["malformed-500"]),
    ],
};

fn new_key() -> String {
    format!("conformance-{}", Uuid::new_v4())
}

async fn send(cx: &Context, call: &Call, key: &str) -> CaseResult<Answer> {
    cx.send_as_user(call.clone().header("idempotency-key", key)).await
}

async fn accepted_id(cx: &Context, call: &Call, key: &str) -> CaseResult<String> {
    send(cx, call, key).await?.status(202)?.text("id")
}

async fn same_answer(cx: &Context) -> CaseResult {
    let (call, key) = (good_upload(), new_key());
    let first = accepted_id(cx, &call, &key).await?;
    let second = accepted_id(cx, &call, &key).await?;
    ensure(first == second, &format!("the study {first} again"), second)
}

async fn at_once(cx: &Context) -> CaseResult {
    let (call, key) = (good_upload(), new_key());
    let (first, second) = tokio::join!(send(cx, &call, &key), send(cx, &call, &key));
    for answer in [first?, second?] {
        if answer.status != 202 {
            answer.problem(409, "idempotency-in-flight")?;
            answer.need_header("retry-after")?;
        }
    }
    let (first, second) = (accepted_id(cx, &call, &key).await?, accepted_id(cx, &call, &key).await?);
    ensure(first == second, &format!("the study {first} again"), second)
}

async fn other_file(cx: &Context) -> CaseResult {
    let key = new_key();
    accepted_id(cx, &good_upload(), &key).await?;
    send(cx, &good_upload(), &key).await?.problem(422, "idempotency-conflict")
}

async fn other_patient(cx: &Context) -> CaseResult {
    let (key, image) = (new_key(), png(Look::Dark));
    let of = |patient| Form::default().text("patient_id", patient).file("file", "a.png", &image).post(STUDIES);
    accepted_id(cx, &of("p-1"), &key).await?;
    send(cx, &of("p-2"), &key).await?.problem(422, "idempotency-conflict")
}

async fn other_key(cx: &Context) -> CaseResult {
    let call = good_upload();
    let first = accepted_id(cx, &call, &new_key()).await?;
    let second = accepted_id(cx, &call, &new_key()).await?;
    ensure(first != second, "another study", second)
}

async fn long_key(cx: &Context) -> CaseResult {
    send(cx, &good_upload(), &"k".repeat(256)).await?.problem(400, "bad-request")
}
