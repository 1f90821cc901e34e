//! The embedded store under several processes and after a crash.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use refstack::adapters::embedded::Store;
use refstack::adapters::embedded::objects::FileObjects;
use refstack::clock::Clock;
use refstack::ports::jobs::{Accepted, Cancelled, HeldKey, JobKind, JobState, Jobs, NewJob, Outcome};
use refstack::ports::keys::{Keys, Reserved};
use refstack::ports::objects::Objects;
use refstack::ports::queue::{Claim, Queue};
use uuid::Uuid;

const QUEUE: &str = "medical_data";
const CLAIM: Claim = Claim { queue: QUEUE, count: 100, lease: Duration::from_secs(10), attempts_max: 5 };

async fn open(dir: &Path) -> Store {
    Store::open(dir, Clock::system()).await.unwrap()
}

fn job(id: Uuid) -> NewJob {
    NewJob {
        id,
        kind: JobKind::Study,
        queue: QUEUE,
        body: id.to_string().into_bytes(),
        patient_id: Some("p".into()),
        total: 1,
        kept_for: None,
        hold: None,
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash_in_the_middle_of_writing() {
    let dir = tempfile::tempdir().unwrap();
    let answered = Arc::new(AtomicU32::new(0));
    for _ in 0..3 {
        crash_while_accepting(dir.path().to_owned(), Arc::clone(&answered));
    }
    let store = open(dir.path()).await;
    let queued = store.count().await.unwrap()[0];
    let depth = store.depth(QUEUE).await.unwrap();
    let answered = u64::from(answered.load(Ordering::SeqCst));
    assert!(answered > 0, "the crashes came too early to prove anything");
    assert!(queued.1 >= answered, "{answered} answered, {} found", queued.1);
    assert_eq!((queued.0, queued.1), (JobState::Queued, depth.ready), "a row without its message, or the reverse");
}

/// Accepts jobs in a runtime of its own and drops that with writes waiting, under way, and answered.
fn crash_while_accepting(dir: std::path::PathBuf, answered: Arc<AtomicU32>) {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let before = answered.load(Ordering::SeqCst);
            let store = Arc::new(open(&dir).await);
            for _ in 0..500 {
                let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
                tokio::spawn(async move {
                    store.accept(job(Uuid::new_v4())).await.unwrap();
                    answered.fetch_add(1, Ordering::SeqCst);
                });
            }
            while answered.load(Ordering::SeqCst) < before + 20 {
                tokio::task::yield_now().await;
            }
        });
        runtime.shutdown_background();
    });
    thread.join().unwrap();
}

#[tokio::test]
async fn several_processes_share_the_work_without_sharing_a_message() {
    let dir = tempfile::tempdir().unwrap();
    // All at once, on an empty folder: one of them creates the store.
    let (first, second, third) = tokio::join!(open(dir.path()), open(dir.path()), open(dir.path()));
    let (gateways, workers) = ([first, second], [third, open(dir.path()).await, open(dir.path()).await]);
    let ids: Vec<Uuid> = (0..100).map(|_| Uuid::new_v4()).collect();
    let accepts = ids.iter().enumerate().map(|(index, id)| gateways[index % 2].accept(job(*id)));
    futures::future::try_join_all(accepts).await.unwrap();
    let claims = (0..30).map(|turn| Jobs::claim(&workers[turn % 3], Claim { count: 4, ..CLAIM }));
    let taken: Vec<_> = futures::future::try_join_all(claims).await.unwrap().into_iter().flatten().collect();
    let mut found: Vec<Uuid> = taken.iter().filter_map(|delivery| delivery.lease.job).collect();
    found.sort();
    let mut expected = ids;
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_waiting_worker_is_woken_by_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let worker = open(dir.path()).await;
    worker.wait(QUEUE).await.unwrap();
    let gateway = open(dir.path()).await;
    let start = tokio::time::Instant::now();
    let (waited, accepted) = tokio::join!(worker.wait(QUEUE), gateway.accept(job(Uuid::new_v4())));
    waited.unwrap();
    accepted.unwrap();
    // The wait ends after five seconds by itself; being woken takes milliseconds.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_final_state_stays_whoever_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let id = Uuid::new_v4();
    store.accept(job(id)).await.unwrap();
    let lease = Jobs::claim(&store, CLAIM).await.unwrap().remove(0).lease;
    let running = store.find(JobKind::Study, id).await.unwrap().unwrap();
    assert_eq!((running.state, running.attempts), (JobState::Running, 1));
    assert!(matches!(store.cancel(JobKind::Study, id).await.unwrap(), Cancelled::Now(_)));
    let outcome = Outcome::Succeeded { result: "{}".into(), done: 1, failed: 0 };
    assert!(!store.settle(&lease, outcome).await.unwrap());
    assert!(!Jobs::renew(&store, &lease, Duration::from_secs(1)).await.unwrap());
    assert!(!store.progress(&lease, 1, 0).await.unwrap());
    assert_eq!(store.find(JobKind::Study, id).await.unwrap().unwrap().state, JobState::Cancelled);
    let again = store.cancel(JobKind::Study, id).await.unwrap();
    assert_eq!(again, Cancelled::AlreadyFinal(JobState::Cancelled));
    assert_eq!(store.cancel(JobKind::Study, Uuid::new_v4()).await.unwrap(), Cancelled::Unknown);
    assert_eq!(store.depth(QUEUE).await.unwrap().leased, 0);
}

#[tokio::test]
async fn one_request_at_a_time_holds_a_key_and_a_job_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()).await, open(dir.path()).await);
    let lease = Duration::from_secs(10);
    assert_eq!(first.reserve("k", "one", lease).await.unwrap(), Reserved::Held);
    assert_eq!(second.reserve("k", "two", lease).await.unwrap(), Reserved::InFlight);
    assert!(Keys::renew(&first, "k", "one", lease).await.unwrap());
    Keys::release(&first, "k", "two").await.unwrap();
    assert_eq!(second.reserve("k", "two", lease).await.unwrap(), Reserved::InFlight);
    Keys::release(&first, "k", "one").await.unwrap();
    assert_eq!(second.reserve("k", "two", lease).await.unwrap(), Reserved::Held);

    let id = Uuid::new_v4();
    let hold = |owner: &str| Some(HeldKey { key: "k".into(), owner: owner.into(), digest: "d".into() });
    let lost = first.accept(NewJob { hold: hold("one"), ..job(Uuid::new_v4()) }).await.unwrap();
    assert_eq!(lost, Accepted::KeyLost);
    let stored = second.accept(NewJob { hold: hold("two"), ..job(id) }).await.unwrap();
    assert_eq!(stored, Accepted::Stored);
    let used = first.reserve("k", "three", lease).await.unwrap();
    assert_eq!(used, Reserved::Used { digest: "d".into(), job: id });
    assert_eq!(first.depth(QUEUE).await.unwrap().ready, 1);
}

#[tokio::test]
async fn a_key_of_a_dead_gateway_becomes_free() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    assert_eq!(store.reserve("k", "dead", Duration::ZERO).await.unwrap(), Reserved::Held);
    assert_eq!(store.reserve("k", "next", Duration::from_secs(10)).await.unwrap(), Reserved::Held);
    assert!(!Keys::renew(&store, "k", "dead", Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn one_refused_write_spoils_none_of_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let id = Uuid::new_v4();
    let (first, twice, other) =
        tokio::join!(store.accept(job(id)), store.accept(job(id)), store.accept(job(Uuid::new_v4())));
    assert!(first.is_ok() && other.is_ok());
    assert!(twice.unwrap_err().to_string().contains("UNIQUE"));
    assert_eq!(store.depth(QUEUE).await.unwrap().ready, 2);
}

#[tokio::test]
async fn objects_appear_whole_and_leftovers_of_the_dead_are_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let objects = FileObjects::open(dir.path()).unwrap();
    let mut upload = objects.begin("studies/one").await.unwrap();
    upload.write(Bytes::from(vec![7; 300_000])).await.unwrap();
    let mut alive = objects.begin("studies/alive").await.unwrap();
    alive.write(Bytes::from(vec![8; 300_000])).await.unwrap();
    let key = upload.finish().await.unwrap();
    assert_eq!(objects.get(&key).await.unwrap().len(), 300_000);

    // A writer that was killed: its lock file is there, held by nobody, beside what it had half-written.
    let dead = dir.path().join("dead/studies");
    std::fs::create_dir_all(&dead).unwrap();
    std::fs::write(dead.join("half#1"), b"half").unwrap();
    std::fs::write(dead.join("whole"), b"whole").unwrap();
    std::fs::write(dir.path().join("writers/dead"), b"").unwrap();
    let next = FileObjects::open(dir.path()).unwrap();
    assert_eq!(next.clear_leftovers().unwrap(), ["dead/studies/whole"]);
    assert!(next.clear_leftovers().unwrap().is_empty());
    assert!(!dead.join("half#1").exists());
    assert!(dead.join("whole").exists());
    assert_eq!(next.get("dead/studies/whole").await.unwrap(), Bytes::from("whole"));
    let key = alive.finish().await.unwrap();
    assert_eq!(next.get(&key).await.unwrap().len(), 300_000);
    next.delete(&key).await.unwrap();
    next.delete(&key).await.unwrap();
    assert!(next.get(&key).await.is_err());
}
