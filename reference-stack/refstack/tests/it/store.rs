//! The embedded store under several processes and after a crash.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use refstack::adapters::embedded::Store;
use refstack::adapters::embedded::objects::FileObjects;
use refstack::clock::Clock;
use refstack::ports::jobs::{JobState, Jobs};
use refstack::ports::objects::Objects;
use refstack::ports::queue::Queue;
use uuid::Uuid;

use crate::store_contract::{QUEUE, job};
use crate::support::store::Embedded;
use crate::{queue_contract, store_contract};

async fn open(dir: &Path) -> Store {
    Store::open(dir, Clock::system()).await.unwrap()
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contracts() {
    queue_contract::check(async || Embedded::new()).await;
    store_contract::check(async || Embedded::new()).await;
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
