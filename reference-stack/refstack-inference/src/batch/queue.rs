//! The bounded queue of waiting instances.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::Answer;
use crate::error::PredictError;

/// One instance waiting for a session.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) data: Vec<f32>,
    pub(super) arrived: Instant,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<Vec<f32>, PredictError>>,
}

/// Instances in order of arrival.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrival: Condvar,
    capacity: usize,
}

/// Why a request was not queued.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No room for all of its instances.
    Full { waiting: usize },
    /// The server is shutting down.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    closed: bool,
}

impl Entry {
    pub(super) fn new(data: Vec<f32>, arrived: Instant, deadline: Instant) -> (Self, Answer) {
        let (reply, answer) = oneshot::channel();
        (Self { data, arrived, deadline, reply }, answer)
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { state: Mutex::default(), arrival: Condvar::new(), capacity }
    }

    /// Takes all entries or none.
    pub(super) fn offer(&self, entries: Vec<Entry>) -> Result<(), Refused> {
        let mut state = self.lock();
        let waiting = state.waiting.len();
        if state.closed {
            return Err(Refused::Closed);
        }
        if waiting + entries.len() > self.capacity {
            return Err(Refused::Full { waiting });
        }
        state.waiting.extend(entries);
        drop(state);
        self.arrival.notify_all();
        Ok(())
    }

    /// The next batch: what waits, up to `max`, less what nobody waits for any more. `None` once closed and empty.
    pub(super) fn take(&self, max: usize) -> Option<Vec<Entry>> {
        let mut state = self.lock();
        loop {
            let mut batch = Vec::new();
            while batch.len() < max {
                let Some(entry) = state.waiting.pop_front() else { break };
                if !entry.reply.is_closed() {
                    batch.push(entry);
                }
            }
            if !batch.is_empty() {
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state = self.arrival.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrival.notify_all();
    }

    /// No code that can panic runs under the lock, so a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn entries(numbers: std::ops::Range<u8>) -> (Vec<Entry>, Vec<Answer>) {
        let now = clock::now();
        numbers.map(|n| Entry::new(vec![f32::from(n)], now, now)).unzip()
    }

    fn taken(queue: &Queue, max: usize) -> Option<Vec<f32>> {
        queue.take(max).map(|batch| batch.iter().map(|entry| entry.data[0]).collect())
    }

    #[test]
    fn takes_what_waits_in_order_and_no_more_than_a_batch() {
        let queue = Queue::new(10);
        let (first, _kept) = entries(0..5);
        queue.offer(first).unwrap();
        assert_eq!(taken(&queue, 3), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(taken(&queue, 3), Some(vec![3.0, 4.0]));
    }

    #[test]
    fn a_request_is_queued_whole_or_not_at_all() {
        let queue = Queue::new(3);
        let (first, _kept) = entries(0..2);
        queue.offer(first).unwrap();
        assert_eq!(queue.offer(entries(2..4).0), Err(Refused::Full { waiting: 2 }));
        assert_eq!(queue.depth(), 2);
    }

    #[test]
    fn skips_what_nobody_waits_for() {
        let queue = Queue::new(10);
        let (all, mut answers) = entries(0..4);
        queue.offer(all).unwrap();
        answers.remove(1);
        assert_eq!(taken(&queue, 3), Some(vec![0.0, 2.0, 3.0]));
    }

    #[test]
    fn a_closed_queue_is_emptied_and_takes_nothing_more() {
        let queue = Queue::new(10);
        let (first, _kept) = entries(0..1);
        queue.offer(first).unwrap();
        queue.close();
        assert_eq!(queue.offer(entries(1..2).0), Err(Refused::Closed));
        assert_eq!(taken(&queue, 3), Some(vec![0.0]));
        assert_eq!(taken(&queue, 3), None);
    }
}
