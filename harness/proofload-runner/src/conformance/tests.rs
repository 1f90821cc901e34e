//! The plumbing, on small targets that are right or wrong on purpose. That the checks themselves can say no is shown by the
//! program's own tests, on the reference stack and its named defects.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use proofload_core::conformance::{ConformanceReport, Outcome, ProfileResult, SkipReason, files};

use super::{ConformanceProfile, Event, Options, TargetError, Timeouts, TokenSource, list, run, run_until};

/// Serves `router` while the test runs; its address.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn options(profile: ConformanceProfile, target: &str, select: &[&str]) -> Options {
    Options {
        select: select.iter().map(|&prefix| prefix.to_owned()).collect(),
        timeouts: Timeouts { request: Duration::from_millis(300), ..Timeouts::default() },
        ..Options::new(profile, target.parse().unwrap())
    }
}

/// Runs one check against `router`: what came of it, and its sentence.
async fn check_one(router: Router, id: &str) -> (Outcome, String) {
    let target = serve(router).await;
    let report = run(options(ConformanceProfile::Fish, &target, &[id]), |_| ()).await.unwrap();
    let check = report.checks.iter().find(|check| check.id == id).unwrap();
    (check.outcome, check.message.replace(&target, "TARGET"))
}

#[tokio::test]
async fn a_check_says_what_it_expected_and_saw() {
    let health = |body: &'static str| Router::new().route("/health", get(move || async move { body }));
    let id = "http.health.json";
    assert_eq!(check_one(health(r#"{"status":"ok"}"#), id).await, (Outcome::Pass, String::new()));
    for (body, message) in [
        (r#"{"status":"down"}"#, "expected status `ok`, saw down"),
        ("UP", "expected a JSON body in the answer to GET /health, saw 200 UP"),
        ("{}", "expected text as `status` in the answer to GET /health, saw 200 {}"),
    ] {
        assert_eq!(check_one(health(body), id).await, (Outcome::Fail, message.to_owned()));
    }
    let missing = "expected status 200 for GET /health, saw 404 ".to_owned();
    assert_eq!(check_one(Router::new(), id).await, (Outcome::Fail, missing));
}

#[tokio::test]
async fn a_target_that_hangs_fails_its_checks() {
    let hanging = Router::new().route("/health", get(std::future::pending::<()>));
    let (outcome, message) = check_one(hanging, "http.health.json").await;
    assert_eq!(outcome, Outcome::Fail);
    assert!(message.starts_with("expected an answer to GET /health, saw none in time"), "{message}");
}

#[tokio::test]
async fn nobody_at_the_address_is_said_without_credentials() {
    let target = "http://user:canary-password@127.0.0.1:1/";
    let error = run(options(ConformanceProfile::Fish, target, &[]), |_| ()).await.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    let text = error.to_string();
    assert!(text.starts_with("http://127.0.0.1:1/ does not answer (none: "), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_before_anything_is_sent() {
    let check = async |target: &str, select: &[&str], expected: &str| {
        let error = run(options(ConformanceProfile::Fish, target, select), |_| ()).await.unwrap_err();
        assert_eq!((error.exit_code(), error.to_string().as_str()), (2, expected));
        assert!(!matches!(error, TargetError::Unreachable { .. }));
    };
    let nothing = "no check of fish starts with `gw.jwt`; `proofload conform --profile fish --list` shows all";
    check("http://127.0.0.1:1", &["http", "gw.jwt"], nothing).await;
    let unusable = "ftp://127.0.0.1/ cannot be checked: it is not an http or https address; write http://host:port";
    check("ftp://127.0.0.1", &[], unusable).await;
}

#[tokio::test]
async fn without_a_key_the_checks_of_tokens_are_skipped_and_the_result_is_partial() {
    let target = serve(Router::new()).await;
    let selected = options(ConformanceProfile::MedicalPlatform, &target, &["gw.jwt.alg-none"]);
    let mut events = Vec::new();
    let report = run(selected, |event| events.push(event)).await.unwrap();
    let skipped = |reason| move |check: &&proofload_core::conformance::CheckResult| check.skip_reason == Some(reason);
    let unsupported: Vec<&str> =
        report.checks.iter().filter(skipped(SkipReason::Unsupported)).map(|check| check.id.as_str()).collect();
    assert_eq!(unsupported, ["gw.jwt.alg-none"]);
    assert_eq!(report.checks.iter().filter(skipped(SkipReason::Disabled)).count(), report.checks.len() - 1);
    assert_eq!((report.result, report.exit_code()), (ProfileResult::Partial, 4));
    assert!(
        matches!(events[..], [Event::Started { total: 1 }, Event::Checked { done: 1, total: 1, .. }]),
        "{events:?}"
    );
}

/// What had come out by the end is kept; the rest says that it was not reached, and why.
#[tokio::test]
async fn checks_that_the_end_came_before_were_not_reached() {
    let target = serve(Router::new()).await;
    let selected = options(ConformanceProfile::Fish, &target, &["http.path", "http.health"]);
    let mut events = 0;
    let report = run_until(selected, async { "it took too long".to_owned() }, |_| events += 1).await.unwrap();
    let asked = report.checks.iter().filter(|check| check.skip_reason != Some(SkipReason::Disabled));
    let asked: Vec<_> = asked.collect();
    assert!(asked.len() > 3 && events == asked.len() + 1, "{events}");
    for check in asked {
        assert_eq!((check.skip_reason, check.message.as_str()), (Some(SkipReason::NotReached), "it took too long"));
    }
    assert_eq!(report.result, ProfileResult::Partial);
}

/// A target that repeats everything it is told: the worst that can happen to a secret.
async fn parrot(headers: HeaderMap, uri: axum::http::Uri) -> String {
    format!("key=canary-key-of-this-test-32-bytes {uri} {headers:?}")
}

#[tokio::test]
async fn no_report_shows_a_key_a_token_or_a_password() {
    let target = serve(Router::new().fallback(parrot)).await.replace("http://", "http://user:canary-password@");
    let mut options = options(ConformanceProfile::MedicalPlatform, &target, &["gw", "http"]);
    options.token = Some(TokenSource::medical_platform(b"canary-key-of-this-test-32-bytes".to_vec()));
    let mut said = Vec::new();
    let report = run(options, |event| said.push(format!("{event:?}"))).await.unwrap();
    assert!(report.counts.fail > 50, "{:?}", report.counts);
    let texts = files(&report).into_iter().map(|(_, content)| String::from_utf8(content).unwrap());
    for text in texts.chain(said) {
        for secret in ["canary-key", "canary-password", "eyJ"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn a_report_holds_every_check_once_in_the_order_of_the_list() {
    let target = serve(Router::new()).await;
    for profile in ConformanceProfile::ALL {
        let report: ConformanceReport = run(options(profile, &target, &["http.path"]), |_| ()).await.unwrap();
        let listed: Vec<&str> = list(profile).iter().map(|info| info.id).collect();
        assert_eq!(report.checks.iter().map(|check| check.id.as_str()).collect::<Vec<_>>(), listed);
    }
}

/// Ids are permanent: `checks.txt` may grow, and nothing in it may change its meaning.
#[test]
fn the_ids_are_as_recorded() {
    let of = |profile: ConformanceProfile| {
        list(profile).into_iter().map(move |info| format!("{} {} {}\n", profile.name(), info.level.word(), info.id))
    };
    let now: String = ConformanceProfile::ALL.into_iter().flat_map(of).collect();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance/checks.txt");
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    let next = std::env::temp_dir().join("checks.txt");
    if now != recorded {
        std::fs::write(&next, now).unwrap();
        panic!("the checks are not those of {}; if that is meant, copy {} over it", file.display(), next.display());
    }
}

#[test]
fn every_check_is_fully_described() {
    for profile in ConformanceProfile::ALL {
        let mut ids = BTreeSet::new();
        for info in list(profile) {
            assert!(ids.insert(info.id), "{} stands twice", info.id);
            assert_eq!(info.id.split('.').count(), 3, "{} is not area.subject.behaviour", info.id);
            assert!(info.sentence.ends_with('.'), "{}", info.id);
            assert!(!info.source.is_empty() && !info.feature.is_empty(), "{}", info.id);
            assert!(!info.defects.is_empty(), "{} can never be shown to say no", info.id);
        }
        assert!(ids.len() >= 45, "{} checks", ids.len());
    }
}
