//! The queue port over a broker.

use std::time::Duration;

use async_trait::async_trait;

use super::{Brokered, Incoming, Transport};
use crate::ports::PortResult;
use crate::ports::queue::{Claim, Delivery, Depth, Lease, Queue, QueueName, Retried, Retry, WAIT_MIN, pause_until};

#[async_trait]
impl<T: Transport> Queue for Brokered<T> {
    async fn publish(&self, queue: QueueName, body: Vec<u8>) -> PortResult<()> {
        self.store.publish(queue, body).await?;
        self.relay.ring();
        Ok(())
    }

    async fn claim(&self, claim: Claim) -> PortResult<Vec<Delivery>> {
        if self.store.restore_late(claim).await? {
            self.relay.ring();
        }
        let arrived = self.transport.take(claim.count as usize).await;
        if arrived.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = arrived.iter().filter_map(|incoming| incoming.message).collect();
        match self.store.claim_delivered(claim, &ids).await {
            Ok(taken) => {
                self.sort_out(&taken, arrived).await;
                Ok(taken)
            }
            Err(error) => {
                self.transport.put_back(arrived).await;
                Err(error)
            }
        }
    }

    async fn renew(&self, lease: &Lease, time: Duration) -> PortResult<bool> {
        let renewed = Queue::renew(&*self.store, lease, time).await;
        if matches!(renewed, Ok(false)) {
            // Nobody will settle it here any more.
            self.acknowledge(lease.message).await;
        }
        renewed
    }

    async fn ack(&self, lease: &Lease) -> PortResult<bool> {
        let settled = self.store.ack(lease).await;
        self.acknowledge(lease.message).await;
        settled
    }

    async fn nack(&self, lease: &Lease, retry: Retry) -> PortResult<Retried> {
        let retried = self.store.nack(lease, retry).await;
        self.send_again(lease, matches!(retried, Ok(Retried::DeadLettered))).await;
        retried
    }

    async fn release(&self, lease: &Lease) -> PortResult<bool> {
        let released = Queue::release(&*self.store, lease).await;
        // A worker releases when it ends; its relay ends with it.
        self.send_again(lease, true).await;
        released
    }

    async fn depth(&self, queue: QueueName) -> PortResult<Depth> {
        self.store.depth(queue).await
    }

    async fn lag(&self, queue: QueueName, partitions: u32) -> PortResult<Vec<u64>> {
        self.store.lag(queue, partitions).await
    }

    async fn wait(&self, queue: QueueName) -> PortResult<()> {
        let pause = pause_until(self.store.next_due(queue).await?, self.store.now_ms());
        if pause.is_zero() {
            self.relay.ring();
        }
        tokio::select! {
            () = self.transport.arrived() => {}
            () = tokio::time::sleep(pause.max(WAIT_MIN)) => {}
        }
        Ok(())
    }
}

impl<T: Transport> Brokered<T> {
    /// Keeps the receipts of what was taken. The other deliveries mean nothing any more, or were never ours.
    async fn sort_out(&self, taken: &[Delivery], arrived: Vec<Incoming<T::Receipt>>) {
        for incoming in arrived {
            match incoming.message {
                Some(id) if taken.iter().any(|delivery| delivery.lease.message == id) => {
                    self.keep(id, incoming.receipt).await;
                }
                Some(_) => self.transport.acknowledge(incoming.receipt).await,
                None => {
                    tracing::warn!(
                        bytes = incoming.body.len(),
                        "a message that no gateway sent goes to the dead letters"
                    );
                    self.transport.refuse(incoming).await;
                }
            }
        }
    }

    /// The message is to be sent anew, which must have happened before its delivery is acknowledged if `first`.
    pub(super) async fn send_again(&self, lease: &Lease, first: bool) {
        if first && let Err(error) = self.relay.send_some().await {
            // It stays in the outbox, where every other relay finds it.
            tracing::warn!(%error, "a message waits in the outbox");
        }
        self.relay.ring();
        self.acknowledge(lease.message).await;
    }
}
