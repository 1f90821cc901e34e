//! `POST /predict`: one image in, one class out, and the second time from the cache.

use super::Area;
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::{Look, jpeg, png};

pub(super) const PREDICT: &str = "/predict";

const CONTRACT: &str = "systems.md: fish, POST /predict";
const CACHE: &str = "API.md: POST /predict, X-Cache";
const SCORE: &[&str] = &["score-missing"];

pub(super) const AREA: Area = Area {
    feature: "predict",
    cases: &[
        must("predict.answer.class-score", "A PNG is answered with a class and a score.", |cx| {
            Box::pin(class_score(cx))
        })
        .source(CONTRACT)
        .fails_on(SCORE),
        must("predict.answer.score-range", "The score is a probability.", |cx| Box::pin(score_range(cx)))
            .source(CONTRACT)
            .fails_on(&["score-out-of-range", "score-missing"]),
        must("predict.answer.model", "The answer names model and version beside class and score.", |cx| {
            Box::pin(model(cx))
        })
        .source("API.md: POST /predict")
        .fails_on(SCORE),
        must("predict.body.jpeg", "A JPEG is accepted.", |cx| Box::pin(jpeg_body(cx))).source(CONTRACT).fails_on(SCORE),
        must("predict.body.form", "An image in a form gets the answer it gets as a body.", |cx| Box::pin(form(cx)))
            .source("API.md: POST /predict")
            .fails_on(SCORE),
        must("predict.answer.differs", "Images that differ strongly do not all get one score.", |cx| {
            Box::pin(differs(cx))
        })
        .source(CONTRACT)
        .fails_on(&["score-out-of-range", "score-missing"]),
        must("predict.cache.miss", "An image never seen is a miss, in header and body.", |cx| Box::pin(miss(cx)))
            .source(CACHE)
            .fails_on(&["cache-header-missing"]),
        must("predict.cache.hit", "An image seen before is a hit, in header and body.", |cx| Box::pin(hit(cx)))
            .source(CACHE)
            .fails_on(&["cache-off", "cache-header-missing"]),
        must("predict.cache.same-answer", "The cache answers what was answered first.", |cx| Box::pin(same_answer(cx)))
            .source("systems.md: fish, prediction cache")
            .fails_on(&["cache-off", "score-missing"]),
        must("predict.cache.by-content", "The cache goes by the image's bytes, not by how it was sent.", |cx| {
            Box::pin(by_content(cx))
        })
        .source(CACHE)
        .fails_on(&["cache-off", "cache-header-missing"]),
    ],
};

/// Sends a PNG and requires a whole answer.
pub(super) async fn classify(cx: &Context, image: &[u8]) -> CaseResult<Answer> {
    whole(cx.send(Call::post(PREDICT).body("image/png", image)).await?)
}

/// Class and score of a whole answer.
pub(super) fn verdict(answer: &Answer) -> CaseResult<(String, f64)> {
    Ok((answer.text("class")?, answer.number("score")?))
}

fn whole(answer: Answer) -> CaseResult<Answer> {
    answer.status(200)?;
    verdict(&answer)?;
    Ok(answer)
}

async fn class_score(cx: &Context) -> CaseResult {
    let (class, _) = verdict(&classify(cx, &png(Look::Red)).await?)?;
    ensure(!class.is_empty(), "the name of a class", "none")
}

async fn score_range(cx: &Context) -> CaseResult {
    let (_, score) = verdict(&classify(cx, &png(Look::Blue)).await?)?;
    ensure((0.0..=1.0).contains(&score), "a score from 0 to 1", score)
}

async fn model(cx: &Context) -> CaseResult {
    let answer = classify(cx, &png(Look::Red)).await?;
    let named = !answer.text("model")?.is_empty() && !answer.json()?["model_version"].is_null();
    ensure(named, "model and model_version", &answer)
}

async fn jpeg_body(cx: &Context) -> CaseResult {
    whole(cx.send(Call::post(PREDICT).body("image/jpeg", jpeg())).await?).map(|_| ())
}

async fn form(cx: &Context) -> CaseResult {
    let image = png(Look::Stripes);
    let in_form = whole(cx.send(Form::default().file("file", "a.png", &image).post(PREDICT)).await?)?;
    let as_body = classify(cx, &image).await?;
    ensure(verdict(&in_form)? == verdict(&as_body)?, &format!("the answer it gets as a body, {as_body}"), &in_form)
}

async fn differs(cx: &Context) -> CaseResult {
    let mut verdicts = Vec::new();
    for look in [Look::Red, Look::Blue, Look::Stripes, Look::Dark] {
        verdicts.push(verdict(&classify(cx, &png(look)).await?)?);
    }
    let all_one = verdicts.iter().all(|(_, score)| score.to_bits() == verdicts[0].1.to_bits());
    ensure(!all_one, "scores that depend on the image", format!("{verdicts:?}"))
}

fn requires_cache(answer: &Answer, word: &str, cached: bool) -> CaseResult {
    let header = answer.need_header("x-cache")?;
    ensure(header == word, &format!("X-Cache: {word}"), header)?;
    ensure(answer.json()?["cached"] == cached, &format!("cached: {cached}"), answer)
}

async fn miss(cx: &Context) -> CaseResult {
    requires_cache(&classify(cx, &png(Look::Red)).await?, "miss", false)
}

async fn hit(cx: &Context) -> CaseResult {
    let image = png(Look::Red);
    classify(cx, &image).await?;
    requires_cache(&classify(cx, &image).await?, "hit", true)
}

async fn same_answer(cx: &Context) -> CaseResult {
    let image = png(Look::Blue);
    let first = classify(cx, &image).await?;
    let second = classify(cx, &image).await?;
    ensure(second.json()?["cached"] == true, "an answer from the cache", &second)?;
    ensure(verdict(&first)? == verdict(&second)?, &format!("the first answer again, {first}"), &second)
}

async fn by_content(cx: &Context) -> CaseResult {
    let image = png(Look::Dark);
    classify(cx, &image).await?;
    let again = cx.send(Form::default().file("file", "another-name.png", &image).post(PREDICT)).await?;
    requires_cache(&whole(again)?, "hit", true)
}
