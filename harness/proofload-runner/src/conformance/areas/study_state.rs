//! The life of a study: it ends, its states go forward only, and nothing changes after its end.

use super::Area;
use super::studies::{ends_as, look, submit, submit_call, upload_of, watch};
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, should, unexpected};
use crate::conformance::context::Context;
use crate::conformance::image::broken_png;

const CONTRACT: &str = "API.md: GET /api/v1/studies/{id}";

/// Each state and how far along it is; a study may not go to a lower figure.
const ORDER: [(&str, u8); 6] =
    [("queued", 0), ("running", 1), ("succeeded", 2), ("failed", 2), ("dead-lettered", 2), ("cancelled", 2)];

pub(super) const AREA: Area = Area {
    feature: "jobs",
    cases: &[
        must("job.state.succeeds", "A good study succeeds in time.", |cx| Box::pin(succeeds(cx)))
            .source(CONTRACT)
            .fails_on(&["accepted-not-durable", "drop-job"]),
        must("job.state.forward-only", "States are known words and never go back.", |cx| Box::pin(forward(cx)))
            .source(CONTRACT)
            .fails_on(&["accepted-not-durable"]),
        must("job.state.final-unchanging", "A study takes effect once, and nothing changes after its end.", |cx| {
            Box::pin(unchanging(cx))
        })
        .source("systems.md: medical-platform states")
        .fails_on(&["double-effect"]),
        must("job.state.times", "created_at and updated_at are RFC 3339 and in order.", |cx| Box::pin(times(cx)))
            .source("RFC 3339 §5.6")
            .fails_on(&["accepted-not-durable"]),
        should("job.state.retry-after", "A study that goes on says when to look again, an ended one does not.", |cx| {
            Box::pin(retry_after(cx))
        })
        .source("RFC 9110 §10.2.3")
        .fails_on(&["accepted-not-durable"]),
        must("job.state.broken-fails", "A broken image ends as failed, with a sentence and without a result.", |cx| {
            Box::pin(broken(cx))
        })
        .source("API.md: undecodable file")
        .fails_on(&["accepted-not-durable", "drop-job"]),
    ],
};

async fn succeeds(cx: &Context) -> CaseResult {
    let path = submit(cx).await?;
    ends_as(cx, &path, "succeeded").await.map(|_| ())
}

async fn forward(cx: &Context) -> CaseResult {
    let path = submit(cx).await?;
    let mut reached = 0;
    for answer in watch(cx, &path).await? {
        let rank = rank(&answer)?;
        ensure(rank >= reached, "a state no earlier than the last", &answer)?;
        reached = rank;
    }
    Ok(())
}

fn rank(answer: &Answer) -> CaseResult<u8> {
    let state = answer.text("state")?;
    let known = ORDER.iter().find(|(word, _)| *word == state);
    known.map(|(_, rank)| *rank).ok_or_else(|| unexpected("a state of the contract", answer))
}

/// The second study lets whatever follows the first one's end happen before it is looked at again.
async fn unchanging(cx: &Context) -> CaseResult {
    let first = submit(cx).await?;
    let before = ends_as(cx, &first, "succeeded").await?;
    let second = submit(cx).await?;
    ends_as(cx, &second, "succeeded").await?;
    let after = look(cx, &first).await?;
    ensure(before.body == after.body, &format!("the study as it ended, {before}"), &after)?;
    ensure(after.count("attempts")? == 1, "one attempt", &after)
}

async fn times(cx: &Context) -> CaseResult {
    let path = submit(cx).await?;
    let answer = ends_as(cx, &path, "succeeded").await?;
    let time = |member: &str| {
        let text = answer.text(member)?;
        utc_time(&text).ok_or_else(|| unexpected(&format!("an RFC 3339 time in UTC as {member}"), text))
    };
    let in_order = time("created_at")? <= time("updated_at")?;
    ensure(in_order, "created_at no later than updated_at", &answer)
}

/// `2026-11-21T10:00:00Z`, with or without a fraction, as second and fraction; such pairs sort as the times do.
fn utc_time(text: &str) -> Option<(String, String)> {
    let local = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (second, fraction) = local.split_once('.').unwrap_or((local, "0"));
    let shape: String = second.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let is_fraction = !fraction.is_empty() && fraction.chars().all(|c| c.is_ascii_digit());
    let is_time = shape == "0000-00-00T00:00:00" && is_fraction;
    is_time.then(|| (second.to_owned(), fraction.trim_end_matches('0').to_owned()))
}

async fn retry_after(cx: &Context) -> CaseResult {
    let path = submit(cx).await?;
    for answer in watch(cx, &path).await? {
        let open = rank(&answer)? < 2;
        let said = answer.header("retry-after").is_some();
        ensure(said == open, "Retry-After exactly while the study goes on", &answer)?;
    }
    Ok(())
}

async fn broken(cx: &Context) -> CaseResult {
    let path = submit_call(cx, upload_of("study.png", &broken_png())).await?;
    let ended = ends_as(cx, &path, "failed").await?;
    ensure(!ended.text("error")?.is_empty(), "a sentence as error", &ended)?;
    cx.send_as_user(Call::get(format!("{path}/result"))).await?.problem(409, "job-failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_strictly() {
        for text in ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123Z", "2026-11-21T10:00:00+00:00"] {
            assert!(utc_time(text).is_some(), "{text}");
        }
        for text in ["2026-11-21 10:00:00Z", "2026-11-21T10:00:00", "2026-11-21T10:00:00.Z", "1700000000", "Z", ""] {
            assert_eq!(utc_time(text), None, "{text}");
        }
    }

    /// A trimmed fraction is shorter and may still be later: as texts, `.1Z` sorts after `.12Z`.
    #[test]
    fn times_sort_with_fractions_of_any_length() {
        let sorted =
            ["00Z", "00.1Z", "00.12Z", "00.2Z", "01.05Z"].map(|end| utc_time(&format!("2026-11-21T10:00:{end}")));
        assert!(sorted.is_sorted(), "{sorted:?}");
        assert_eq!(utc_time("2026-11-21T10:00:00.50Z"), utc_time("2026-11-21T10:00:00.5Z"));
    }
}
