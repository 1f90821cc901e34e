//! The limit on request bodies, however their length is announced.

use super::Area;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, must};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::padded_png;

pub(super) const AREA: Area = Area {
    feature: "limits",
    cases: &[
        must("upload.limit.announced-413", "A body announced as over the limit is refused with 413.", |cx| {
            Box::pin(announced(cx))
        })
        .source("RFC 9110 §15.5.14")
        .fails_on(&["body-unlimited"]),
        must("upload.limit.chunked-413", "A body over the limit is refused with 413 when sent in chunks too.", |cx| {
            Box::pin(chunked(cx))
        })
        .source("RFC 9112 §7.1")
        .fails_on(&["body-unlimited", "body-limit-length-only"]),
    ],
};

fn too_large(cx: &Context) -> Call {
    let image = padded_png(cx.body_max_bytes() + 1);
    Form::default()
        .text("patient_id", "p-limit")
        .file(cx.places().file_field, "large.png", &image)
        .post(cx.places().upload)
}

async fn announced(cx: &Context) -> CaseResult {
    cx.send_as_user(too_large(cx)).await?.problem(413, "payload-too-large")
}

async fn chunked(cx: &Context) -> CaseResult {
    cx.send_as_user(too_large(cx).chunked()).await?.problem(413, "payload-too-large")
}
