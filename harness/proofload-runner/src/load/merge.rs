//! What several shards tell, as one: counts add up, ends are waited for, and a lost shard is never passed over.

use proofload_core::evidence::{Histogram, keep_slowest};
use proofload_core::judge::BurnCount;

use super::event::{GeneratorEvent, Outcome, Tick};
use super::gaps;
use super::recent::RecentTimes;

/// Puts the words of several shards together.
#[derive(Debug)]
pub(super) struct Merge {
    shards: Vec<Told>,
}

/// What one shard has told.
#[derive(Debug, Default)]
struct Told {
    tick: Tick,
    /// Whether that was told since figures of all were.
    is_new: bool,
    load_ended: bool,
    outcome: Option<Outcome>,
}

impl Merge {
    /// Nothing told yet by `shards` shards.
    pub(super) fn new(shards: usize) -> Self {
        Self { shards: (0..shards).map(|_| Told::default()).collect() }
    }

    /// Takes in what shard `index` tells; gives what all of them tell together.
    pub(super) fn take(&mut self, index: usize, event: GeneratorEvent) -> Vec<GeneratorEvent> {
        match event {
            GeneratorEvent::Tick(tick) => self.ticked(index, tick).into_iter().collect(),
            GeneratorEvent::LoadEnded => self.load_ended(index),
            GeneratorEvent::Finished(outcome) => self.finished(index, *outcome).into_iter().collect(),
            GeneratorEvent::Lost(why) => {
                if self.shards[index].outcome.is_some() {
                    return Vec::new();
                }
                let mut told = vec![GeneratorEvent::Lost(why)];
                // What was of the moment has gone with it.
                self.shards[index].tick.in_flight = 0;
                self.shards[index].tick.recent = RecentTimes::default();
                told.extend(self.load_ended(index));
                told.extend(self.finished(index, self.last_known(index)));
                told
            }
            event @ (GeneratorEvent::Closed(_)
            | GeneratorEvent::Journal(_)
            | GeneratorEvent::IterationsEnded { .. }) => vec![event],
        }
    }

    /// Figures of all, once every shard at work has told its own. One that hangs silences nobody: they come as well
    /// when another tells its own again.
    fn ticked(&mut self, index: usize, tick: Tick) -> Option<GeneratorEvent> {
        let told = &mut self.shards[index];
        told.tick = tick;
        let again = std::mem::replace(&mut told.is_new, true);
        let all = self.shards.iter().all(|told| told.is_new || told.outcome.is_some());
        if !again && !all {
            return None;
        }
        let figures = self.unsaid();
        // While others are silent, whatever this one tells next is told at once.
        self.shards[index].is_new = !all;
        figures
    }

    /// Figures of all, if any shard told some since the last.
    fn unsaid(&mut self) -> Option<GeneratorEvent> {
        let any = self.shards.iter().any(|told| told.is_new);
        self.shards.iter_mut().for_each(|told| told.is_new = false);
        any.then(|| GeneratorEvent::Tick(self.tick()))
    }

    /// Counts add up, and so do the recent times.
    fn tick(&self) -> Tick {
        let sum = |of: fn(&Tick) -> u64| self.shards.iter().map(|told| of(&told.tick)).sum();
        Tick {
            at_ms: self.shards.iter().map(|told| told.tick.at_ms).max().unwrap_or(0),
            due: sum(|tick| tick.due),
            dispatched: sum(|tick| tick.dispatched),
            dropped: sum(|tick| tick.dropped),
            answered: sum(|tick| tick.answered),
            errors: sum(|tick| tick.errors),
            in_flight: sum(|tick| tick.in_flight),
            passes: sum(|tick| tick.passes),
            recent: RecentTimes::sum(self.shards.iter().map(|told| &told.tick.recent)),
            jobs_open: sum(|tick| tick.jobs_open),
            jobs_ended: sum(|tick| tick.jobs_ended),
            burns: self.burns(),
        }
    }

    /// Counts of the abort rules, over all shards that have told any.
    fn burns(&self) -> Vec<BurnCount> {
        let rules = self.shards.iter().map(|told| told.tick.burns.len()).max().unwrap_or(0);
        let mut sums = vec![BurnCount::default(); rules];
        for count in self.shards.iter().map(|told| &told.tick.burns) {
            for (sum, more) in sums.iter_mut().zip(count) {
                sum.known += more.known;
                sum.bad += more.bad;
            }
        }
        sums
    }

    /// Before it come the figures that know of the last passes, so that nobody settles on older ones.
    fn load_ended(&mut self, index: usize) -> Vec<GeneratorEvent> {
        let ended_before = std::mem::replace(&mut self.shards[index].load_ended, true);
        if ended_before || !self.shards.iter().all(|told| told.load_ended) {
            return Vec::new();
        }
        self.unsaid().into_iter().chain([GeneratorEvent::LoadEnded]).collect()
    }

    fn finished(&mut self, index: usize, outcome: Outcome) -> Option<GeneratorEvent> {
        self.shards[index].outcome = Some(outcome);
        let all = self.shards.iter().map(|told| told.outcome.as_ref());
        let all: Option<Vec<&Outcome>> = all.collect();
        all.map(|outcomes| GeneratorEvent::Finished(Box::new(sum(&outcomes))))
    }

    /// All that is left of a lost shard: its last figures.
    fn last_known(&self, index: usize) -> Outcome {
        let tick = &self.shards[index].tick;
        Outcome { due: tick.due, dispatched: tick.dispatched, dropped: tick.dropped, lost: 1, ..Outcome::default() }
    }
}

fn sum(outcomes: &[&Outcome]) -> Outcome {
    let total = |of: fn(&Outcome) -> u64| outcomes.iter().map(|outcome| of(outcome)).sum();
    let mut sum = Outcome {
        due: total(|outcome| outcome.due),
        dispatched: total(|outcome| outcome.dispatched),
        dropped: total(|outcome| outcome.dropped),
        wake_lag: Histogram::freeze(&Histogram::merge(outcomes.iter().map(|outcome| &outcome.wake_lag))),
        local_failures: total(|outcome| outcome.local_failures),
        polls: total(|outcome| outcome.polls),
        poll_failures: total(|outcome| outcome.poll_failures),
        lost: total(|outcome| outcome.lost),
        cross_check: outcomes.iter().find_map(|outcome| outcome.cross_check.clone()),
        ..Outcome::default()
    };
    for outcome in outcomes {
        gaps::add(&mut sum.gaps, &outcome.gaps);
        sum.watched.extend_from_slice(&outcome.watched);
        sum.jobs.extend_from_slice(&outcome.jobs);
        for (flow, times) in &outcome.duplicated {
            *sum.duplicated.entry(flow.clone()).or_default() += times;
        }
        for (step, checks) in &outcome.checks {
            for (check, counts) in checks {
                let total = sum.checks.entry(*step).or_default().entry(check.clone()).or_default();
                total.passed += counts.passed;
                total.failed += counts.failed;
            }
        }
        for (step, slowest) in &outcome.slowest {
            let kept = sum.slowest.entry(*step).or_default();
            kept.extend_from_slice(slowest);
            keep_slowest(kept);
        }
        for (step, classes) in &outcome.error_classes {
            for (class, times) in classes {
                *sum.error_classes.entry(*step).or_default().entry(class.clone()).or_default() += times;
            }
        }
    }
    count_ids_given_twice(&mut sum);
    sum
}

/// An id that two shards were given is a duplicate as much as one that a single shard was given twice.
fn count_ids_given_twice(sum: &mut Outcome) {
    let mut seen = std::collections::HashSet::new();
    let duplicated = &mut sum.duplicated;
    sum.jobs.retain(|job| {
        let is_new = seen.insert((job.flow.clone(), job.id.clone()));
        if !is_new {
            *duplicated.entry(job.flow.clone()).or_default() += 1;
        }
        is_new
    });
}

#[cfg(test)]
mod tests {
    use proofload_core::evidence::Fate;

    use super::super::event::JobOutcome;
    use super::*;

    fn words(events: &[GeneratorEvent]) -> Vec<String> {
        let word = |event: &GeneratorEvent| match event {
            GeneratorEvent::Tick(tick) => format!("due {}, {} in flight", tick.due, tick.in_flight),
            GeneratorEvent::IterationsEnded { .. } => "iterations ended".to_owned(),
            GeneratorEvent::LoadEnded => "load ended".to_owned(),
            GeneratorEvent::Finished(outcome) => {
                format!("finished: due {}, {} jobs, {} lost", outcome.due, outcome.jobs.len(), outcome.lost)
            }
            GeneratorEvent::Lost(why) => format!("lost: {why}"),
            GeneratorEvent::Closed(_) | GeneratorEvent::Journal(_) => "as it is".to_owned(),
        };
        events.iter().map(word).collect()
    }

    /// Figures of a shard with two requests under way.
    fn tick(due: u64) -> GeneratorEvent {
        GeneratorEvent::Tick(Tick { due, in_flight: 2, ..Tick::default() })
    }

    fn finished(due: u64, ids: &[&str]) -> GeneratorEvent {
        let job = |id: &&str| JobOutcome {
            id: (*id).to_owned(),
            flow: "f".to_owned(),
            at_ms: 0,
            fate: Fate::Succeeded,
            last_state: "done".to_owned(),
            claims_work: false,
            unreadable: false,
        };
        let jobs = ids.iter().map(job).collect();
        GeneratorEvent::Finished(Box::new(Outcome { due, jobs, ..Outcome::default() }))
    }

    #[test]
    fn counts_add_up_and_ends_are_waited_for() {
        let mut merge = Merge::new(2);
        assert!(merge.take(0, tick(3)).is_empty());
        assert_eq!(words(&merge.take(1, tick(4))), ["due 7, 4 in flight"]);
        assert!(merge.take(1, GeneratorEvent::LoadEnded).is_empty());
        assert_eq!(words(&merge.take(0, GeneratorEvent::LoadEnded)), ["load ended"]);
        assert!(merge.take(0, finished(3, &["a", "b"])).is_empty());
        assert_eq!(words(&merge.take(1, finished(4, &["c"]))), ["finished: due 7, 3 jobs, 0 lost"]);
    }

    #[test]
    fn shards_that_tell_in_turn_are_told_once_a_round() {
        let mut merge = Merge::new(2);
        // They need not keep an order.
        let rounds =
            (0..8).flat_map(|round| if round % 3 == 0 { [(0, round), (1, round)] } else { [(1, round), (0, round)] });
        let told: Vec<String> = rounds.flat_map(|(index, round)| words(&merge.take(index, tick(round)))).collect();
        let expected: Vec<String> = (0..8).map(|round| format!("due {}, 4 in flight", 2 * round)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_shard_that_hangs_silences_nobody() {
        let mut merge = Merge::new(2);
        let told: Vec<String> = (1..=4).flat_map(|due| words(&merge.take(0, tick(due)))).collect();
        assert_eq!(told, ["due 2, 2 in flight", "due 3, 2 in flight", "due 4, 2 in flight"]);
        assert_eq!(words(&merge.take(1, tick(9))), ["due 13, 4 in flight"]);
        assert!(merge.take(0, tick(5)).is_empty());
    }

    #[test]
    fn the_last_figures_come_before_the_end_of_the_load() {
        let mut merge = Merge::new(2);
        merge.take(0, GeneratorEvent::LoadEnded);
        merge.take(1, tick(3));
        assert_eq!(words(&merge.take(1, GeneratorEvent::LoadEnded)), ["due 3, 2 in flight", "load ended"]);
    }

    #[test]
    fn an_id_that_two_shards_were_given_is_a_duplicate() {
        let mut merge = Merge::new(2);
        merge.take(0, finished(1, &["a", "b"]));
        let told = merge.take(1, finished(1, &["b"]));
        let [GeneratorEvent::Finished(outcome)] = told.as_slice() else { panic!("both have finished") };
        assert_eq!((outcome.jobs.len(), outcome.duplicated["f"]), (2, 1));
    }

    #[test]
    fn a_lost_shard_is_told_and_keeps_nobody_waiting() {
        let mut merge = Merge::new(2);
        merge.take(0, tick(5));
        merge.take(1, GeneratorEvent::LoadEnded);
        let lost = merge.take(0, GeneratorEvent::Lost("killed".to_owned()));
        assert_eq!(words(&lost), ["lost: killed", "due 5, 0 in flight", "load ended"]);
        assert_eq!(words(&merge.take(1, finished(4, &[]))), ["finished: due 9, 0 jobs, 1 lost"]);
        assert!(merge.take(0, GeneratorEvent::Lost("again".to_owned())).is_empty());
    }
}
