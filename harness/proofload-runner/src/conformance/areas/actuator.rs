//! The addresses that stand where Spring Boot's actuator stands; probes of the manifests name them.

use super::Area;
use super::health::check_metrics_type;
use crate::conformance::call::Call;
use crate::conformance::case::{CaseResult, ensure, must, should};
use crate::conformance::context::Context;

const CONTRACT: &str = "systems.md: medical-platform, api-gateway";

pub(super) const AREA: Area = Area {
    feature: "actuator",
    cases: &[
        must("actuator.readiness.up", "/actuator/health/readiness says UP while requests are welcome.", |cx| {
            Box::pin(says_up(cx, "/actuator/health/readiness"))
        })
        .source(CONTRACT)
        .fails_on(&["readiness-missing", "health-missing", "health-not-json"]),
        must("actuator.liveness.up", "/actuator/health/liveness says UP while the process works.", |cx| {
            Box::pin(says_up(cx, "/actuator/health/liveness"))
        })
        .source(CONTRACT)
        .fails_on(&["health-missing", "health-not-json"]),
        should("actuator.health.groups", "/actuator/health names its groups.", |cx| Box::pin(groups(cx)))
            .source("API.md: medical-platform gateway")
            .fails_on(&["health-missing", "health-not-json"]),
        must("actuator.prometheus.content-type", "/actuator/prometheus answers Prometheus text.", |cx| {
            Box::pin(check_metrics_type(cx, "/actuator/prometheus"))
        })
        .source(CONTRACT)
        .fails_on(&["metrics-missing", "metrics-wrong-type"]),
    ],
};

async fn says_up(cx: &Context, path: &str) -> CaseResult {
    let word = cx.send(Call::get(path)).await?.status(200)?.text("status")?;
    ensure(word == "UP", &format!("UP from {path}"), word)
}

async fn groups(cx: &Context) -> CaseResult {
    let answer = cx.send(Call::get("/actuator/health")).await?;
    let groups = answer.list("groups")?;
    let named = ["liveness", "readiness"].iter().all(|group| groups.iter().any(|seen| seen == group));
    ensure(named, "groups liveness and readiness", &answer)
}
