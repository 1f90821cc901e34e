//! The result of a study: of what was sent, by a named model, with scores that are probabilities, and not before the end.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Area;
use super::studies::{before_the_end, ends_as, look, submit_call, succeed, upload_of};
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, unexpected};
use crate::conformance::context::Context;
use crate::conformance::dicom::dicom;
use crate::conformance::image::{Look, jpeg, png};

const CONTRACT: &str = "API.md: GET /api/v1/studies/{id}/result";
const LOST: &[&str] = &["accepted-not-durable"];

/// Scores are printed with six or seven digits.
const SUM_TOLERANCE: f64 = 1e-3;

pub(super) const AREA: Area = Area {
    feature: "results",
    cases: &[
        must("job.result.members", "A result names study, model, version, input and predictions.", |cx| {
            Box::pin(members(cx))
        })
        .source(CONTRACT)
        .fails_on(LOST),
        must("job.result.of-dicom", "A DICOM file is accepted and diagnosed.", |cx| Box::pin(of_dicom(cx)))
            .source("systems.md: medical-platform, data-upload (DICOM/PNG/JPEG)")
            .fails_on(LOST),
        must("job.result.of-jpeg", "A JPEG is accepted and diagnosed.", |cx| Box::pin(of_jpeg(cx)))
            .source("systems.md: medical-platform, data-upload (DICOM/PNG/JPEG)")
            .fails_on(LOST),
        must("job.result.scores-sum", "The scores of a result are probabilities and sum to 1.", |cx| {
            Box::pin(scores_sum(cx))
        })
        .source(CONTRACT)
        .fails_on(&["scores-unnormalised"]),
        must("job.result.best-first", "The predictions of a result stand best first.", |cx| Box::pin(best_first(cx)))
            .source(CONTRACT)
            .fails_on(LOST),
        must("job.result.input-digest", "A result names the SHA-256 of the file that was sent.", |cx| {
            Box::pin(input_digest(cx))
        })
        .source(CONTRACT)
        .fails_on(LOST),
        must("job.result.linked", "A study that has succeeded links to its result.", |cx| Box::pin(linked(cx)))
            .source("API.md: GET /api/v1/studies/{id}")
            .fails_on(LOST),
        must("job.result.early-409", "A result asked for before the end is refused with 409 and Retry-After.", |cx| {
            Box::pin(early(cx))
        })
        .source("API.md: not-ready")
        .fails_on(&["result-early"]),
    ],
};

async fn members(cx: &Context) -> CaseResult {
    let (path, result) = succeed(cx).await?;
    let id = result["id"].as_str().unwrap_or_default();
    ensure(!id.is_empty() && path.ends_with(id), &format!("the id of {path}"), &result)?;
    ensure(result["model"].as_str().is_some_and(|name| !name.is_empty()), "the name of the model", &result)?;
    ensure(!result["model_version"].is_null(), "the version of the model", &result)?;
    scores(&result).map(|_| ())
}

async fn of_dicom(cx: &Context) -> CaseResult {
    let path = submit_call(cx, upload_of("study.dcm", &dicom())).await?;
    ends_as(cx, &path, "succeeded").await.map(|_| ())
}

async fn of_jpeg(cx: &Context) -> CaseResult {
    let path = submit_call(cx, upload_of("study.jpg", &jpeg())).await?;
    ends_as(cx, &path, "succeeded").await.map(|_| ())
}

/// The scores of a result, in its order; each prediction has a label.
fn scores(result: &Value) -> CaseResult<Vec<f64>> {
    let predictions = result["predictions"].as_array().filter(|list| !list.is_empty());
    let predictions = predictions.ok_or_else(|| unexpected("predictions", result))?;
    let score = |prediction: &Value| prediction["score"].as_f64().filter(|_| prediction["label"].is_string());
    let scores: Option<Vec<f64>> = predictions.iter().map(score).collect();
    scores.ok_or_else(|| unexpected("a label and a score in every prediction", result))
}

async fn scores_sum(cx: &Context) -> CaseResult {
    let (_, result) = succeed(cx).await?;
    let scores = scores(&result)?;
    ensure(scores.iter().all(|score| (0.0..=1.0).contains(score)), "scores from 0 to 1", &result)?;
    let sum: f64 = scores.iter().sum();
    ensure((sum - 1.0).abs() <= SUM_TOLERANCE, "scores that sum to 1", sum)
}

async fn best_first(cx: &Context) -> CaseResult {
    let (_, result) = succeed(cx).await?;
    ensure(scores(&result)?.is_sorted_by(|better, worse| better >= worse), "the best score first", &result)
}

async fn input_digest(cx: &Context) -> CaseResult {
    let image = png(Look::Stripes);
    let path = submit_call(cx, upload_of("study.png", &image)).await?;
    ends_as(cx, &path, "succeeded").await?;
    let said = cx.send_as_user(Call::get(format!("{path}/result"))).await?.status(200)?.text("input_sha256")?;
    let expected = format!("{:x}", Sha256::digest(&image));
    ensure(said.eq_ignore_ascii_case(&expected), &format!("input_sha256 {expected}"), said)
}

async fn linked(cx: &Context) -> CaseResult {
    let (path, result) = succeed(cx).await?;
    let link = cx.path_of(&look(cx, &path).await?.text("result")?)?;
    let linked = cx.send_as_user(Call::get(link)).await?;
    ensure(linked.status(200)?.json()? == result, "the same result by its link", &linked)
}

async fn early(cx: &Context) -> CaseResult {
    let ended = |answer: &Answer| answer.status == 200 && answer.list("predictions").is_ok();
    let (_, answer) = before_the_end(cx, |path| Call::get(format!("{path}/result")), ended).await?;
    answer.problem(409, "not-ready")?;
    answer.need_header("retry-after").map(|_| ())
}
