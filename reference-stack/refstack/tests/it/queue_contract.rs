//! What every queue adapter must do, as scripts: each line is an operation, and behind `=>` what it must answer. A message is
//! named by its body and the attempt it was taken with: `a#2`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use refstack::ports::queue::{Claim, Delivery, Lease, Retried, Retry};

use crate::support::store::{Backend, MovedClock, Opened};

pub(crate) const QUEUE: &str = "contract";
const LEASE: Duration = Duration::from_secs(10);
pub(crate) const ATTEMPTS_MAX: u32 = 3;

const SCRIPTS: &[(&str, &str)] = &[
    (
        "messages come oldest first, once, and an ack ends them",
        "publish a
         publish b
         publish c
         depth => 3 ready, 0 scheduled, 0 leased, 0 dead
         take 2 => a#1 b#1
         take 2 => c#1
         take 2 => nothing
         depth => 0 ready, 0 scheduled, 3 leased, 0 dead
         ack b#1 => true
         ack b#1 => false
         ack a#1 => true
         ack c#1 => true
         depth => 0 ready, 0 scheduled, 0 leased, 0 dead",
    ),
    (
        "a lease that ran out gives the message to the next, and the first can change nothing any more",
        "publish a
         take 1 => a#1
         pass 9s
         take 1 => nothing
         pass 2s
         take 1 => a#2
         ack a#1 => false
         renew a#1 => false
         nack a#1 1s => stale
         release a#1 => false
         depth => 0 ready, 0 scheduled, 1 leased, 0 dead
         ack a#2 => true",
    ),
    (
        "an ack after the lease's end fails even if nobody else came",
        "publish a
         take 1 => a#1
         pass 11s
         ack a#1 => false
         take 1 => a#2
         ack a#2 => true",
    ),
    (
        "a renewed lease holds",
        "publish a
         take 1 => a#1
         pass 8s
         renew a#1 => true
         pass 8s
         take 1 => nothing
         ack a#1 => true",
    ),
    (
        "a message put back comes again after its delay",
        "publish a
         publish b
         take 1 => a#1
         nack a#1 5s => again
         depth => 1 ready, 1 scheduled, 0 leased, 0 dead
         take 2 => b#1
         pass 6s
         take 2 => a#2
         ack a#1 => false
         ack a#2 => true
         ack b#1 => true",
    ),
    (
        "attempts used up lead to the dead letters",
        "publish a
         take 1 => a#1
         nack a#1 0s => again
         take 1 => a#2
         nack a#2 0s => again
         take 1 => a#3
         nack a#3 0s => dead
         take 1 => nothing
         pass 60s
         take 1 => nothing
         depth => 0 ready, 0 scheduled, 0 leased, 1 dead",
    ),
    (
        "a message that kills its workers ends among the dead letters too",
        "publish a
         take 1 => a#1
         pass 11s
         take 1 => a#2
         pass 11s
         take 1 => a#3
         pass 11s
         take 1 => nothing
         depth => 0 ready, 0 scheduled, 0 leased, 1 dead
         ack a#3 => false",
    ),
    (
        "a message given back has not used up an attempt",
        "publish a
         take 1 => a#1
         release a#1 => true
         release a#1 => false
         take 1 => a#1
         ack a#1 => true",
    ),
];

/// Runs every script on a fresh queue.
pub(crate) async fn check<B: Backend>(make: impl AsyncFn() -> B) {
    for (name, script) in SCRIPTS {
        let (backend, clock) = (make().await, MovedClock::default());
        let store = backend.open_worker(clock.clock()).await;
        let expected: Vec<&str> = script.lines().map(str::trim).collect();
        let mut player = Player { store, clock, taken: HashMap::new() };
        let mut transcript = Vec::new();
        for line in &expected {
            transcript.push(player.play(line.split(" => ").next().unwrap()).await);
        }
        assert_eq!(transcript, expected, "{name}");
    }
}

struct Player {
    store: Opened,
    clock: MovedClock,
    taken: HashMap<String, Lease>,
}

impl Player {
    async fn play(&mut self, operation: &str) -> String {
        let queue = Arc::clone(&self.store.queue);
        let words: Vec<&str> = operation.split(' ').collect();
        let answer = match words[..] {
            ["publish", body] => {
                queue.publish(QUEUE, body.as_bytes().to_vec()).await.unwrap();
                return operation.to_owned();
            }
            ["pass", time] => {
                self.clock.pass(seconds(time));
                return operation.to_owned();
            }
            ["take", count] => self.take(count.parse().unwrap()).await,
            ["ack", name] => queue.ack(&self.taken[name]).await.unwrap().to_string(),
            ["renew", name] => queue.renew(&self.taken[name], LEASE).await.unwrap().to_string(),
            ["release", name] => queue.release(&self.taken[name]).await.unwrap().to_string(),
            ["nack", name, delay] => {
                let retry = Retry { delay: seconds(delay), attempts_max: ATTEMPTS_MAX, reason: "scripted".into() };
                word(queue.nack(&self.taken[name], retry).await.unwrap()).to_owned()
            }
            ["depth"] => {
                let depth = queue.depth(QUEUE).await.unwrap();
                let (ready, scheduled, leased, dead) = (depth.ready, depth.scheduled, depth.leased, depth.dead);
                format!("{ready} ready, {scheduled} scheduled, {leased} leased, {dead} dead")
            }
            _ => panic!("unknown operation {operation:?}"),
        };
        format!("{operation} => {answer}")
    }

    async fn take(&mut self, count: u32) -> String {
        let claim = Claim { queue: QUEUE, count, lease: LEASE, attempts_max: ATTEMPTS_MAX };
        let taken = self.store.take(claim).await;
        if taken.is_empty() {
            return "nothing".to_owned();
        }
        let names: Vec<String> = taken.iter().map(name).collect();
        self.taken.extend(names.iter().cloned().zip(taken.into_iter().map(|delivery| delivery.lease)));
        names.join(" ")
    }
}

fn name(delivery: &Delivery) -> String {
    format!("{}#{}", String::from_utf8_lossy(&delivery.body), delivery.lease.attempt)
}

fn word(retried: Retried) -> &'static str {
    match retried {
        Retried::Again => "again",
        Retried::DeadLettered => "dead",
        Retried::Stale => "stale",
    }
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.trim_end_matches('s').parse().unwrap())
}
