//! The prices of an environment reach the record of a run, and its rules are judged by them.

use axum::Router;
use proofload_core::evidence::RunRecord;
use proofload_core::judge::{Outcome, judge};

use crate::driven::{drive_at, scenario, system_at};
use crate::flows::serve;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_judged_by_the_prices_of_its_environment() {
    let server = serve(Router::new().fallback(|| async { "ok" })).await;
    let rules = "{ sli: cost.per_1000(get), max: 100 }, { sli: cost.per_1000(get), max: 0.01, during: w }, { sli: cost.total, max: 10 }";
    let scenario = scenario("executor: constant-arrival-rate, rate: 50/s, for: 2s", rules);
    let folder = tempfile::tempdir().unwrap();
    let environment = format!("{}\nprices: {{ currency: EUR, fixed: {{ server: 1/s }} }}", system_at(server));
    drive_at(&scenario, &environment, folder.path()).await;
    let stored = std::fs::read_to_string(folder.path().join("run-1/record.json")).unwrap();
    let record = RunRecord::from_json(&stored).unwrap();
    assert!(stored.contains(r#""prices":{"currency":"EUR","replicas":{},"fixed":{"server":"1/s"}}"#));
    let report = judge(&scenario, &record);
    let of = |id: &str| report.findings.iter().find(|finding| finding.id == id).unwrap();
    let (cheap, dear, total) =
        (of("slo.cost.per_1000(get).max.run"), of("slo.cost.per_1000(get).max.w"), of("slo.cost.total.max.run"));
    assert_eq!([cheap.outcome, dear.outcome, total.outcome], [Outcome::Pass, Outcome::Fail, Outcome::Pass]);
    // A second costs one, so the two seconds of the plan cost two, for a hundred answers.
    let figure = dear.figure.as_ref().unwrap();
    assert_eq!((figure.value, figure.unit.as_str()), (Some(20.0), "EUR per 1,000"), "{dear:?}");
    #[expect(clippy::cast_precision_loss, reason = "a short run")]
    let lasted_s = record.run.lasted_ms as f64 / 1e3;
    assert_eq!(report.cost.unwrap().total, Some(lasted_s));
}
