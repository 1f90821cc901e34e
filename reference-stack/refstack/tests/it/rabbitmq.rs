//! Messages over a real RabbitMQ broker, jobs in a real PostgreSQL database.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use refstack::adapters::brokered::Carried;
use refstack::adapters::postgres::PgStore;
use refstack::adapters::rabbitmq::{QueueKind, Settings, carry};
use refstack::clock::Clock;
use refstack::ports::jobs::{Cancelled, JobKind, JobState, Outcome};
use refstack::ports::queue::{Claim, Retried, Retry};
use uuid::Uuid;

use crate::store_contract::{CLAIM, QUEUE, job};
use crate::support::postgres::{Database, Postgres};
use crate::support::proxy::Proxy;
use crate::support::rabbitmq::{RabbitMqServer, url_on};
use crate::support::store::{Backend, MovedClock, Opened};
use crate::{queue_contract, store_contract};

/// More than any test has in hand unsettled.
const PREFETCH: u16 = 256;

/// A database and the broker that carries its messages.
struct Carrier {
    database: Database,
    url: String,
    carried: Carried,
}

impl Carrier {
    async fn connect(&self, clock: Clock, prefetch: Option<u16>) -> Opened {
        let store = Arc::new(PgStore::open(&self.database.url, clock).await.unwrap());
        let settings = Settings { url: self.url.clone(), kind: QueueKind::Quorum, prefetch };
        let keys = Arc::clone(&store);
        let brokered = Arc::new(carry(store, settings, self.carried).await.unwrap());
        Opened { queue: brokered.clone(), jobs: brokered, keys }
    }
}

#[async_trait]
impl Backend for Carrier {
    async fn open(&self, clock: Clock) -> Opened {
        self.connect(clock, None).await
    }

    async fn open_worker(&self, clock: Clock) -> Opened {
        self.connect(clock, Some(PREFETCH)).await
    }
}

/// A fresh database, and a broker without the queue.
async fn fresh(postgres: &Postgres, broker: &RabbitMqServer, carried: Carried) -> Carrier {
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for queue in [carried.queue.to_owned(), format!("{}.dlq", carried.queue)] {
        channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }
    connection.close(200, "done".into()).await.unwrap();
    Carrier { database: postgres.database().await, url: broker.url(), carried }
}

const CARRIED: Carried = Carried { queue: QUEUE, attempts_max: 5 };

async fn settle_all(worker: &Opened) -> usize {
    let mut settled = 0;
    loop {
        let taken = worker.take(Claim { count: 100, ..CLAIM }).await;
        if taken.is_empty() {
            return settled;
        }
        for delivery in taken {
            let outcome = Outcome::Succeeded { result: "{}".into(), done: 1, failed: 0 };
            settled += usize::from(worker.jobs.settle(&delivery.lease, outcome).await.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_keeps_the_contracts_and_survives_its_faults() {
    let (Some(postgres), Some(mut broker)) = (Postgres::start(), RabbitMqServer::start()) else { return };
    // First: a quorum queue that was deleted and declared anew does not always survive a kill of RabbitMQ 3.10.
    let carrier = fresh(&postgres, &broker, CARRIED).await;
    nothing_is_lost_while_the_broker_is_gone(&carrier, &mut broker).await;
    nothing_is_lost_on_a_way_that_swallows_everything(fresh(&postgres, &broker, CARRIED).await, &broker).await;
    let carrier = fresh(&postgres, &broker, CARRIED).await;
    what_the_broker_forgot_is_sent_again(&carrier, &broker).await;
    what_was_purged_is_sent_again(&fresh(&postgres, &broker, CARRIED).await, &broker).await;
    a_dead_letter_keeps_its_cause_and_its_bytes(&fresh(&postgres, &broker, CARRIED).await).await;
    what_others_publish_goes_to_the_dead_letters(&fresh(&postgres, &broker, CARRIED).await).await;
    a_cancelled_job_gives_its_place_to_the_next(&fresh(&postgres, &broker, CARRIED).await).await;
    let scripted = Carried { queue: queue_contract::QUEUE, attempts_max: queue_contract::ATTEMPTS_MAX };
    queue_contract::check(async || fresh(&postgres, &broker, scripted).await).await;
    store_contract::check(async || fresh(&postgres, &broker, CARRIED).await).await;
    let Carrier { database, url, .. } = fresh(&postgres, &broker, CARRIED).await;
    crate::stack::the_medical_platform_works_with(&format!("--database {} --broker {url}", database.url)).await;
}

/// The next message of the dead letters: its body, its cause, its attempts.
async fn dead_letter(carrier: &Carrier) -> (Vec<u8>, String, Option<u32>) {
    let connection = Connection::connect(&carrier.url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = format!("{}.dlq", carrier.carried.queue);
    loop {
        let got = channel.basic_get(queue.as_str().into(), BasicGetOptions { no_ack: true }).await.unwrap();
        let Some(got) = got else {
            tokio::task::yield_now().await;
            continue;
        };
        let headers: &FieldTable = got.properties.headers().as_ref().unwrap();
        let cause = headers.inner()["x-death-cause"].as_long_string().unwrap().to_string();
        let attempts = headers.inner().get("x-attempts").and_then(lapin::types::AMQPValue::as_long_uint);
        return (got.delivery.data, cause, attempts);
    }
}

async fn a_dead_letter_keeps_its_cause_and_its_bytes(carrier: &Carrier) {
    let (gateway, worker) = (carrier.open(Clock::system()).await, carrier.open_worker(Clock::system()).await);
    let id = Uuid::new_v4();
    gateway.jobs.accept(job(id)).await.unwrap();
    let lease = worker.take(Claim { count: 1, ..CLAIM }).await.remove(0).lease;
    let retry = Retry { delay: Duration::ZERO, attempts_max: 1, reason: "the image is a riddle".into() };
    assert_eq!(worker.jobs.retry(&lease, retry).await.unwrap(), Retried::DeadLettered);
    let expected = (id.to_string().into_bytes(), "the image is a riddle".to_owned(), Some(1));
    assert_eq!(dead_letter(carrier).await, expected);
}

async fn what_others_publish_goes_to_the_dead_letters(carrier: &Carrier) {
    let worker = carrier.open_worker(Clock::system()).await;
    let connection = Connection::connect(&carrier.url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = BasicPublishOptions::default();
    // As a gateway on another database would have it: the row's number alone must not do.
    let properties = BasicProperties::default().with_message_id("another-database/1".into());
    channel.basic_publish("".into(), QUEUE.into(), options, b"who are you", properties).await.unwrap().await.unwrap();
    worker.queue.wait(QUEUE).await.unwrap();
    let moved = async {
        loop {
            assert!(worker.jobs.claim(CLAIM).await.unwrap().is_empty());
            worker.queue.wait(QUEUE).await.unwrap();
        }
    };
    let found = tokio::select! {
        found = dead_letter(carrier) => found,
        () = moved => unreachable!("it loops"),
    };
    assert_eq!(found, (b"who are you".to_vec(), "no gateway of this stack published it".to_owned(), None));
}

/// Of a worker that takes one message at a time: what it lost must not stand in the way.
async fn a_cancelled_job_gives_its_place_to_the_next(carrier: &Carrier) {
    let (gateway, worker) = (carrier.open(Clock::system()).await, carrier.connect(Clock::system(), Some(1)).await);
    let [first, second] = [(); 2].map(|()| Uuid::new_v4());
    let one = Claim { count: 1, ..CLAIM };
    gateway.jobs.accept(job(first)).await.unwrap();
    let lease = worker.take(one).await.remove(0).lease;
    gateway.jobs.accept(job(second)).await.unwrap();
    assert!(matches!(gateway.jobs.cancel(JobKind::Study, first).await.unwrap(), Cancelled::Now(_)));
    assert!(!worker.jobs.renew(&lease, Duration::from_secs(1)).await.unwrap());
    assert_eq!(worker.take(one).await.remove(0).lease.job, Some(second));
}

/// Jobs are accepted while there is no broker, and worked on when it is back; none twice.
async fn nothing_is_lost_while_the_broker_is_gone(carrier: &Carrier, broker: &mut RabbitMqServer) {
    let (gateway, worker) = (carrier.open(Clock::system()).await, carrier.open_worker(Clock::system()).await);
    let ids: Vec<Uuid> = (0..40).map(|_| Uuid::new_v4()).collect();
    for id in &ids[..20] {
        gateway.jobs.accept(job(*id)).await.unwrap();
    }
    // In hand when the broker dies: they are settled, and what the broker delivers again means nothing.
    let in_hand = worker.take(Claim { count: 5, ..CLAIM }).await;
    broker.kill();
    for id in &ids[20..] {
        gateway.jobs.accept(job(*id)).await.unwrap();
    }
    let mut settled = 0;
    for delivery in &in_hand {
        let outcome = Outcome::Succeeded { result: "{}".into(), done: 1, failed: 0 };
        settled += usize::from(worker.jobs.settle(&delivery.lease, outcome).await.unwrap());
    }
    assert_eq!(settled, 5);
    broker.restart();
    settled += settle_all(&worker).await;
    assert_eq!(settled, ids.len());
    for id in ids {
        let job = gateway.jobs.find(JobKind::Study, id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts), (JobState::Succeeded, 1));
    }
}

/// Neither side is told that the other is out of reach; heartbeats notice.
async fn nothing_is_lost_on_a_way_that_swallows_everything(mut carrier: Carrier, broker: &RabbitMqServer) {
    let proxy = Proxy::start(broker.port()).await;
    carrier.url = format!("{}?heartbeat=1", url_on(proxy.port));
    let (gateway, worker) = (carrier.open(Clock::system()).await, carrier.open_worker(Clock::system()).await);
    let ids: Vec<Uuid> = (0..40).map(|_| Uuid::new_v4()).collect();
    futures::future::try_join_all(ids[..20].iter().map(|id| gateway.jobs.accept(job(*id)))).await.unwrap();
    let in_hand = worker.take(Claim { count: 5, ..CLAIM }).await;
    proxy.cut();
    futures::future::try_join_all(ids[20..].iter().map(|id| gateway.jobs.accept(job(*id)))).await.unwrap();
    for delivery in &in_hand {
        let outcome = Outcome::Succeeded { result: "{}".into(), done: 1, failed: 0 };
        assert!(worker.jobs.settle(&delivery.lease, outcome).await.unwrap());
    }
    // The fault lasts longer than both sides' patience, which is two heartbeats.
    tokio::time::sleep(Duration::from_secs(4)).await;
    proxy.mend();
    assert_eq!(in_hand.len() + settle_all(&worker).await, ids.len());
    for id in ids {
        let job = gateway.jobs.find(JobKind::Study, id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts), (JobState::Succeeded, 1));
    }
}

/// The queue is there and empty, and rows say that it should not be: a purge, a policy, a limit of deliveries.
async fn what_was_purged_is_sent_again(carrier: &Carrier, broker: &RabbitMqServer) {
    let clock = MovedClock::default();
    let gateway = carrier.open(clock.clock()).await;
    for _ in 0..10 {
        gateway.jobs.accept(job(Uuid::new_v4())).await.unwrap();
    }
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut purged = 0;
    while purged < 10 {
        purged += channel.queue_purge(QUEUE.into(), QueuePurgeOptions::default()).await.unwrap();
        tokio::task::yield_now().await;
    }
    clock.pass(Duration::from_mins(2));
    let worker = carrier.open_worker(clock.clock()).await;
    assert_eq!(settle_all(&worker).await, 10);
}

/// A broker that lost its disk has no queue; the rows of the database are sent to it anew.
async fn what_the_broker_forgot_is_sent_again(carrier: &Carrier, broker: &RabbitMqServer) {
    let gateway = carrier.open(Clock::system()).await;
    for _ in 0..10 {
        gateway.jobs.accept(job(Uuid::new_v4())).await.unwrap();
    }
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut deleted = 0;
    while deleted < 10 {
        // Deletes the queue only with everything in it, so that what was sent is really gone.
        let there = channel.queue_declare(QUEUE.into(), passive(), FieldTable::default()).await.unwrap();
        if there.message_count() == 10 {
            deleted = channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
    let worker = carrier.open_worker(Clock::system()).await;
    assert_eq!(settle_all(&worker).await, 10);
}

fn passive() -> lapin::options::QueueDeclareOptions {
    lapin::options::QueueDeclareOptions { passive: true, ..Default::default() }
}
