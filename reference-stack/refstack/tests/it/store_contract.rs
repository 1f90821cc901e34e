//! What every store of jobs, messages and idempotency keys must do, seen by several processes that share it.

use std::time::Duration;

use refstack::clock::Clock;
use refstack::ports::jobs::{Accepted, Cancelled, HeldKey, JobKind, JobState, NewJob, Outcome};
use refstack::ports::keys::Reserved;
use refstack::ports::queue::{Claim, Retried, Retry};
use uuid::Uuid;

use crate::support::store::{Backend, MovedClock, Opened};

pub(crate) const QUEUE: &str = "medical_data";
pub(crate) const CLAIM: Claim = Claim { queue: QUEUE, count: 100, lease: Duration::from_secs(10), attempts_max: 5 };

pub(crate) fn job(id: Uuid) -> NewJob {
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

/// Holds the contract on a fresh store each time.
pub(crate) async fn check<B: Backend>(make: impl AsyncFn() -> B) {
    several_processes_share_the_work_without_sharing_a_message(&make().await).await;
    a_waiting_worker_is_woken_by_another_process(&make().await).await;
    a_final_state_stays_whoever_writes(&make().await).await;
    a_job_and_its_message_end_together(&make().await).await;
    one_request_at_a_time_holds_a_key_and_a_job_keeps_it(&make().await).await;
    a_key_of_a_dead_gateway_becomes_free(&make().await).await;
    one_refused_write_spoils_none_of_its_neighbours(&make().await).await;
    what_is_past_its_time_is_forgotten(&make().await).await;
    workers_and_cancellers_at_once_lose_nothing(&make().await).await;
}

async fn open(backend: &impl Backend) -> Opened {
    backend.open(Clock::system()).await
}

async fn worker(backend: &impl Backend) -> Opened {
    backend.open_worker(Clock::system()).await
}

async fn several_processes_share_the_work_without_sharing_a_message(backend: &impl Backend) {
    // All at once, on an empty store: one of them creates it.
    let (first, second, third) = tokio::join!(open(backend), open(backend), worker(backend));
    let (gateways, workers) = ([first, second], [third, worker(backend).await, worker(backend).await]);
    let ids: Vec<Uuid> = (0..100).map(|_| Uuid::new_v4()).collect();
    let accepts = ids.iter().enumerate().map(|(index, id)| gateways[index % 2].jobs.accept(job(*id)));
    futures::future::try_join_all(accepts).await.unwrap();
    let mut taken = Vec::new();
    while gateways[0].queue.depth(QUEUE).await.unwrap().ready > 0 {
        let claims = (0..9).map(|turn| workers[turn % 3].jobs.claim(Claim { count: 4, ..CLAIM }));
        taken.extend(futures::future::try_join_all(claims).await.unwrap().into_iter().flatten());
    }
    let mut found: Vec<Uuid> = taken.iter().filter_map(|delivery| delivery.lease.job).collect();
    found.sort();
    let mut expected = ids;
    expected.sort();
    assert_eq!(found, expected);
}

async fn a_waiting_worker_is_woken_by_another_process(backend: &impl Backend) {
    let worker = worker(backend).await;
    worker.queue.wait(QUEUE).await.unwrap();
    let gateway = open(backend).await;
    let start = tokio::time::Instant::now();
    let until_there = async {
        while worker.jobs.claim(CLAIM).await.unwrap().is_empty() {
            worker.queue.wait(QUEUE).await.unwrap();
        }
    };
    let ((), accepted) = tokio::join!(until_there, gateway.jobs.accept(job(Uuid::new_v4())));
    accepted.unwrap();
    // The wait ends after five seconds by itself; being woken takes milliseconds.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

async fn a_final_state_stays_whoever_writes(backend: &impl Backend) {
    let store = worker(backend).await;
    let id = Uuid::new_v4();
    store.jobs.accept(job(id)).await.unwrap();
    let lease = store.take(CLAIM).await.remove(0).lease;
    let running = store.jobs.find(JobKind::Study, id).await.unwrap().unwrap();
    assert_eq!((running.state, running.attempts), (JobState::Running, 1));
    assert_eq!(store.jobs.find(JobKind::Batch, id).await.unwrap(), None);
    assert!(matches!(store.jobs.cancel(JobKind::Study, id).await.unwrap(), Cancelled::Now(_)));
    let outcome = Outcome::Succeeded { result: "{}".into(), done: 1, failed: 0 };
    assert!(!store.jobs.settle(&lease, outcome).await.unwrap());
    assert!(!store.jobs.renew(&lease, Duration::from_secs(1)).await.unwrap());
    assert!(!store.jobs.progress(&lease, 1, 0).await.unwrap());
    assert_eq!(store.jobs.find(JobKind::Study, id).await.unwrap().unwrap().state, JobState::Cancelled);
    let again = store.jobs.cancel(JobKind::Study, id).await.unwrap();
    assert_eq!(again, Cancelled::AlreadyFinal(JobState::Cancelled));
    assert_eq!(store.jobs.cancel(JobKind::Study, Uuid::new_v4()).await.unwrap(), Cancelled::Unknown);
    assert_eq!(store.queue.depth(QUEUE).await.unwrap().leased, 0);
}

async fn a_job_and_its_message_end_together(backend: &impl Backend) {
    let store = worker(backend).await;
    let [done, refused, given_up] = [(); 3].map(|()| Uuid::new_v4());
    for id in [done, refused, given_up] {
        store.jobs.accept(job(id)).await.unwrap();
    }
    let leases: Vec<_> = store.take(CLAIM).await.into_iter().map(|delivery| delivery.lease).collect();
    assert_eq!(leases.iter().map(|lease| lease.job.unwrap()).collect::<Vec<_>>(), [done, refused, given_up]);
    assert!(store.jobs.progress(&leases[0], 1, 1).await.unwrap());
    let outcome = Outcome::Succeeded { result: "{}".into(), done: 3, failed: 1 };
    assert!(store.jobs.settle(&leases[0], outcome.clone()).await.unwrap());
    assert!(!store.jobs.settle(&leases[0], outcome).await.unwrap());
    assert!(store.jobs.settle(&leases[1], Outcome::Failed { error: "no image".into() }).await.unwrap());
    let retry = Retry { delay: Duration::ZERO, attempts_max: 1, reason: "out of order".into() };
    assert_eq!(store.jobs.retry(&leases[2], retry).await.unwrap(), Retried::DeadLettered);
    let mut states = Vec::new();
    for id in [done, refused, given_up] {
        let job = store.jobs.find(JobKind::Study, id).await.unwrap().unwrap();
        states.push((job.state, job.result, job.error, (job.done, job.failed)));
    }
    assert_eq!(
        states,
        [
            (JobState::Succeeded, Some("{}".into()), None, (3, 1)),
            (JobState::Failed, None, Some("no image".into()), (0, 0)),
            (JobState::DeadLettered, None, Some("out of order".into()), (0, 0)),
        ]
    );
    let depth = store.queue.depth(QUEUE).await.unwrap();
    assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 1));
    let counts: Vec<u64> = store.jobs.count().await.unwrap().into_iter().map(|(_, jobs)| jobs).collect();
    assert_eq!(counts, [0, 0, 1, 1, 1, 0]);
}

async fn one_request_at_a_time_holds_a_key_and_a_job_keeps_it(backend: &impl Backend) {
    let (first, second) = (open(backend).await, open(backend).await);
    let lease = Duration::from_secs(10);
    assert_eq!(first.keys.reserve("k", "one", lease).await.unwrap(), Reserved::Held);
    assert_eq!(second.keys.reserve("k", "two", lease).await.unwrap(), Reserved::InFlight);
    assert!(first.keys.renew("k", "one", lease).await.unwrap());
    first.keys.release("k", "two").await.unwrap();
    assert_eq!(second.keys.reserve("k", "two", lease).await.unwrap(), Reserved::InFlight);
    first.keys.release("k", "one").await.unwrap();
    assert_eq!(second.keys.reserve("k", "two", lease).await.unwrap(), Reserved::Held);

    let id = Uuid::new_v4();
    let hold = |owner: &str| Some(HeldKey { key: "k".into(), owner: owner.into(), digest: "d".into() });
    let lost = first.jobs.accept(NewJob { hold: hold("one"), ..job(Uuid::new_v4()) }).await.unwrap();
    assert_eq!(lost, Accepted::KeyLost);
    let stored = second.jobs.accept(NewJob { hold: hold("two"), ..job(id) }).await.unwrap();
    assert_eq!(stored, Accepted::Stored);
    let used = first.keys.reserve("k", "three", lease).await.unwrap();
    assert_eq!(used, Reserved::Used { digest: "d".into(), job: id });
    assert_eq!(first.queue.depth(QUEUE).await.unwrap().ready, 1);
}

async fn a_key_of_a_dead_gateway_becomes_free(backend: &impl Backend) {
    let store = open(backend).await;
    assert_eq!(store.keys.reserve("k", "dead", Duration::ZERO).await.unwrap(), Reserved::Held);
    assert_eq!(store.keys.reserve("k", "next", Duration::from_secs(10)).await.unwrap(), Reserved::Held);
    assert!(!store.keys.renew("k", "dead", Duration::from_secs(10)).await.unwrap());
}

async fn one_refused_write_spoils_none_of_its_neighbours(backend: &impl Backend) {
    let store = open(backend).await;
    let id = Uuid::new_v4();
    let (first, twice, other) =
        tokio::join!(store.jobs.accept(job(id)), store.jobs.accept(job(id)), store.jobs.accept(job(Uuid::new_v4())));
    assert!(other.is_ok());
    let refused = first.and(twice).unwrap_err().to_string().to_lowercase();
    assert!(refused.contains("unique"), "{refused}");
    assert_eq!(store.queue.depth(QUEUE).await.unwrap().ready, 2);
}

async fn what_is_past_its_time_is_forgotten(backend: &impl Backend) {
    let clock = MovedClock::default();
    let store = backend.open(clock.clock()).await;
    let (short, long) = (Uuid::new_v4(), Uuid::new_v4());
    store.jobs.accept(NewJob { kept_for: Some(Duration::from_mins(1)), ..job(short) }).await.unwrap();
    store.jobs.accept(job(long)).await.unwrap();
    assert_eq!(store.keys.reserve("k", "one", Duration::from_secs(1)).await.unwrap(), Reserved::Held);
    clock.pass(Duration::from_mins(2));
    assert_eq!(store.jobs.find(JobKind::Study, short).await.unwrap(), None);
    store.jobs.sweep().await.unwrap();
    store.jobs.sweep().await.unwrap();
    assert!(store.jobs.find(JobKind::Study, long).await.unwrap().is_some());
    assert_eq!(store.queue.depth(QUEUE).await.unwrap().ready, 1);
    assert_eq!(store.jobs.count().await.unwrap()[0], (JobState::Queued, 1));
    assert!(!store.keys.renew("k", "one", Duration::from_secs(1)).await.unwrap());
}

/// Everybody at the same rows: each job ends once, as succeeded or as cancelled, and the counts say the same.
async fn workers_and_cancellers_at_once_lose_nothing(backend: &impl Backend) {
    const JOBS: usize = 60;
    let (gateway, workers) = (open(backend).await, [worker(backend).await, worker(backend).await]);
    let ids: Vec<Uuid> = (0..JOBS).map(|_| Uuid::new_v4()).collect();
    futures::future::try_join_all(ids.iter().map(|id| gateway.jobs.accept(job(*id)))).await.unwrap();
    let work = workers.iter().map(async |worker| {
        let mut settled = 0;
        while gateway.queue.depth(QUEUE).await.unwrap().ready > 0 {
            for delivery in worker.jobs.claim(Claim { count: 3, ..CLAIM }).await.unwrap() {
                let outcome = Outcome::Succeeded { result: "{}".into(), done: 1, failed: 0 };
                settled += u64::from(worker.jobs.settle(&delivery.lease, outcome).await.unwrap());
            }
        }
        settled
    });
    let cancel = ids
        .iter()
        .rev()
        .map(async |id| matches!(gateway.jobs.cancel(JobKind::Study, *id).await.unwrap(), Cancelled::Now(_)));
    let (settled, cancelled) = tokio::join!(futures::future::join_all(work), futures::future::join_all(cancel));
    let settled = settled.into_iter().sum::<u64>();
    let cancelled = u64::try_from(cancelled.into_iter().filter(|done| *done).count()).unwrap();
    assert_eq!(settled + cancelled, u64::try_from(JOBS).unwrap(), "{settled} settled, {cancelled} cancelled");
    let counts = gateway.jobs.count().await.unwrap();
    let expected = [0, 0, settled, 0, 0, cancelled];
    assert_eq!(counts.iter().map(|(_, jobs)| *jobs).collect::<Vec<_>>(), expected);
    let depth = gateway.queue.depth(QUEUE).await.unwrap();
    assert_eq!((depth.ready, depth.scheduled, depth.leased, depth.dead), (0, 0, 0, 0));
}
