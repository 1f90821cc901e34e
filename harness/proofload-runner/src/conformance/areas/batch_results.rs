//! `GET /batch/status/{id}`: a batch goes forward, its counts add up, and its results stand in the order of its images.

use serde_json::Value;

use super::Area;
use super::batch::{complete, submit, watch};
use super::predict::{classify, verdict};
use crate::conformance::answer::Answer;
use crate::conformance::case::{CaseResult, ensure, must, unexpected};
use crate::conformance::context::Context;
use crate::conformance::image::{Look, broken_png, png};

const CONTRACT: &str = "systems.md: fish, GET /batch/status/{id}";
const RESULTS: &str = "API.md: GET /batch/status/{id}, results";

/// One inference runs alone and the other among others: the last digits may differ.
const SCORE_TOLERANCE: f64 = 1e-3;

pub(super) const AREA: Area = Area {
    feature: "batch",
    cases: &[
        must("batch.status.completes", "A good batch is completed in time, and says so by that word.", |cx| {
            Box::pin(completes(cx))
        })
        .source(CONTRACT)
        .fails_on(&["status-word", "batch-sync", "drop-job"]),
        must("batch.status.forward-only", "A batch goes from queued over processing to its end, never back.", |cx| {
            Box::pin(forward(cx))
        })
        .source(CONTRACT)
        .fails_on(&["status-word"]),
        must("batch.status.counts", "At the end done is total, and failed counts the errors.", |cx| {
            Box::pin(counts(cx))
        })
        .source("API.md: GET /batch/status/{id}")
        .fails_on(&["counts-wrong", "double-effect"]),
        must("batch.status.counts-bounded", "On the way, failed never exceeds done, nor done total.", |cx| {
            Box::pin(bounded(cx))
        })
        .source("API.md: GET /batch/status/{id}")
        .fails_on(&["counts-wrong"]),
        must("batch.results.one-each", "A completed batch has one result per image.", |cx| Box::pin(one_each(cx)))
            .source(RESULTS)
            .fails_on(&["results-missing"]),
        must("batch.results.in-order", "Results stand in the order of the images.", |cx| Box::pin(in_order(cx)))
            .source(RESULTS)
            .fails_on(&["results-reversed", "results-missing"]),
        must("batch.results.match-predict", "Each result is what /predict says of that image.", |cx| {
            Box::pin(match_predict(cx))
        })
        .source("systems.md: fish")
        .fails_on(&["results-reversed", "results-missing"]),
        must("batch.results.broken-image", "A broken image is an error in its place and spoils no other.", |cx| {
            Box::pin(broken_image(cx))
        })
        .source(RESULTS)
        .fails_on(&["results-missing", "counts-wrong"]),
    ],
};

const LOOKS: [Look; 4] = [Look::Red, Look::Blue, Look::Stripes, Look::Dark];

fn images() -> Vec<Vec<u8>> {
    LOOKS.into_iter().map(png).collect()
}

async fn completes(cx: &Context) -> CaseResult {
    complete(cx, &images()).await.map(|_| ())
}

async fn forward(cx: &Context) -> CaseResult {
    const WORDS: [&str; 3] = ["queued", "processing", "completed"];
    let path = submit(cx, &images()).await?;
    let mut reached = 0;
    for answer in watch(cx, &path).await? {
        let status = answer.text("status")?;
        let rank = WORDS.iter().position(|word| *word == status);
        let rank = rank.ok_or_else(|| unexpected("queued, processing or completed", &answer))?;
        ensure(rank >= reached, "a status no earlier than the last", &answer)?;
        reached = rank;
    }
    Ok(())
}

/// The first batch's end is looked at again after the second's, so that whatever follows an end has happened.
async fn counts(cx: &Context) -> CaseResult {
    let path = submit(cx, &images()).await?;
    watch(cx, &path).await?;
    complete(cx, &images()).await?;
    let ended = watch(cx, &path).await?.pop().expect("a watch that ends has seen the end");
    let (total, done, failed) = (ended.count("total")?, ended.count("done")?, ended.count("failed")?);
    ensure((total, done, failed) == (4, 4, 0), "total 4, done 4 and failed 0", &ended)
}

async fn bounded(cx: &Context) -> CaseResult {
    let path = submit(cx, &images()).await?;
    for answer in watch(cx, &path).await? {
        let (total, done, failed) = (answer.count("total")?, answer.count("done")?, answer.count("failed")?);
        ensure(failed <= done && done <= total, "failed ≤ done ≤ total", &answer)?;
    }
    Ok(())
}

async fn one_each(cx: &Context) -> CaseResult {
    let ended = complete(cx, &images()).await?;
    let results = ended.list("results")?;
    ensure(results.len() == LOOKS.len(), "4 results", &ended)?;
    let whole = |result: &Value| result["class"].is_string() && result["score"].is_number();
    ensure(results.iter().all(whole), "a class and a score in each", &ended)
}

async fn in_order(cx: &Context) -> CaseResult {
    let ended = complete(cx, &images()).await?;
    let seen: Vec<Option<u64>> = ended.list("results")?.iter().map(|result| result["index"].as_u64()).collect();
    ensure(seen == [Some(0), Some(1), Some(2), Some(3)], "index 0, 1, 2, 3", &ended)
}

async fn match_predict(cx: &Context) -> CaseResult {
    let images = images();
    let ended = complete(cx, &images).await?;
    let results = ended.list("results")?;
    ensure(results.len() == images.len(), "4 results", &ended)?;
    for (image, result) in images.iter().zip(results) {
        let (class, score) = verdict(&classify(cx, image).await?)?;
        let near = result["score"].as_f64().is_some_and(|seen| (seen - score).abs() <= SCORE_TOLERANCE);
        ensure(near && result["class"] == class.as_str(), &format!("{class} with {score}, as /predict says"), result)?;
    }
    Ok(())
}

async fn broken_image(cx: &Context) -> CaseResult {
    let ended = complete(cx, &[png(Look::Red), broken_png(), png(Look::Blue)]).await?;
    let results = ended.list("results")?;
    let is_error = |at: usize| results.get(at).is_some_and(|result| result["error"].is_string());
    ensure((is_error(0), is_error(1), is_error(2)) == (false, true, false), "an error in the second place", &ended)?;
    all_counted(&ended)
}

fn all_counted(ended: &Answer) -> CaseResult {
    let (done, failed) = (ended.count("done")?, ended.count("failed")?);
    ensure((done, failed) == (3, 1), "done 3 and failed 1", ended)
}
