//! Ids that no job has, in every spelling a client can send.

use uuid::Uuid;

use super::Area;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must};
use crate::conformance::context::Context;

const DEFECTS: &[&str] = &["unknown-id-200", "unknown-id-500"];

pub(super) const AREA: Area = Area {
    feature: "jobs",
    cases: &[
        must("job.id.unknown-404", "A job that does not exist is answered with 404.", |cx| Box::pin(unknown(cx)))
            .source("RFC 9110 §15.5.5")
            .fails_on(DEFECTS),
        must("job.id.malformed-404", "An id that is no UUID is answered with 404.", |cx| Box::pin(malformed(cx)))
            .source("API.md: not-found")
            .fails_on(DEFECTS),
        must("job.id.hostile-refused", "Ids made to do harm are refused, and never a server error.", |cx| {
            Box::pin(hostile(cx))
        })
        .source("API.md: nothing a client sends may cause a 500")
        .fails_on(DEFECTS),
    ],
};

async fn unknown(cx: &Context) -> CaseResult {
    let path = format!("{}{}", cx.places().job, Uuid::new_v4());
    cx.send_as_user(Call::get(path)).await?.problem(404, "not-found")
}

async fn malformed(cx: &Context) -> CaseResult {
    for id in ["1", "not-a-uuid", "00000000-0000-0000-0000-00000000000g"] {
        let answer = cx.send_as_user(Call::get(format!("{}{id}", cx.places().job))).await?;
        answer.problem(404, "not-found")?;
    }
    Ok(())
}

async fn hostile(cx: &Context) -> CaseResult {
    let long = "7".repeat(4000);
    for id in ["%00", "%ff%fe", "1%27%20OR%20%271%27=%271", "..%2f..%2fstack.db", "%7B%7B7*7%7D%7D", &long] {
        let answer = cx.send_as_user(Call::get(format!("{}{id}", cx.places().job))).await?;
        let refused = [400, 404, 414, 431].contains(&answer.status);
        ensure(refused, "a refusal (400, 404, 414 or 431) of a hostile id", &answer)?;
    }
    Ok(())
}
