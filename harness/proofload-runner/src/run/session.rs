//! The run itself: listens to generator, collector and cluster until everything is settled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proofload_core::evidence::{RunEnd, RunInfo, RunRecord};
use proofload_core::judge::{Burn, Standings};
use proofload_core::plan::PlannedWorkload;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::assembler::{Assembler, cluster_evidence, timed_steps};
use super::prepare::Stage;
use super::settle::{is_settled, scaling_decided};
use super::{RunError, RunRequest};
use super::{engine, external, generators};
use crate::audit::Watch;
use crate::clock::{RunClock, unix_ms};
use crate::cluster::ClusterEvent;
use crate::collector::{QueueReading, Readings, WatchedQueue, collect};
use crate::cross_check::CrossCheck;
use crate::event::{Event, Phase, Progress};
use crate::load::{Control, Generator, GeneratorEvent, Outcome, SystemAccess, Target, Tick, WorldParts};

/// From now to the start of the axis: time for the generator to make its world.
const LEAD: Duration = Duration::from_millis(300);
/// How often the growing record is saved.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// How often the last save is tried again for want of file descriptors, and how long each waits.
const LAST_SAVES_MAX: u32 = 100;
const LAST_SAVE_AGAIN: Duration = Duration::from_millis(20);
/// How long after its last promise the generator may stay silent.
const GENERATOR_SILENT_MAX: Duration = Duration::from_secs(30);

/// Everything that speaks while the run goes.
type Voices = (Generator, UnboundedReceiver<ClusterEvent>, UnboundedReceiver<Readings>);

/// What is known while the run goes.
struct Session<'r> {
    request: &'r RunRequest,
    clock: RunClock,
    assembler: Assembler,
    burn: Burn,
    standings: Standings,
    tick: Tick,
    /// The figures of the last progress that was told.
    last_told: Tick,
    queue: Option<f64>,
    /// What each system's witnesses showed just before the last look at open jobs.
    work_shown: BTreeMap<String, u64>,
    journal: tokio::fs::File,
    watch: Watch,
    draining_until_ms: Option<u64>,
    end: RunEnd,
}

pub(super) async fn run_session(
    request: &RunRequest,
    stage: &mut Stage,
    stop: &CancellationToken,
    on_event: &mut dyn FnMut(Event),
) -> Result<RunRecord, RunError> {
    let timed = timed_steps(&request.scenario);
    let scaled = stage.cluster.as_ref().map(crate::cluster::LocalCluster::evidence).unwrap_or_default();
    let processes = generators::gather(request, stage).await?;
    let clock = RunClock::starting_in(LEAD);
    let info = run_info(request);
    let pacing = request.place.environment.pacing;
    let parts = WorldParts {
        clock,
        scenario: request.scenario.clone(),
        seed: request.plan.seed,
        run_id: request.folder.id.clone(),
        systems: stage.systems.clone(),
        payloads: std::mem::take(&mut stage.payloads),
        traces: request.traces.clone(),
        data: std::mem::take(&mut stage.data),
        methods: std::mem::take(&mut stage.methods),
        timed: timed.clone(),
        tls: Some(Arc::clone(&stage.tls)),
        pacing,
    };
    let targets: Vec<SocketAddr> = stage.systems.iter().flat_map(SystemAccess::targets).map(Target::address).collect();
    let plan_summary: Vec<PlannedWorkload> = request.plan.workloads.clone();
    let cluster = cluster_evidence(&request.place.environment, scaled);
    let assembler = Assembler::new(info, plan_summary, &timed, cluster, request.place.environment.prices.clone());
    let mut session = Session {
        request,
        clock,
        burn: Burn::new(&request.scenario),
        standings: Standings::new(&request.scenario, &assembler.record),
        assembler,
        tick: Tick::default(),
        last_told: Tick::default(),
        queue: None,
        work_shown: BTreeMap::new(),
        journal: journal(request).await?,
        watch: Watch::start(clock, &targets, pacing),
        draining_until_ms: None,
        end: RunEnd::Completed,
    };
    session.assembler.record.generator.calibration = stage.calibration.take();
    session.assembler.record.generator.shards = engine::shards(request);
    let (generator, _children) = match processes {
        Some(processes) => processes.start(clock),
        None => (engine::start(&parts, request)?, Vec::new()),
    };
    let (cluster_tell, cluster_events) = unbounded_channel();
    if let Some(cluster) = &mut stage.cluster {
        cluster.autoscale(clock, &cluster_tell);
    }
    let (collector_tell, readings) = unbounded_channel();
    let collector = tokio::spawn(collect(stage.queues.clone(), stage.http.clone(), clock, collector_tell));
    let heard = session.listen((generator, cluster_events, readings), stage, stop, on_event).await;
    collector.abort();
    let outcome = heard?;
    session.tell_moved_targets(&stage.systems, on_event).await;
    if let Some(cross_check) = &outcome.cross_check {
        session.tell_cross_check(cross_check, on_event)?;
    }
    let lasted_ms = session.at_ms();
    let mut found = session.watch.end();
    outcome.watched.iter().for_each(|other| found.merge(other));
    session.assembler.audited(found);
    let work_shown = std::mem::take(&mut session.work_shown);
    session.assembler.finish(outcome, &work_shown, &request.scenario, (session.end, lasted_ms));
    let record = &mut session.assembler.record;
    record.external = external::gather(&request.scenario, stage, &record.run).await;
    session.save_last(on_event).await?;
    Ok(session.assembler.record)
}

impl Session<'_> {
    /// The loop of the run; returns what the generator hands over at its end.
    async fn listen(
        &mut self,
        (mut generator, mut cluster, mut readings): Voices,
        stage: &mut Stage,
        stop: &CancellationToken,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Outcome, RunError> {
        on_event(Event::Phase { phase: Phase::Load });
        let mut save = tokio::time::interval(SAVE_EVERY);
        let mut progress = tokio::time::interval(Duration::from_secs(1));
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut finishing = false;
        let mut silence = std::pin::pin!(tokio::time::sleep(GENERATOR_SILENT_MAX));
        loop {
            tokio::select! {
                heard = generator.next() => {
                    silence.as_mut().reset(tokio::time::Instant::now() + GENERATOR_SILENT_MAX);
                    match heard {
                        Some(GeneratorEvent::Finished(outcome)) => return Ok(*outcome),
                        Some(event) => self.on_generator(event, on_event).await?,
                        None => return Err(silent()),
                    }
                }
                () = &mut silence => return Err(silent()),
                Some(event) = cluster.recv() => self.on_cluster(event, on_event),
                Some(read) = readings.recv() => self.on_readings(&stage.queues, &read),
                _ = save.tick() => drop(self.save(on_event)?),
                _ = progress.tick() => {
                    self.assembler.audited(self.watch.so_far());
                    self.tell_progress(on_event);
                    for name in stage.ended_processes() {
                        on_event(Event::Warning { text: format!("process `{name}` has ended; its log is in logs/") });
                    }
                }
                () = stop.cancelled(), if !finishing => self.end = RunEnd::Interrupted,
            }
            if !finishing && (self.end != RunEnd::Completed || self.may_finish()) {
                finishing = true;
                // Witnesses first, then the last look: work that ends between the two is seen to end.
                self.work_shown = self.ask_witnesses(stage).await;
                generator.tell(Control::Finish);
                silence.as_mut().reset(tokio::time::Instant::now() + GENERATOR_SILENT_MAX);
            }
        }
    }

    async fn on_generator(&mut self, event: GeneratorEvent, on_event: &mut dyn FnMut(Event)) -> Result<(), RunError> {
        match event {
            GeneratorEvent::Tick(tick) => {
                self.assembler.tick(&tick);
                self.watch_burn(&tick, on_event);
                self.tick = tick;
            }
            GeneratorEvent::Closed(seconds) => {
                for second in &seconds {
                    self.standings.add(second.step, &second.counts());
                }
                self.assembler.closed(seconds);
            }
            GeneratorEvent::Journal(line) => {
                let mut text = serde_json::to_string(&line).expect("a journal line holds only numbers and texts");
                text.push('\n');
                self.journal.write_all(text.as_bytes()).await.map_err(|error| self.journal_failed(&error))?;
            }
            GeneratorEvent::IterationsEnded { workload, ended_ns } => {
                self.assembler.iterations_ended(workload, ended_ns);
            }
            GeneratorEvent::LoadEnded => {
                let drain_ms = u64::try_from(self.request.scenario.drain.as_millis()).unwrap_or(u64::MAX);
                self.draining_until_ms = Some(self.at_ms().saturating_add(drain_ms));
                self.assembler.mark(self.at_ms(), "load ends".to_owned());
                on_event(Event::Phase { phase: Phase::Drain });
            }
            GeneratorEvent::Lost(why) => {
                let text = format!("a part of the generator is lost, so the run will be INVALID: {why}");
                self.assembler.mark(self.at_ms(), text.clone());
                on_event(Event::Warning { text });
            }
            GeneratorEvent::Finished(_) => {}
        }
        Ok(())
    }

    /// Ends the run once a rule that asks for it is plainly broken.
    fn watch_burn(&mut self, tick: &Tick, on_event: &mut dyn FnMut(Event)) {
        let Some(aborted) = self.burn.take(tick.at_ms, &tick.burns).filter(|_| self.end == RunEnd::Completed) else {
            return;
        };
        let text = format!("{} is plainly broken: {}", aborted.rule, aborted.why);
        self.assembler.mark(aborted.at_ms, text.clone());
        self.assembler.record.aborted = Some(aborted);
        self.end = RunEnd::Aborted;
        on_event(Event::Warning { text });
    }

    fn on_cluster(&mut self, event: ClusterEvent, on_event: &mut dyn FnMut(Event)) {
        if let ClusterEvent::Warning(text) = &event {
            self.assembler.mark(self.at_ms(), text.clone());
            on_event(Event::Warning { text: text.clone() });
        }
        if let Some((target, from, to, reason)) = self.assembler.cluster(event) {
            on_event(Event::Scaled { target, from, to, reason });
        }
    }

    /// The load is over, and either nothing is left to wait for or the waiting has reached its limits.
    fn may_finish(&mut self) -> bool {
        let Some(until_ms) = self.draining_until_ms else { return false };
        let now_ms = self.at_ms();
        self.assembler.record.run.lasted_ms = now_ms;
        let record = &self.assembler.record;
        if is_settled(&self.tick, &self.request.scenario, record) {
            return true;
        }
        now_ms >= until_ms && scaling_decided(&self.request.scenario, record)
    }

    fn on_readings(&mut self, queues: &[WatchedQueue], readings: &Readings) {
        let mut work = None;
        for (queue, reading) in queues.iter().zip(&readings.values) {
            self.assembler.reading(reading.is_none());
            if let Some(reading) = reading {
                self.assembler.point(&format!("queue {} ready", queue.name), readings.at_ms, reading.ready);
                self.assembler.point(&format!("queue {} unacked", queue.name), readings.at_ms, reading.unacked);
                work = Some(work.unwrap_or(0.0) + reading.work());
            }
        }
        self.queue = work.or(self.queue);
    }

    /// How much work each system still shows, for the ledger. A system with a queue that cannot be read has no witness.
    async fn ask_witnesses(&self, stage: &Stage) -> BTreeMap<String, u64> {
        let mut shown: BTreeMap<String, Option<u64>> = BTreeMap::new();
        for queue in &stage.queues {
            let reading = read_patiently(queue, &stage.http).await;
            let sum = shown.entry(queue.system.clone()).or_insert(Some(0));
            *sum = sum.zip(reading).map(|(sum, reading)| sum + whole(reading.work()));
        }
        shown.into_iter().filter_map(|(system, work)| Some((system, work?))).collect()
    }

    /// Addresses are resolved once, before the first request; that they have changed since is worth knowing.
    async fn tell_moved_targets(&mut self, systems: &[SystemAccess], on_event: &mut dyn FnMut(Event)) {
        for target in systems.iter().flat_map(SystemAccess::targets) {
            if let Some(text) = target.moved().await {
                self.assembler.mark(self.at_ms(), text.clone());
                on_event(Event::Warning { text });
            }
        }
    }

    /// Keeps what another engine said of the load, and tells in a line whether it agrees.
    fn tell_cross_check(&mut self, cross_check: &CrossCheck, on_event: &mut dyn FnMut(Event)) -> Result<(), RunError> {
        let mut json = serde_json::to_string_pretty(cross_check).expect("figures and names are JSON");
        json.push('\n');
        on_event(Event::Saved { path: self.request.folder.write("goose.json", json.as_bytes())? });
        let text = cross_check.told();
        self.assembler.mark(self.at_ms(), text.clone());
        on_event(if cross_check.disagreements().is_empty() { Event::Note { text } } else { Event::Warning { text } });
        Ok(())
    }

    fn tell_progress(&mut self, on_event: &mut dyn FnMut(Event)) {
        let at_ms = self.at_ms();
        let stages = self.request.plan.workloads.iter().filter_map(|workload| {
            let under_way = |from: u64, to: u64| (from / 1_000_000..to / 1_000_000).contains(&at_ms);
            let stage = workload.stages.iter().find(|stage| under_way(stage.starts_ns, stage.ends_ns))?;
            Some(format!("{}.{}", workload.name, stage.name))
        });
        let last = std::mem::replace(&mut self.last_told, self.tick.clone());
        // Ticks come every quarter of a second, so what lies between two tellings is not always a second.
        let lay_ms = self.tick.at_ms.saturating_sub(last.at_ms).max(1);
        let per_second = |now: u64, then: u64| (now.saturating_sub(then) * 1000).div_ceil(lay_ms);
        on_event(Event::Progress(Progress {
            at_s: at_ms / 1000,
            planned_s: self.request.plan.ends_ns / 1_000_000_000,
            stages: stages.collect(),
            due: per_second(self.tick.due, last.due),
            answered: per_second(self.tick.answered, last.answered),
            errors: self.tick.errors,
            in_flight: self.tick.in_flight,
            response: self.tick.recent.percentiles(),
            jobs_open: self.tick.jobs_open,
            jobs_ended: self.tick.jobs_ended,
            queue: self.queue,
            replicas: self.assembler.replicas(),
            rules: self.standings.at(at_ms / 1000),
        }));
    }

    /// Saves the record; says whether that could be done. A generator that holds every file descriptor must not end
    /// the run: the next save finds some, and the shortage is a signal.
    fn save(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<bool, RunError> {
        self.assembler.settle_seconds();
        self.assembler.record.run.lasted_ms = self.at_ms();
        let folder = &self.request.folder;
        match folder.try_write("record.json", self.assembler.record.to_json().as_bytes()) {
            Ok(path) => on_event(Event::Saved { path }),
            Err(error) if is_out_of_descriptors(&error) => return Ok(false),
            Err(error) => return Err(folder.unwritable("record.json", &error)),
        }
        Ok(true)
    }

    /// Saves the record at the end, when the generator's connections have gone or are about to.
    async fn save_last(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<(), RunError> {
        for _ in 0..LAST_SAVES_MAX {
            if self.save(on_event)? {
                return Ok(());
            }
            tokio::time::sleep(LAST_SAVE_AGAIN).await;
        }
        Err(RunError::Internal(
            "the record could not be saved: no file descriptor came free; raise `ulimit -n`".to_owned(),
        ))
    }

    fn at_ms(&self) -> u64 {
        self.clock.now_ns() / 1_000_000
    }

    fn journal_failed(&self, error: &std::io::Error) -> RunError {
        let folder = self.request.folder.path.display();
        RunError::Folder(format!("{folder}/record.jobs.jsonl cannot be written: {error}; free some space"))
    }
}

/// Whether this process or the whole machine has no file descriptor left.
fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::MFILE | Errno::NFILE))
}

/// A shard that ends early says so; nothing at all comes only of threads that hang.
fn silent() -> RunError {
    RunError::Internal("the generator fell silent".to_owned())
}

/// A witness is asked up to three times before it counts as silent.
async fn read_patiently(queue: &WatchedQueue, http: &reqwest::Client) -> Option<QueueReading> {
    for _ in 0..3 {
        if let Ok(reading) = queue.read(http).await {
            return Some(reading);
        }
    }
    None
}

async fn journal(request: &RunRequest) -> Result<tokio::fs::File, RunError> {
    let path = request.folder.path.join("record.jobs.jsonl");
    tokio::fs::File::create(&path)
        .await
        .map_err(|error| RunError::Folder(format!("{} cannot be written: {error}", path.display())))
}

fn run_info(request: &RunRequest) -> RunInfo {
    let machine = machine();
    let mut hash = Sha256::new();
    let scale = request.scale.to_string();
    for text in [&request.scenario_text, &request.place.environment_text, &machine, &scale] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    RunInfo {
        id: request.folder.id.clone(),
        started_unix_ms: unix_ms() + u64::try_from(LEAD.as_millis()).unwrap_or(0),
        lasted_ms: 0,
        end: RunEnd::Running,
        scenario: request.scenario.name.clone(),
        description: request.scenario.description.clone(),
        environment: request.place.environment.name.clone(),
        environment_hash: format!("{:x}", hash.finalize()),
        seed: request.plan.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: request.command.clone(),
        machine,
        confidence: request.confidence,
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let uname = rustix::system::uname();
    format!("{cores} cores, {} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "queues hold small whole numbers")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}
