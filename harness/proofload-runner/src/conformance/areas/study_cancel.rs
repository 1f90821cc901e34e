//! Taking a study back.

use uuid::Uuid;

use super::Area;
use super::studies::{STUDIES, before_the_end, look, succeed};
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must};
use crate::conformance::context::Context;

const CONTRACT: &str = "API.md: DELETE /api/v1/studies/{id}";

pub(super) const AREA: Area = Area {
    feature: "cancel",
    cases: &[
        must("job.delete.cancels", "DELETE cancels a study that has not ended, and it stays cancelled.", |cx| {
            Box::pin(cancels(cx))
        })
        .source(CONTRACT)
        .fails_on(&["cancel-ignored"]),
        must("job.delete.no-result", "A cancelled study has no result.", |cx| Box::pin(no_result(cx)))
            .source("API.md: job-failed")
            .fails_on(&["cancel-ignored"]),
        must("job.delete.twice-409", "A second DELETE is refused with 409.", |cx| Box::pin(twice(cx)))
            .source("API.md: already-final")
            .fails_on(&["delete-final-200", "cancel-ignored"]),
        must("job.delete.final-409", "DELETE of a study that has succeeded is refused, and its result stays.", |cx| {
            Box::pin(after_success(cx))
        })
        .source("API.md: already-final")
        .fails_on(&["delete-final-200", "cancel-ignored"]),
        must("job.delete.unknown-404", "DELETE of a study nobody knows is answered with 404.", |cx| {
            Box::pin(unknown(cx))
        })
        .source("RFC 9110 §15.5.5")
        .fails_on(&["unknown-id-200", "unknown-id-500"]),
    ],
};

/// The path of a study that was cancelled before its end.
async fn cancel(cx: &Context) -> CaseResult<String> {
    let (path, answer) = before_the_end(cx, |path| Call::delete(path), |answer| answer.status == 409).await?;
    let state = answer.status(200)?.text("state")?;
    ensure(state == "cancelled", "state cancelled", state)?;
    Ok(path)
}

async fn cancels(cx: &Context) -> CaseResult {
    let path = cancel(cx).await?;
    let state = look(cx, &path).await?.text("state")?;
    ensure(state == "cancelled", "state cancelled after a DELETE", state)
}

async fn no_result(cx: &Context) -> CaseResult {
    let path = cancel(cx).await?;
    cx.send_as_user(Call::get(format!("{path}/result"))).await?.problem(409, "job-failed")
}

async fn twice(cx: &Context) -> CaseResult {
    let path = cancel(cx).await?;
    cx.send_as_user(Call::delete(path)).await?.problem(409, "already-final")
}

async fn after_success(cx: &Context) -> CaseResult {
    let (path, _) = succeed(cx).await?;
    cx.send_as_user(Call::delete(path.as_str())).await?.problem(409, "already-final")?;
    cx.send_as_user(Call::get(format!("{path}/result"))).await?.status(200).map(|_| ())
}

async fn unknown(cx: &Context) -> CaseResult {
    let path = format!("{STUDIES}/{}", Uuid::new_v4());
    cx.send_as_user(Call::delete(path)).await?.problem(404, "not-found")
}
