//! The way of one pass through a flow: which steps, in which order. No answer changes it, so what a broken pass did not
//! reach can be counted exactly: it is the rest of the same walk.

use std::slice::Iter;
use std::sync::Arc;
use std::time::Duration;

use super::{Branch, Flow, Job, Request, Step};
use crate::plan::{draw, mix};

/// A step that does something.
#[derive(Debug, Clone, Copy)]
pub enum Leaf<'f> {
    /// Send a request and read its answer.
    Request(&'f Request),
    /// Follow a job until it ends.
    Job(&'f Arc<Job>),
    /// Wait.
    Think {
        /// Shortest wait.
        from: Duration,
        /// Longest wait.
        to: Duration,
        /// Number of the draw that says how long, for [`draw`].
        number: u64,
    },
}

/// Walks one pass, step by step. Every draw depends on the seed, the workload, the iteration and the place in the flow
/// (rounds of loops included), never on how many were drawn before.
#[derive(Debug, Clone)]
pub struct Walk<'f> {
    frames: Vec<Frame<'f>>,
    seed: u64,
}

/// A list of steps under way.
#[derive(Debug, Clone)]
struct Frame<'f> {
    steps: &'f [Step],
    left: Iter<'f, Step>,
    rounds_left: u32,
    /// Number of the place that the next step has.
    place: u64,
}

impl Flow {
    /// The walk of one pass, from its first step.
    pub fn walk(&self, seed: u64, workload: usize, iteration: u64) -> Walk<'_> {
        let place = mix(mix(0, workload as u64), iteration);
        Walk { frames: vec![Frame { steps: &self.steps, left: self.steps.iter(), rounds_left: 0, place }], seed }
    }
}

impl<'f> Iterator for Walk<'f> {
    type Item = Leaf<'f>;

    fn next(&mut self) -> Option<Leaf<'f>> {
        loop {
            let frame = self.frames.last_mut()?;
            let Some(step) = frame.left.next() else {
                if frame.rounds_left == 0 {
                    self.frames.pop();
                } else {
                    frame.rounds_left -= 1;
                    frame.left = frame.steps.iter();
                }
                continue;
            };
            // Grows with every step and round, so no two places of a pass share a number.
            frame.place = frame.place.wrapping_add(1);
            let number = mix(frame.place, 0);
            match step {
                Step::Request(request) => return Some(Leaf::Request(request)),
                Step::Job(job) => return Some(Leaf::Job(job)),
                Step::Think { from, to } => return Some(Leaf::Think { from: *from, to: *to, number }),
                Step::Loop { times, steps } => self.enter(steps, times - 1, number),
                Step::Choose(branches) => {
                    let (index, branch) = chosen(branches, draw(self.seed, number));
                    self.enter(&branch.steps, 0, mix(number, index));
                }
            }
        }
    }
}

impl<'f> Walk<'f> {
    fn enter(&mut self, steps: &'f [Step], rounds_left: u32, place: u64) {
        self.frames.push(Frame { steps, left: steps.iter(), rounds_left, place });
    }
}

/// The branch that a number in (0, 1] falls into.
fn chosen(branches: &[Branch], share: f64) -> (u64, &Branch) {
    let total: f64 = branches.iter().map(|branch| f64::from(branch.weight)).sum();
    let mut left = share * total;
    for (index, branch) in (0..).zip(branches) {
        left -= f64::from(branch.weight);
        if left <= 0.0 {
            return (index, branch);
        }
    }
    // Rounding may leave a hair over.
    (branches.len() as u64 - 1, branches.last().expect("a choose has at least one branch"))
}
