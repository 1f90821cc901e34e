//! Rules on what a Prometheus says: a real one that scrapes a server of this test, and fakes that answer badly.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use proofload_core::evidence::{ExternalAnswer, RunRecord};
use proofload_core::judge::judge;
use proofload_core::scenario::Scenario;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::driven::{drive_at, scenario, system_at, try_drive_at};
use crate::flows::serve;

const METRICS: &str = "# TYPE waiting gauge\nwaiting{queue=\"a\"} 7\nwaiting{queue=\"b\"} 3\n";

/// A server under load that also tells its metrics.
async fn target() -> SocketAddr {
    serve(Router::new().route("/metrics", get(|| async { METRICS })).fallback(|| async { "ok" })).await
}

/// A Prometheus of this test's own, ended with it.
struct RealPrometheus {
    child: Child,
    url: String,
}

impl Drop for RealPrometheus {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Starts a real Prometheus that has scraped `target`; `None` where none is installed.
async fn real(target: SocketAddr, folder: &Path) -> Option<RealPrometheus> {
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs: [{{ job_name: t, static_configs: [{{ targets: ['{target}'] }}] }}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--log.level=error")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let child = match child {
        Ok(child) => child,
        Err(error) => {
            skipped(&error.to_string());
            return None;
        }
    };
    let prometheus = RealPrometheus { child, url: format!("http://127.0.0.1:{port}") };
    let scraped = async {
        while !asked(port).await.is_some_and(|answer| answer.contains("\"queue\":\"b\"")) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), scraped).await.expect("Prometheus scrapes within a minute");
    Some(prometheus)
}

/// What Prometheus answers to the query `waiting`, as it comes.
async fn asked(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(b"GET /api/v1/query?query=waiting HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

#[expect(clippy::print_stdout, reason = "CI counts skipped tests by this line")]
#[expect(clippy::disallowed_methods, reason = "CI says which servers must be there")]
fn skipped(why: &str) {
    let required = std::env::var("PROOFLOAD_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|required| required == "prometheus"), "Prometheus is needed: {why}");
    println!("SKIPPED a real Prometheus: {why}");
}

const LOAD: &str = "executor: constant-arrival-rate, stages: [{ name: hold, rate: 20/s, for: 4s }]";

fn asking(rules: &str) -> Scenario {
    scenario(LOAD, rules)
}

fn environment(target: SocketAddr, prometheus: &str) -> String {
    format!("{}\nprometheus: {{ url: '{prometheus}' }}", system_at(target))
}

fn told(scenario: &Scenario, record: &RunRecord) -> Vec<String> {
    let report = judge(scenario, record);
    let of_queries = report.findings.iter().filter(|finding| finding.title.starts_with("promql"));
    of_queries.map(|finding| format!("{} {}", finding.outcome, finding.message)).collect()
}

#[tokio::test]
async fn a_real_prometheus_answers_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let target = target().await;
    let Some(prometheus) = real(target, folder.path()).await else { return };
    let queries = ["max(waiting)", "waiting", "nothing_of_this_name", "sum(waiting) * (0 / 0)", "max(waiting) / 0"];
    let mut rules: Vec<String> = queries.iter().map(|query| format!("{{ sli: 'promql({query})', max: 7 }}")).collect();
    rules.push("{ sli: 'promql(max(waiting))', max: 6.5 }".to_owned());
    let scenario = asking(&rules.join(", "));
    let record = drive_at(&scenario, &environment(target, &prometheus.url), folder.path()).await;
    let told = told(&scenario, &record);
    let check = |index: usize, expected: &str| assert!(told[index].starts_with(expected), "{told:#?}");
    check(0, "PASS 4 readings");
    check(1, "INCONCLUSIVE Prometheus gave no figure: the query answers 2 series; make it one, with max(…) or sum(…)");
    check(2, "INCONCLUSIVE nothing was read in this stretch");
    check(3, "INCONCLUSIVE nothing was read in this stretch");
    check(4, "FAIL 4 readings");
    check(5, "FAIL 4 readings");
    let again = RunRecord::from_json(&record.to_json()).unwrap();
    assert_eq!(told, self::told(&scenario, &again), "judged again, infinite figures and all");
}

#[tokio::test]
async fn a_query_that_prometheus_refuses_costs_no_load() {
    let folder = tempfile::tempdir().unwrap();
    let target = target().await;
    let Some(prometheus) = real(target, folder.path()).await else { return };
    let scenario = asking("{ sli: 'promql(max(waiting)', max: 7 }");
    let error = try_drive_at(&scenario, &environment(target, &prometheus.url), folder.path()).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().starts_with("Prometheus refuses promql(\"max(waiting\"): "), "{error}");
}

/// A fake that answers the time, and every other question so.
async fn fake(status: StatusCode, body: &'static str) -> SocketAddr {
    let answer = move |uri: axum::http::Uri| async move {
        let asked = uri.query().unwrap_or_default().to_owned();
        if asked.contains("time%28%29") {
            let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
            let time =
                format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[{now_s},"{now_s}"]}}}}"#);
            return (StatusCode::OK, time);
        }
        if uri.path().ends_with("/query") {
            return (StatusCode::OK, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.to_owned());
        }
        (status, body.to_owned())
    };
    serve(Router::new().fallback(answer)).await
}

#[tokio::test]
async fn bad_answers_leave_a_rule_open_and_say_why() {
    let target = target().await;
    let scenario = asking("{ sli: 'promql(x)', max: 1 }");
    let check = async |status: u16, body: &'static str, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let prometheus = fake(StatusCode::from_u16(status).unwrap(), body).await;
        let record = drive_at(&scenario, &environment(target, &format!("http://{prometheus}")), folder.path()).await;
        assert!(matches!(record.external[0].answer, ExternalAnswer::Failed(_)), "{:?}", record.external);
        let told = told(&scenario, &record);
        assert!(
            told[0].starts_with("INCONCLUSIVE Prometheus gave no figure: ") && told[0].contains(expected),
            "{told:?}"
        );
    };
    check(404, "no such page", "answered 404 Not Found").await;
    check(200, "<html>", "answered something else than Prometheus does").await;
    check(422, r#"{"status":"error","errorType":"execution","error":"too many samples"}"#, "too many samples").await;
    check(503, r#"{"status":"error","error":"query timed out"}"#, "answered 503 Service Unavailable: query timed out")
        .await;
    check(200, r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#, "a scalar, not a series")
        .await;
}

#[tokio::test]
async fn a_prometheus_that_is_not_there_ends_the_run_before_the_load() {
    let target = target().await;
    let folder = tempfile::tempdir().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let environment = environment(target, &format!("http://{gone}"));
    let error = try_drive_at(&asking("{ sli: 'promql(x)', max: 1 }"), &environment, folder.path()).await.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().ends_with("cannot be connected to"), "{error}");
    // Where no rule asks, nobody is asked.
    let folder = tempfile::tempdir().unwrap();
    let record = drive_at(&asking("{ sli: errors(get), max: 1% }"), &environment, folder.path()).await;
    assert!(record.external.is_empty());
}
