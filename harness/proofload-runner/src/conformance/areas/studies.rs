//! Steps that many checks of studies take: upload one, look at it, wait for its end.

use serde_json::Value;

use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, Stop, ensure, unexpected};
use crate::conformance::context::Context;
use crate::conformance::form::Form;
use crate::conformance::image::{Look, png};

pub(super) const STUDIES: &str = "/api/v1/studies";

/// So many times a check tries to be faster than the target's workers.
const RACES_MAX: u32 = 5;

/// The states that nothing leaves.
const FINAL: [&str; 4] = ["succeeded", "failed", "dead-lettered", "cancelled"];

/// The upload of one good study.
pub(super) fn good_upload() -> Call {
    upload_of("study.png", &png(Look::Red))
}

pub(super) fn upload_of(name: &str, bytes: &[u8]) -> Call {
    Form::default().text("patient_id", "p-conformance").file("file", name, bytes).post(STUDIES)
}

/// Uploads a good study and requires the 202.
pub(super) async fn upload(cx: &Context) -> CaseResult<Answer> {
    let answer = cx.send_as_user(good_upload()).await?;
    answer.status(202)?;
    Ok(answer)
}

/// Uploads a good study; its path, by its id.
pub(super) async fn submit(cx: &Context) -> CaseResult<String> {
    submit_call(cx, good_upload()).await
}

pub(super) async fn submit_call(cx: &Context, call: Call) -> CaseResult<String> {
    let answer = cx.send_as_user(call).await?;
    let id = answer.status(202)?.text("id")?;
    Ok(format!("{STUDIES}/{id}"))
}

/// What the target says about a study.
pub(super) async fn look(cx: &Context, path: &str) -> CaseResult<Answer> {
    let answer = cx.send_as_user(Call::get(path)).await?;
    answer.status(200)?;
    Ok(answer)
}

/// Waits for the end of a study; every answer on the way, the last one final.
pub(super) async fn watch(cx: &Context, path: &str) -> CaseResult<Vec<Answer>> {
    let times = cx.timeouts();
    let mut seen = Vec::new();
    let watching = async {
        loop {
            let answer = look(cx, path).await?;
            let state = answer.text("state")?;
            seen.push(answer);
            if FINAL.contains(&state.as_str()) {
                return CaseResult::Ok(());
            }
            tokio::time::sleep(times.poll_every).await;
        }
    };
    let ended = tokio::time::timeout(times.job, watching).await;
    let last = seen.last().map_or_else(|| "no answer".to_owned(), ToString::to_string);
    ended.map_err(|_| unexpected(&format!("{path} to end within {:?}", times.job), last))??;
    Ok(seen)
}

/// Waits for the end of a study and requires the state it ends in.
pub(super) async fn ends_as(cx: &Context, path: &str, expected: &str) -> CaseResult<Answer> {
    let last = watch(cx, path).await?.pop().ok_or_else(|| Stop::Error("nothing was watched".to_owned()))?;
    ensure(last.text("state")? == expected, &format!("state {expected}"), &last)?;
    Ok(last)
}

/// A study that has succeeded, and its result.
pub(super) async fn succeed(cx: &Context) -> CaseResult<(String, Value)> {
    let path = submit(cx).await?;
    ends_as(cx, &path, "succeeded").await?;
    let answer = cx.send_as_user(Call::get(format!("{path}/result"))).await?;
    Ok((path, answer.status(200)?.json()?))
}

/// Sends `call` about a study that has not ended yet. The workers may be faster, so ever more studies are put before it;
/// `too_late` says whether an answer means that the race was lost.
pub(super) async fn before_the_end(
    cx: &Context,
    call: impl Fn(&str) -> Call,
    too_late: impl Fn(&Answer) -> bool,
) -> CaseResult<(String, Answer)> {
    for race in 0..RACES_MAX {
        for _ in 1..2_u32.pow(race) {
            submit(cx).await?;
        }
        let path = submit(cx).await?;
        let answer = cx.send_as_user(call(&path)).await?;
        if !too_late(&answer) {
            return Ok((path, answer));
        }
    }
    let ahead = 2_u32.pow(RACES_MAX - 1);
    Err(Stop::Inconclusive(format!("every study ended before it could be asked about, even behind {ahead} others")))
}
