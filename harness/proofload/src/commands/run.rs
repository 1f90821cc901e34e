//! `proofload run`: the main job.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proofload_core::baseline::Baseline;
use proofload_core::environment::Environment;
use proofload_core::evidence::{RunEnd, RunRecord};
use proofload_core::live::Said;
use proofload_core::plan::{Demand, Plan, demand};
use proofload_core::report::{Format, Report, closing_lines, files};
use proofload_core::scenario::Scenario;
use proofload_core::trace::Traces;
use proofload_runner::otlp::Receiver;
use proofload_runner::run::{
    Place, RunFolder, RunRequest, check_conformance, check_engine, keep_interrupts, run as run_scenario,
};
use proofload_runner::{machine_limits, unix_ms};
use tokio_util::sync::CancellationToken;

use super::plan::refuse_what_cannot_be_met;
use super::report::receiver;
use crate::args::{RunArgs, TellArgs};
use crate::failure::{Failure, INTERRUPTED};
use crate::files;
use crate::progress::{Progress, Surroundings, Telling, say};
use crate::stamp;
use crate::stored::{BASELINE_FILE, StoredRun};

pub(crate) async fn run(args: RunArgs, colour: bool) -> Result<u8, Failure> {
    let tell = args.tell;
    let outcome = run_as_told(args, colour).await;
    say_failure(tell, &outcome);
    outcome
}

/// A program that follows a run hears of its failure where it hears everything else.
pub(crate) fn say_failure<T>(tell: TellArgs, outcome: &Result<T, Failure>) {
    if let (true, Err(failure)) = (tell.json, outcome) {
        say(Said::Error { message: failure.message().to_owned(), exit_code: failure.code() });
    }
}

async fn run_as_told(args: RunArgs, colour: bool) -> Result<u8, Failure> {
    let metrics_to = args.otlp.as_deref().map(receiver).transpose()?;
    let ready = Ready::check(&args)?;
    if args.dry_run {
        let told = format!("{} is ready to run on {}; nothing was sent", ready.scenario.name, ready.environment.name);
        writeln!(beside_events(args.tell), "{told}")?;
        return Ok(0);
    }
    let ran = ready.run(&args, None, colour, stop_on_signal()).await?;
    conclude(&ran.run, &ran.folder, metrics_to.as_ref(), args.tell.json).await
}

/// Where text for people goes: with --json, standard output is for events alone.
pub(crate) fn beside_events(tell: TellArgs) -> Box<dyn Write> {
    if tell.json { Box::new(std::io::stderr()) } else { Box::new(std::io::stdout()) }
}

/// A run that is over, and where it lies.
pub(crate) struct Ran {
    pub(crate) run: StoredRun,
    pub(crate) folder: RunFolder,
}

/// A run that may begin: everything that can be checked without sending has been.
pub(crate) struct Ready {
    pub(crate) scenario: Scenario,
    pub(crate) environment: Environment,
    source: files::Source,
    environment_source: files::Source,
    traces: Traces,
    plan: Plan,
    threads: u32,
    baseline: Option<Baseline>,
}

impl Ready {
    /// Reads and checks scenario, environment and plan, and what this machine can do.
    pub(crate) fn check(args: &RunArgs) -> Result<Self, Failure> {
        let (scenario, source) = files::scenario(&args.scenario)?;
        let (environment, environment_source) = files::environment(&args.env, &args.scenario)?;
        let scenario = scenario.scaled(args.scale);
        let misfits = environment.misfits(&scenario);
        if !misfits.is_empty() {
            let told = misfits.iter().map(|misfit| format!("error: {misfit}")).collect::<Vec<_>>().join("\n");
            return Err(Failure::usage(told));
        }
        check_target(args, &scenario)?;
        check_engine(&scenario, args.generators)?;
        check_conformance(&scenario)?;
        let (traces, plan) = files::plan(&scenario, &source.folder, args.seed)?;
        if let Some(misfit) = environment.replay_above_ceiling(&scenario, &plan) {
            return Err(Failure::usage(format!("error: {misfit}")));
        }
        let demand = demand(&scenario, &plan);
        refuse_what_cannot_be_met(&demand, &machine_limits())?;
        let threads = args.threads.unwrap_or_else(|| threads_for(&scenario, &demand));
        check_shards(threads * args.generators.max(1), &scenario)?;
        let baseline = match &args.baseline {
            Some(wanted) => Some(super::baseline::read(wanted, &environment.name, &scenario.name)?),
            None => None,
        };
        Ok(Self { scenario, environment, source, environment_source, traces, plan, threads, baseline })
    }

    /// How long its plan lasts; starting, draining and calibration come on top.
    pub(crate) fn lasts(&self) -> Duration {
        Duration::from_nanos(self.plan.ends_ns)
    }

    /// Runs it until its end or `stop`. `confidence` stands in place of what each steady rule says of its own.
    pub(crate) async fn run(
        self,
        args: &RunArgs,
        confidence: Option<f64>,
        colour: bool,
        stop: CancellationToken,
    ) -> Result<Ran, Failure> {
        let parent = args.out.clone().unwrap_or_else(|| PathBuf::from("reports").join(&self.environment.name));
        let folder = RunFolder::create(&parent, &stamp::run_id(unix_ms()))?;
        folder.write("scenario.yaml", resolved(args, &self.source.text).as_bytes())?;
        if let Some(baseline) = &self.baseline {
            let text = serde_json::to_string(baseline).expect("figures and names are JSON");
            folder.write(BASELINE_FILE, text.as_bytes())?;
        }
        let (scenario, baseline) = (self.scenario.clone(), self.baseline.clone());
        let request = self.request(args, &folder, confidence)?;
        let mut progress = Progress::new(Telling::choose(args.tell, Surroundings::here()), colour);
        let outcome = run_scenario(request, stop, &mut |event| progress.on_event(&event)).await;
        progress.finish();
        match outcome {
            Ok(record) => Ok(Ran { run: StoredRun { scenario, record, baseline }, folder }),
            Err(error) => {
                folder.discard_if_empty();
                Err(error.into())
            }
        }
    }

    fn request(self, args: &RunArgs, folder: &RunFolder, confidence: Option<f64>) -> Result<RunRequest, Failure> {
        Ok(RunRequest {
            scenario_text: self.source.text,
            scenario_folder: self.source.folder,
            place: Place {
                environment: self.environment,
                environment_text: self.environment_source.text,
                environment_folder: self.environment_source.folder,
                target: args.target.clone(),
                logs: folder.path.join("logs"),
                proofload: std::env::current_exe()?,
                variable,
            },
            threads: self.threads,
            generators: args.generators,
            scale: args.scale,
            confidence,
            scenario_file: args.scenario.clone(),
            traces: self.traces,
            plan: Arc::new(self.plan),
            folder: folder.clone(),
            command: command_line(args),
            calibrate: !args.no_calibration,
            scenario: self.scenario,
        })
    }
}

/// Arrivals per second that one generator thread sends with room to spare, and virtual users likewise.
const PER_THREAD: u64 = 5_000;

/// As many threads as the load needs, but never more than there are cores.
fn threads_for(scenario: &Scenario, demand: &Demand) -> u32 {
    let wanted = demand.arrivals_in_1s.max(demand.users).div_ceil(PER_THREAD).max(1);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let places = scenario.workloads.iter().map(|workload| u64::from(workload.max_in_flight)).min().unwrap_or(1);
    u32::try_from(wanted.min(cores as u64).min(places)).unwrap_or(1)
}

/// Every shard needs a place on the wire, or its arrivals could never leave.
fn check_shards(shards: u32, scenario: &Scenario) -> Result<(), Failure> {
    match scenario.workloads.iter().find(|workload| workload.max_in_flight < shards) {
        None => Ok(()),
        Some(narrow) => Err(Failure::usage(format!(
            "error: workload `{}` has `max_in_flight: {}`, too few for {shards} generator threads; raise it, or lower --threads and --generators",
            narrow.name, narrow.max_in_flight
        ))),
    }
}

/// Judges the run, writes every report and prints the closing lines.
async fn conclude(
    run: &StoredRun,
    folder: &RunFolder,
    metrics_to: Option<&Receiver>,
    json: bool,
) -> Result<u8, Failure> {
    let report = run.judged();
    write_reports(folder, &report, run)?;
    if let Some(receiver) = metrics_to {
        send_metrics(receiver, &report, &run.record).await;
    }
    let exit_code = if run.record.run.end == RunEnd::Interrupted { INTERRUPTED } else { report.exit_code };
    let page = folder.path.join("report.html").display().to_string();
    if json {
        let (verdict, reason) = (report.verdict, report.reason);
        say(Said::Verdict { verdict, reason, exit_code, folder: folder.path.display().to_string(), report: page });
        return Ok(exit_code);
    }
    let mut stdout = std::io::stdout();
    for line in closing_lines(&report) {
        writeln!(stdout, "{line}")?;
    }
    writeln!(stdout, "report: {page}")?;
    Ok(exit_code)
}

/// Sends the metrics; a receiver that is away is worth a warning and changes no verdict.
pub(crate) async fn send_metrics(receiver: &Receiver, report: &Report, record: &RunRecord) {
    let mut request = Vec::new();
    let written = Format::Otlp.write(report, record, None, &mut request).map_err(|error| error.to_string());
    let sent = match written {
        Ok(()) => receiver.send(request).await,
        Err(error) => Err(error),
    };
    if let Err(why) = sent {
        // Nothing can be told if standard error is closed.
        let _ = writeln!(std::io::stderr(), "warning: {why}; the verdict stands");
    }
}

/// Writes every report format into the run folder.
pub(crate) fn write_reports(folder: &RunFolder, report: &Report, run: &StoredRun) -> Result<(), Failure> {
    for file in files(report, &run.record, run.baseline.as_ref()) {
        folder.write(file.name, &file.content)?;
    }
    Ok(())
}

/// `--target` names one address, so it fits only a scenario that drives one system.
fn check_target(args: &RunArgs, scenario: &Scenario) -> Result<(), Failure> {
    let systems = scenario.systems();
    match (&args.target, systems.len()) {
        (Some(_), count) if count > 1 => Err(Failure::usage(format!(
            "error: --target names one address, and {} drives {}; give each its own in an environment file",
            scenario.name,
            systems.join(" and ")
        ))),
        _ => Ok(()),
    }
}

/// Stops the run at the first SIGINT or SIGTERM; a second one ends the program at once.
pub(crate) fn stop_on_signal() -> CancellationToken {
    // Before anybody listens: whoever takes a signal last is the one who hears it.
    keep_interrupts();
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        refstack::stack::signals().await;
        told.cancel();
        refstack::stack::signals().await;
        leave_at_once();
    });
    stop
}

#[expect(clippy::disallowed_methods, reason = "the edge, where the process environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::exit, reason = "somebody pressed Ctrl-C twice; processes end when their standard input closes")]
fn leave_at_once() -> ! {
    std::process::exit(i32::from(INTERRUPTED))
}

/// The scenario as it was run: its text, with what the command line changed said on top.
fn resolved(args: &RunArgs, text: &str) -> String {
    if (args.scale - 1.0).abs() > f64::EPSILON {
        return format!("# run with --scale {}: every rate below was multiplied by it\n{text}", args.scale);
    }
    text.to_owned()
}

/// The command that repeats this run.
fn command_line(args: &RunArgs) -> String {
    let mut words = vec!["proofload run".to_owned(), args.scenario.display().to_string(), format!("-e {}", args.env)];
    if let Some(target) = &args.target {
        words.push(format!("--target {target}"));
    }
    if (args.scale - 1.0).abs() > f64::EPSILON {
        words.push(format!("--scale {}", args.scale));
    }
    words.push(format!("--seed {}", args.seed));
    if args.no_calibration {
        words.push("--no-calibration".to_owned());
    }
    words.join(" ")
}
