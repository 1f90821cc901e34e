//! CPU work off the runtime's threads: a few jobs at a time, a bounded number waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Bounds how many jobs run and how many wait.
#[derive(Debug)]
pub(crate) struct CpuPool {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// Why a job gave no result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PoolError {
    /// Too many jobs wait already.
    Full,
    /// The job panicked: a decoder met input it cannot handle.
    Panicked,
}

impl CpuPool {
    pub(crate) fn new(threads: usize, waiting_max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(threads)), waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Runs `job` when a thread is free.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let permit = {
            let seat = Seat::take(&self.waiting);
            if seat.already_waiting >= self.waiting_max {
                return Err(PoolError::Full);
            }
            let permits = Arc::clone(&self.permits);
            permits.acquire_owned().await.expect("the semaphore is never closed")
        };
        spawn_blocking(move || {
            let _permit = permit;
            job()
        })
        .await
        .map_err(|_| PoolError::Panicked)
    }
}

/// One waiting job; counts itself out when dropped, also when its caller goes away.
struct Seat<'a> {
    waiting: &'a AtomicUsize,
    already_waiting: usize,
}

impl<'a> Seat<'a> {
    fn take(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, already_waiting: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panicking_job_is_an_error_and_the_pool_goes_on() {
        let pool = CpuPool::new(1, 4);
        let outcome: Result<u8, PoolError> = pool.run(|| panic!("broken input")).await;
        assert_eq!(outcome, Err(PoolError::Panicked));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn sheds_when_too_many_wait() {
        let pool = Arc::new(CpuPool::new(1, 1));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (running, runs) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(move || (running.send(()), held.recv().ok())).await.is_ok() }
        });
        runs.await.unwrap();
        let mut second = Box::pin(pool.run(|| 2));
        assert!(futures_poll(&mut second).await.is_none(), "the second waits for the only thread");
        assert_eq!(pool.run(|| 3).await, Err(PoolError::Full));
        release.send(()).unwrap();
        assert_eq!(second.await, Ok(2));
        assert!(first.await.unwrap());
    }

    /// Polls once.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::select! { biased; out = future => Some(out), () = std::future::ready(()) => None }
    }
}
