//! Folds what generator, collector and cluster tell into the record, as it comes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use proofload_core::environment::{Environment, Prices};
use proofload_core::evidence::{
    ClusterEvidence, Fate, GeneratorEvidence, Histogram, LedgerEntry, LedgerEvidence, Mark, RunEnd, RunInfo, RunRecord,
    ScaledWorkload, StepEvidence, StepKind, Timeline,
};
use proofload_core::live::Replicas;
use proofload_core::scenario::{Bound, Scenario, Sli};

use crate::audit::{Found, rounded};
use crate::cluster::ClusterEvent;
use crate::load::{ClosedSecond, JobOutcome, Outcome, Tick, Timed};

/// A standstill longer than this, ms, is marked on the time axis.
const STANDSTILL_TOLD_MS: f64 = 100.0;

/// The record while it grows.
pub(super) struct Assembler {
    pub(super) record: RunRecord,
    /// Seconds that shards have closed since the record was last brought up to date, by step and second.
    pending: BTreeMap<(usize, u32), ClosedSecond>,
    /// Of workloads of shared iterations that have ended: the planned end, and when the last shard was done.
    iterations: BTreeMap<usize, (u64, u64)>,
}

impl Assembler {
    pub(super) fn new(
        run: RunInfo,
        plan: Vec<proofload_core::plan::PlannedWorkload>,
        timed: &[Timed],
        cluster: Option<ClusterEvidence>,
        prices: Option<Prices>,
    ) -> Self {
        let step = |timed: &Timed| StepEvidence {
            kind: timed.kind,
            name: timed.name.clone(),
            limits_ns: timed.limits_ns.clone(),
            seconds: Vec::new(),
            error_classes: BTreeMap::new(),
            checks: BTreeMap::new(),
            slowest: Vec::new(),
        };
        let generator = GeneratorEvidence {
            due: 0,
            dispatched: 0,
            dropped: 0,
            wake_lag: Histogram::default(),
            gaps: BTreeMap::new(),
            thread_busy: Vec::new(),
            run_queue_delay: None,
            cpu_pressure: None,
            local_failures: 0,
            polls: 0,
            poll_failures: 0,
            collector_failures: 0,
            collector_readings: 0,
            shards: 1,
            lost: 0,
            audit: None,
            calibration: None,
        };
        let record = RunRecord {
            api_version: proofload_core::API_VERSION.to_owned(),
            run,
            plan,
            steps: timed.iter().map(step).collect(),
            ledgers: Vec::new(),
            timeline: Timeline::default(),
            generator,
            cluster,
            external: Vec::new(),
            prices,
            aborted: None,
            conformance: Vec::new(),
        };
        Self { record, pending: BTreeMap::new(), iterations: BTreeMap::new() }
    }

    /// Takes in seconds of one shard; those of others for the same second are added.
    pub(super) fn closed(&mut self, seconds: Vec<ClosedSecond>) {
        for second in seconds {
            match self.pending.entry((second.step, second.at)) {
                Entry::Occupied(mut sum) => sum.get_mut().add(&second),
                Entry::Vacant(place) => {
                    place.insert(second);
                }
            }
        }
    }

    /// Brings the record up to date with every second that was closed.
    pub(super) fn settle_seconds(&mut self) {
        for ((step, at), mut second) in std::mem::take(&mut self.pending) {
            let seconds = &mut self.record.steps[step].seconds;
            match seconds.binary_search_by_key(&at, |stored| stored.at) {
                Ok(place) => {
                    second.add(&ClosedSecond::thaw(step, &seconds[place]));
                    seconds[place] = second.freeze();
                }
                Err(place) => seconds.insert(place, second.freeze()),
            }
        }
    }

    pub(super) fn tick(&mut self, tick: &Tick) {
        let at_ms = tick.at_ms;
        self.point("in flight", at_ms, count(tick.in_flight));
        self.point("jobs open", at_ms, count(tick.jobs_open));
        self.record.generator.due = tick.due;
        self.record.generator.dispatched = tick.dispatched;
        self.record.generator.dropped = tick.dropped;
    }

    /// The stretch of shared iterations ends with their last pass, of whichever shard, where that comes before the
    /// planned end.
    pub(super) fn iterations_ended(&mut self, workload: usize, ended_ns: u64) {
        let workload_plan = &mut self.record.plan[workload];
        let (planned_ns, last_ns) = self.iterations.entry(workload).or_insert((workload_plan.ends_ns, 0));
        *last_ns = ended_ns.max(*last_ns);
        // In whole seconds, as all is counted: the last one is not cut off.
        workload_plan.ends_ns = last_ns.next_multiple_of(1_000_000_000).min(*planned_ns);
        for stage in &mut workload_plan.stages {
            stage.ends_ns = workload_plan.ends_ns;
        }
    }

    pub(super) fn point(&mut self, series: &str, at_ms: u64, value: f64) {
        self.record.timeline.series.entry(series.to_owned()).or_default().push((at_ms, value));
    }

    pub(super) fn mark(&mut self, at_ms: u64, text: String) {
        self.record.timeline.marks.push(Mark { at_ms, text });
    }

    pub(super) fn reading(&mut self, failed: bool) {
        self.record.generator.collector_readings += 1;
        self.record.generator.collector_failures += u64::from(failed);
    }

    /// Enters what the self-audit found so far; it tells the whole each time.
    pub(super) fn audited(&mut self, found: Found) {
        let generator = &mut self.record.generator;
        let delays = &found.audit.run_queue;
        let mean = || rounded(delays.iter().sum::<f64>() / count(delays.len() as u64));
        generator.run_queue_delay = (!delays.is_empty()).then(mean);
        generator.thread_busy = found.thread_busy;
        generator.cpu_pressure = found.cpu_pressure;
        generator.audit = Some(found.audit);
    }

    /// Marks a long standstill on the time axis, so that a reader sees which times it spoilt.
    fn mark_standstill(&mut self) {
        let standstill = self.record.generator.audit.as_ref().and_then(|audit| audit.standstill);
        if let Some(standstill) = standstill.filter(|standstill| standstill.lasted_ms > STANDSTILL_TOLD_MS) {
            self.mark(standstill.at_ms, format!("proofload stood still for {:.0} ms until here", standstill.lasted_ms));
            self.record.timeline.marks.sort_by_key(|mark| mark.at_ms);
        }
    }

    /// Enters what the cluster did; returns a rescale worth telling.
    pub(super) fn cluster(&mut self, event: ClusterEvent) -> Option<(String, u32, u32, String)> {
        let workloads = self.record.cluster.as_mut().map(|cluster| &mut cluster.workloads)?;
        match event {
            ClusterEvent::Sync { workload, sync } => {
                let scaled = &mut workloads[workload];
                let told = (sync.current != sync.desired)
                    .then(|| (scaled.target.clone(), sync.current, sync.desired, sync.reason.clone()));
                scaled.syncs.push(sync);
                told
            }
            ClusterEvent::Replicas { workload, point } => {
                workloads[workload].replicas.push(point);
                None
            }
            ClusterEvent::Warning(_) => None,
        }
    }

    /// Ready and wanted replicas of the first scaled workload.
    pub(super) fn replicas(&self) -> Option<Replicas> {
        let point = self.record.cluster.as_ref()?.workloads.first()?.replicas.last()?;
        Some(Replicas { ready: point.ready, wanted: point.desired })
    }

    /// Closes the record: the generator's last words, and every open job's fate by what the witnesses show.
    pub(super) fn finish(
        &mut self,
        outcome: Outcome,
        work_shown: &BTreeMap<String, u64>,
        scenario: &Scenario,
        end: (RunEnd, u64),
    ) {
        let generator = &mut self.record.generator;
        generator.due = outcome.due;
        generator.dispatched = outcome.dispatched;
        generator.dropped = outcome.dropped;
        generator.wake_lag = outcome.wake_lag;
        let named = outcome.gaps.into_iter().map(|(index, gaps)| (scenario.workloads[index].name.clone(), gaps));
        generator.gaps = named.collect();
        generator.local_failures = outcome.local_failures;
        generator.polls = outcome.polls;
        generator.poll_failures = outcome.poll_failures;
        generator.lost = outcome.lost;
        self.mark_standstill();
        for (step, classes) in outcome.error_classes {
            self.record.steps[step].error_classes = classes;
        }
        for (step, checks) in outcome.checks {
            self.record.steps[step].checks = checks;
        }
        for (step, slowest) in outcome.slowest {
            self.record.steps[step].slowest = slowest;
        }
        self.settle_seconds();
        let fates = fates(&outcome.jobs, work_shown, scenario);
        for flow in scenario.flows.iter().filter(|flow| flow.holds_job()) {
            let mut ledger = LedgerEvidence {
                flow: flow.name.clone(),
                duplicated: outcome.duplicated.get(&flow.name).copied().unwrap_or(0),
                work_shown: work_shown.get(&flow.system).copied(),
                ..LedgerEvidence::default()
            };
            for (job, fate) in outcome.jobs.iter().zip(&fates).filter(|(job, _)| job.flow == flow.name) {
                ledger.enter(LedgerEntry {
                    id: job.id.clone(),
                    fate: *fate,
                    at_ms: job.at_ms,
                    last_state: job.last_state.clone(),
                });
            }
            self.record.ledgers.push(ledger);
        }
        self.record.run.end = end.0;
        self.record.run.lasted_ms = end.1;
    }
}

/// The fate of every job. Open ones are split once per system, so that work shown for one flow never excuses a loss
/// in another; a job whose state could not be read is unsettled, never lost.
fn fates(jobs: &[JobOutcome], work_shown: &BTreeMap<String, u64>, scenario: &Scenario) -> Vec<Fate> {
    let mut fates: Vec<Fate> = jobs.iter().map(|job| job.fate).collect();
    for system in scenario.systems() {
        let of_system =
            |job: &JobOutcome| scenario.flows.iter().any(|flow| flow.name == job.flow && flow.system == system);
        let open: Vec<usize> =
            (0..jobs.len()).filter(|index| jobs[*index].fate == Fate::Open && of_system(&jobs[*index])).collect();
        let (unread, read): (Vec<usize>, Vec<usize>) = open.into_iter().partition(|index| jobs[*index].unreadable);
        for index in &unread {
            fates[*index] = Fate::Unsettled;
        }
        let claims: Vec<bool> = read.iter().map(|index| jobs[*index].claims_work).collect();
        let split = LedgerEvidence::split_open(&claims, work_shown.get(system).copied());
        for (index, fate) in read.into_iter().zip(split) {
            fates[index] = fate;
        }
    }
    fates
}

/// What is timed, with the limits that the scenario's rules hold each against.
pub(crate) fn timed_steps(scenario: &Scenario) -> Vec<Timed> {
    let limits = |kind: StepKind, name: &str| {
        let mut limits: Vec<u64> = scenario
            .slos
            .iter()
            .filter_map(|slo| match (&slo.sli, slo.bound) {
                (Sli::Latency(step), Bound::Percentile { limit, .. }) if kind == StepKind::Request && step == name => {
                    Some(limit)
                }
                (Sli::Job(flow), Bound::Percentile { limit, .. }) if kind == StepKind::Job && flow == name => {
                    Some(limit)
                }
                _ => None,
            })
            .map(|limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
            .collect();
        limits.sort_unstable();
        limits.dedup();
        limits
    };
    let timed = |kind: StepKind, name: &str| Timed { kind, name: name.to_owned(), limits_ns: limits(kind, name) };
    let requests = scenario.step_names().into_iter().map(|name| timed(StepKind::Request, name));
    let jobs = scenario.flows.iter().filter(|flow| flow.holds_job());
    requests.chain(jobs.map(|flow| timed(StepKind::Job, &flow.name))).collect()
}

/// The evidence of a cluster before anything happened.
pub(super) fn cluster_evidence(environment: &Environment, workloads: Vec<ScaledWorkload>) -> Option<ClusterEvidence> {
    let local = environment.cluster.as_ref()?;
    (!workloads.is_empty()).then(|| ClusterEvidence { kind: "local".to_owned(), speed: local.speed, workloads })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(value: u64) -> f64 {
    value as f64
}
