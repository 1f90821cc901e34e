//! A store that several processes open, whichever adapter it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use refstack::adapters::embedded::Store;
use refstack::clock::Clock;
use refstack::ports::jobs::Jobs;
use refstack::ports::keys::Keys;
use refstack::ports::queue::{Claim, Delivery, Queue};
use tempfile::TempDir;

/// Where a store is kept.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// Opens it as one more process that publishes.
    async fn open(&self, clock: Clock) -> Opened;

    /// Opens it as one more process that consumes.
    async fn open_worker(&self, clock: Clock) -> Opened {
        self.open(clock).await
    }
}

/// One process's ports of a store.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) keys: Arc<dyn Keys>,
}

impl Opened {
    pub(crate) fn of<S: Queue + Jobs + Keys + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { queue: store.clone(), jobs: store.clone(), keys: store }
    }

    /// Claims until `claim.count` are there or nothing is ready any more: a claim alone may come too early.
    pub(crate) async fn take(&self, claim: Claim) -> Vec<Delivery> {
        let mut taken = Vec::new();
        loop {
            let missing = claim.count - u32::try_from(taken.len()).unwrap();
            taken.extend(self.jobs.claim(Claim { count: missing, ..claim }).await.unwrap());
            let nothing_ready = self.queue.depth(claim.queue).await.unwrap().ready == 0;
            if taken.len() == claim.count as usize || nothing_ready {
                return taken;
            }
            self.queue.wait(claim.queue).await.unwrap();
        }
    }
}

/// The embedded store, in a temporary folder.
pub(crate) struct Embedded(TempDir);

impl Embedded {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn open(&self, clock: Clock) -> Opened {
        Opened::of(Store::open(self.0.path(), clock).await.unwrap())
    }
}

/// The machine's clock, which a test may put forward.
#[derive(Clone, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    pub(crate) fn clock(&self) -> Clock {
        let (real, ahead_ms) = (Clock::system(), Arc::clone(&self.0));
        Clock::from_fn(move || real.now_ms() + ahead_ms.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}
