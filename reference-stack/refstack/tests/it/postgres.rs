//! Jobs, messages and keys on a real PostgreSQL server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use refstack::adapters::postgres::{Migrated, PgStore, migrate};
use refstack::clock::Clock;
use refstack::ports::jobs::{JobState, Jobs as _};
use refstack::ports::queue::Queue as _;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::store_contract::{QUEUE, job};
use crate::support::postgres::Postgres;
use crate::support::store::Backend as _;
use crate::{queue_contract, store_contract};

#[tokio::test]
async fn postgresql_keeps_the_contracts() {
    let Some(server) = Postgres::start() else { return };
    queue_contract::check(async || server.database().await).await;
    store_contract::check(async || server.database().await).await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_server_crashed() {
    let Some(mut server) = Postgres::start() else { return };
    let database = server.database().await;
    let answered = Arc::new(AtomicU32::new(0));
    let store = Arc::new(PgStore::open(&database.url, Clock::system()).await.unwrap());
    let accepting: Vec<_> = (0..200)
        .map(|_| {
            let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
            tokio::spawn(async move {
                // Those under way when the server dies are told so.
                if store.accept(job(Uuid::new_v4())).await.is_ok() {
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    while answered.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    server.crash();
    futures::future::join_all(accepting).await;
    // The same store goes on with the server that came back.
    let answered = u64::from(answered.load(Ordering::SeqCst));
    let queued = store.count().await.unwrap()[0];
    let depth = store.depth(QUEUE).await.unwrap();
    assert!(queued.1 >= answered, "{answered} answered, {} found", queued.1);
    assert_eq!((queued.0, queued.1), (JobState::Queued, depth.ready), "a row without its message, or the reverse");
    store.accept(job(Uuid::new_v4())).await.unwrap();
}

#[tokio::test]
async fn a_worker_hears_again_after_the_server_came_back() {
    let Some(mut server) = Postgres::start() else { return };
    let database = server.database().await;
    let (gateway, worker) = (database.open(Clock::system()).await, database.open(Clock::system()).await);
    worker.queue.wait(QUEUE).await.unwrap();
    server.crash();
    // A wait returns early as long as it may have missed something; then comes one that only a ring can end.
    let mut wait = Box::pin(worker.queue.wait(QUEUE));
    while tokio::time::timeout(Duration::from_millis(500), &mut wait).await.is_ok() {
        wait = Box::pin(worker.queue.wait(QUEUE));
    }
    gateway.jobs.accept(job(Uuid::new_v4())).await.unwrap();
    // By itself it would end after five seconds.
    tokio::time::timeout(Duration::from_secs(4), wait).await.expect("nobody rang").unwrap();
    while worker.jobs.claim(store_contract::CLAIM).await.unwrap().is_empty() {
        worker.queue.wait(QUEUE).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_is_brought_forward_once_and_checked() {
    let Some(server) = Postgres::start() else { return };
    let url = server.empty_database().await;
    let refused = PgStore::open(&url, Clock::system()).await.err().unwrap().to_string();
    assert!(refused.contains("run `proofload stack migrate`"), "{refused}");
    // Two at once: one works, the other waits for it.
    let (one, other) = tokio::join!(migrate(&url), migrate(&url));
    assert_eq!(one.unwrap().applied + other.unwrap().applied, 1);
    assert_eq!(migrate(&url).await.unwrap(), Migrated { applied: 0, steps: 1 });
    PgStore::open(&url, Clock::system()).await.unwrap();
    // A step of a newer program is no hindrance; one that was carried out otherwise is.
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9, 'later', true, '\\x00', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    PgStore::open(&url, Clock::system()).await.unwrap();
    assert_eq!(migrate(&url).await.unwrap().applied, 0);
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1")
        .execute(&mut connection)
        .await
        .unwrap();
    for refused in [PgStore::open(&url, Clock::system()).await.err(), migrate(&url).await.err()] {
        let refused = refused.unwrap().to_string();
        assert!(refused.contains("step 1 of its schema is another"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_works_on_a_database() {
    let Some(server) = Postgres::start() else { return };
    let url = server.empty_database().await;
    let migration = crate::stack::run_to_its_end(&format!("migrate --database {url}")).await;
    assert_eq!(migration, "{\"event\":\"migrated\",\"applied\":1,\"steps\":1}\n");
    crate::stack::fish_works_with(&format!("--database {url}")).await;
}
