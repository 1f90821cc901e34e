//! The queue's figures in the words of RabbitMQ's management interface: autoscalers and judges read them.

use super::Area;
use crate::conformance::answer::Answer;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, unexpected};
use crate::conformance::context::Context;

const CONTRACT: &str = "API.md: GET /api/queues/{vhost}/{name}";
const MISSING: &[&str] = &["queue-figures-missing"];
const FIGURES: [&str; 3] = ["messages", "messages_ready", "messages_unacknowledged"];

pub(super) const AREA: Area = Area {
    feature: "queue",
    cases: &[
        must("queue.figures.members", "The work queue tells its messages in whole numbers, without a token.", |cx| {
            Box::pin(members(cx))
        })
        .source(CONTRACT)
        .fails_on(MISSING),
        must("queue.figures.sum", "messages is what is ready and what is unacknowledged.", |cx| Box::pin(sum(cx)))
            .source(CONTRACT)
            .fails_on(MISSING),
        must("queue.figures.rates", "The work queue tells its publish and deliver rates.", |cx| Box::pin(rates(cx)))
            .source(CONTRACT)
            .fails_on(MISSING),
        must("queue.figures.dead-letters", "The dead-letter queue tells its size.", |cx| Box::pin(dead(cx)))
            .source("systems.md: medical-platform, broker")
            .fails_on(MISSING),
        must("queue.figures.unknown-404", "A queue or vhost nobody knows is answered with 404.", |cx| {
            Box::pin(unknown(cx))
        })
        .source(CONTRACT)
        .fails_on(&["problem-plain-text"]),
    ],
};

async fn figures(cx: &Context, name: &str) -> CaseResult<Answer> {
    let answer = cx.send(Call::get(format!("/api/queues/%2F/{name}"))).await?;
    answer.status(200)?;
    Ok(answer)
}

async fn members(cx: &Context) -> CaseResult {
    let answer = figures(cx, "medical_data").await?;
    for member in FIGURES {
        answer.count(member)?;
    }
    ensure(answer.text("name")? == "medical_data" && answer.text("vhost")? == "/", "name and vhost", &answer)
}

async fn sum(cx: &Context) -> CaseResult {
    let answer = figures(cx, "medical_data").await?;
    let parts = answer.count("messages_ready")? + answer.count("messages_unacknowledged")?;
    ensure(answer.count("messages")? == parts, &format!("messages {parts}"), &answer)
}

async fn rates(cx: &Context) -> CaseResult {
    let answer = figures(cx, "medical_data").await?;
    let body = answer.json()?;
    for pointer in ["/message_stats/publish_details/rate", "/message_stats/deliver_get_details/rate"] {
        let rate = body.pointer(pointer).and_then(serde_json::Value::as_f64);
        let rate = rate.ok_or_else(|| unexpected(&format!("a number at {pointer}"), &answer))?;
        ensure(rate >= 0.0, "a rate of 0 or more", rate)?;
    }
    Ok(())
}

async fn dead(cx: &Context) -> CaseResult {
    figures(cx, "medical_data.dlq").await?.count("messages").map(|_| ())
}

async fn unknown(cx: &Context) -> CaseResult {
    for path in ["/api/queues/%2F/nobody", "/api/queues/elsewhere/medical_data"] {
        cx.send(Call::get(path)).await?.problem(404, "not-found")?;
    }
    Ok(())
}
