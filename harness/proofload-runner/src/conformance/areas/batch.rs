//! `POST /batch/predict`: what the 202 of an accepted batch says.

use std::time::Duration;

use super::Area;
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, unexpected};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::{Look, png};

pub(super) const BATCH: &str = "/batch/predict";

const CONTRACT: &str = "systems.md: fish, POST /batch/predict";
const IMAGES_MAX: usize = 64;

pub(super) const AREA: Area = Area {
    feature: "batch",
    cases: &[
        must("batch.submit.202", "A batch of images is accepted with 202, not worked on first.", |cx| {
            Box::pin(accepted(cx))
        })
        .source("RFC 9110 §15.3.3")
        .fails_on(&["batch-sync"]),
        must("batch.submit.request-id", "The 202 names the request.", |cx| Box::pin(request_id(cx)))
            .source(CONTRACT)
            .fails_on(&["request-id-missing", "batch-sync"]),
        must("batch.submit.queued", "The 202 says that the batch is queued.", |cx| Box::pin(queued(cx)))
            .source(CONTRACT)
            .fails_on(&["batch-sync"]),
        must("batch.submit.location", "Location leads to the status of the batch, at once.", |cx| {
            Box::pin(location(cx))
        })
        .source("RFC 9110 §10.2.2")
        .fails_on(&["batch-location-missing"]),
        must("batch.submit.largest", "A batch of 64 images is accepted and completed.", |cx| Box::pin(largest(cx)))
            .source("API.md: POST /batch/predict, 1..64 files")
            .fails_on(&["batch-sync", "status-word"]),
    ],
};

/// The submission of a batch of images.
pub(super) fn batch_of<'i>(images: impl IntoIterator<Item = &'i Vec<u8>>) -> Call {
    let add = |form: Form, image: &Vec<u8>| form.file("files", "fish.png", image);
    images.into_iter().fold(Form::default(), add).post(BATCH)
}

/// Submits a batch; the path of its status, by its id.
pub(super) async fn submit<'i>(cx: &Context, images: impl IntoIterator<Item = &'i Vec<u8>>) -> CaseResult<String> {
    let answer = cx.send(batch_of(images)).await?;
    let id = answer.status(202)?.text("request_id")?;
    Ok(format!("/batch/status/{id}"))
}

/// Waits for the end of a batch; every answer on the way, the last one final. A word of no contract ends it too.
pub(super) async fn watch(cx: &Context, path: &str) -> CaseResult<Vec<Answer>> {
    let times = cx.timeouts();
    let mut seen: Vec<Answer> = Vec::new();
    let watching = async {
        loop {
            let answer = cx.send(Call::get(path)).await?;
            let status = answer.status(200)?.text("status")?;
            seen.push(answer);
            if !["queued", "processing"].contains(&status.as_str()) {
                return CaseResult::Ok(());
            }
            tokio::time::sleep(times.poll_every.max(Duration::from_millis(1))).await;
        }
    };
    let ended = tokio::time::timeout(times.job, watching).await;
    let last = seen.last().map_or_else(|| "no answer".to_owned(), ToString::to_string);
    ended.map_err(|_| unexpected(&format!("{path} to end within {:?}", times.job), last))??;
    Ok(seen)
}

/// Submits a batch, waits for its end and requires that it completes.
pub(super) async fn complete<'i>(cx: &Context, images: impl IntoIterator<Item = &'i Vec<u8>>) -> CaseResult<Answer> {
    let path = submit(cx, images).await?;
    let last = watch(cx, &path).await?.pop().expect("a watch that ends has seen the end");
    let status = last.text("status")?;
    ensure(status == "completed", "status completed", &last)?;
    Ok(last)
}

async fn small(cx: &Context) -> CaseResult<Answer> {
    let answer = cx.send(batch_of(&[png(Look::Red), png(Look::Blue)])).await?;
    answer.status(202)?;
    Ok(answer)
}

async fn accepted(cx: &Context) -> CaseResult {
    small(cx).await.map(|_| ())
}

async fn request_id(cx: &Context) -> CaseResult {
    let answer = small(cx).await?;
    ensure(!answer.text("request_id")?.is_empty(), "a request_id", &answer)
}

async fn queued(cx: &Context) -> CaseResult {
    let status = small(cx).await?.text("status")?;
    ensure(status == "queued", "status queued", status)
}

async fn location(cx: &Context) -> CaseResult {
    let answer = small(cx).await?;
    let path = cx.path_of(answer.need_header("location")?)?;
    let found = cx.send(Call::get(path)).await?;
    ensure(found.status(200)?.text("request_id")? == answer.text("request_id")?, "the batch that was sent", &found)
}

async fn largest(cx: &Context) -> CaseResult {
    let images: Vec<Vec<u8>> = (0..IMAGES_MAX).map(|_| png(Look::Red)).collect();
    let ended = complete(cx, &images).await?;
    ensure(ended.count("total")? == IMAGES_MAX as u64, "total 64", &ended)
}
