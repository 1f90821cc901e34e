//! `proofload search`: the highest load at which the rules of a scenario hold, each probe a whole run.

use std::io::Write;

use proofload_core::evidence::RunEnd;
use proofload_core::judge::Verdict;
use proofload_core::judge::search::{Capacity, Probe, SearchEnd, SearchLimits, Step, next};
use proofload_core::scenario::{Scenario, Stage};
use tokio_util::sync::CancellationToken;

use super::run::{Ready, stop_on_signal, write_reports};
use crate::args::{RunArgs, SearchArgs};
use crate::failure::{Failure, INTERRUPTED};

/// How sure the steady rules of a probe must be.
const CONFIDENCE: f64 = 0.95;

pub(crate) async fn search(args: SearchArgs, colour: bool) -> Result<u8, Failure> {
    let limits = SearchLimits { start: args.from, most: args.most, within: args.within, probes: args.probes };
    let stop = stop_on_signal();
    let mut probes: Vec<Probe> = Vec::new();
    loop {
        match next(&limits, &probes) {
            Step::Done(capacity) => return conclude(&args, &capacity, probes.len()),
            Step::Try(factor) => {
                let run = RunArgs { scale: factor, ..args.run.clone() };
                let probe = probe(&run, probes.len() + 1, colour, stop.clone()).await?;
                let Some(verdict) = probe else { return Ok(INTERRUPTED) };
                probes.push(Probe { factor, verdict });
            }
        }
    }
}

/// Runs one load and tells its verdict in a line; `None` where somebody stopped it.
async fn probe(
    args: &RunArgs,
    number: usize,
    colour: bool,
    stop: CancellationToken,
) -> Result<Option<Verdict>, Failure> {
    let ready = Ready::check(args)?;
    let rate = told_rate(&ready.scenario);
    let ran = ready.run(args, Some(CONFIDENCE), colour, stop).await?;
    let report = ran.run.judged();
    write_reports(&ran.folder, &report, &ran.run)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "probe {number}: {rate}: {} ({})", report.verdict, report.reason)?;
    writeln!(stdout, "  report: {}", ran.folder.path.join("report.html").display())?;
    Ok((ran.run.record.run.end != RunEnd::Interrupted).then_some(report.verdict))
}

fn conclude(args: &SearchArgs, capacity: &Capacity, probes: usize) -> Result<u8, Failure> {
    let (scenario, _) = crate::files::scenario(&args.run.scenario)?;
    let told = |factor: f64| format!("{} (--scale {factor:.4})", told_rate(&scenario.clone().scaled(factor)));
    let passes = capacity.passes.map_or_else(|| "no load passed".to_owned(), |it| format!("{} passes", told(it)));
    let fails = capacity.fails.map_or_else(String::new, |it| format!(", {} does not", told(it)));
    let (code, why) = match capacity.end {
        SearchEnd::Found => (0, format!("within ±{} %", args.within * 100.0)),
        SearchEnd::NoLimit => (4, "even the largest load that was allowed passes; raise --most".to_owned()),
        SearchEnd::OutOfProbes => (4, "no more runs were allowed; raise --probes".to_owned()),
        SearchEnd::Invalid => (3, "beyond that proofload itself could not measure, twice; use more machine".to_owned()),
        SearchEnd::NothingPasses => (1, "not even a hundredth of the first load passes".to_owned()),
    };
    writeln!(std::io::stdout(), "capacity: {passes}{fails}; {why}; {probes} runs")?;
    Ok(code)
}

/// The load of a scenario in words: the peaks of its open workloads together, and its virtual users.
fn told_rate(scenario: &Scenario) -> String {
    let peak = |stages: &[Stage]| stages.iter().map(Stage::peak_per_second).fold(0.0, f64::max);
    let rate: f64 = scenario.workloads.iter().map(|workload| peak(workload.stages())).sum();
    let users: u64 = scenario.workloads.iter().map(|workload| u64::from(workload.executor.peak_vus())).sum();
    match (rate > 0.0, users) {
        (true, 0) => format!("{rate:.4} arrivals/s"),
        (true, users) => format!("{rate:.4} arrivals/s and {users} virtual users"),
        (false, users) => format!("{users} virtual users"),
    }
}
