//! A generator that spins sends the same load, and does not pass its own spinning for the load's.

use proofload_core::judge::judge;

use crate::driven::{drive_at, scenario, total};

/// Drives 400 requests with the given pacing and tells what came of it.
async fn check(pacing: &str, expected: &str) {
    let server = crate::bad_servers::server(|mut stream, _| async move {
        use tokio::io::AsyncWriteExt;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
    })
    .await;
    let scenario = scenario("executor: poisson-arrival-rate, rate: 200/s, for: 2s", "{ sli: errors(get), max: 10% }");
    let environment = format!("pacing: {pacing}\nsystems: {{ s: {{ url: 'http://{server}', ready: /ready }} }}");
    let folder = tempfile::tempdir().unwrap();
    let record = drive_at(&scenario, &environment, folder.path()).await;
    let planned = record.plan[0].arrivals;
    assert_eq!((total(&record, |second| second.due), total(&record, |second| second.answered)), (planned, planned));
    let busy = if record.generator.thread_busy.is_empty() { "unknown" } else { "known" };
    assert_eq!(format!("{}, busy {busy}", judge(&scenario, &record).verdict), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinning_sends_the_plan_and_says_nothing_of_busy_threads() {
    check("timer", "PASS, busy known").await;
    check("spin", "PASS, busy unknown").await;
}
