//! The record of jobs: what changes a job changes the row of its message, and the broker hears of it afterwards.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Brokered, Transport};
use crate::ports::PortResult;
use crate::ports::jobs::{Accepted, Cancelled, Job, JobKind, JobState, Jobs, NewJob, Outcome};
use crate::ports::queue::{Claim, Delivery, Lease, Queue, Retried, Retry};

#[async_trait]
impl<T: Transport> Jobs for Brokered<T> {
    async fn accept(&self, job: NewJob) -> PortResult<Accepted> {
        let accepted = self.store.accept(job).await?;
        self.relay.ring();
        Ok(accepted)
    }

    async fn find(&self, kind: JobKind, id: Uuid) -> PortResult<Option<Job>> {
        self.store.find(kind, id).await
    }

    async fn cancel(&self, kind: JobKind, id: Uuid) -> PortResult<Cancelled> {
        self.store.cancel(kind, id).await
    }

    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>> {
        Queue::claim(self, claim).await
    }

    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool> {
        Queue::renew(self, lease, time).await
    }

    async fn progress(&self, lease: &Lease, done: u32, failed: u32) -> PortResult<bool> {
        self.store.progress(lease, done, failed).await
    }

    async fn settle(&self, lease: &Lease, outcome: Outcome) -> PortResult<bool> {
        let settled = self.store.settle(lease, outcome).await;
        self.acknowledge(lease.message).await;
        settled
    }

    async fn retry(&self, lease: &Lease, retry: Retry) -> PortResult<Retried> {
        let retried = self.store.retry(lease, retry).await;
        self.send_again(lease, matches!(retried, Ok(Retried::DeadLettered))).await;
        retried
    }

    async fn release(&self, lease: &Lease) -> PortResult<bool> {
        Queue::release(self, lease).await
    }

    async fn repeat_effect(&self, id: Uuid) -> PortResult<()> {
        self.store.repeat_effect(id).await
    }

    async fn count(&self) -> PortResult<Vec<(JobState, u64)>> {
        self.store.count().await
    }

    async fn sweep(&self) -> PortResult<()> {
        self.store.sweep().await
    }
}
