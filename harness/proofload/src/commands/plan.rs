//! `proofload plan`: the schedule, and whether it has the samples its rules need.

use std::io::Write;

use proofload_core::judge::samples_least;
use proofload_core::plan::{Plan, window_ns};
use proofload_core::scenario::{Bound, Scenario, Sli};

use crate::args::PlanArgs;
use crate::failure::Failure;
use crate::files;

pub(crate) fn plan(args: &PlanArgs) -> Result<u8, Failure> {
    let (scenario, source) = files::scenario(&args.scenario)?;
    let scenario = scenario.scaled(args.scale);
    let traces = files::traces(&scenario, &source.folder)?;
    let plan = Plan::new(&scenario, &traces, args.seed).map_err(|error| Failure::usage(format!("error: {error}")))?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{}: {} arrivals in {:.0} s, seed {}",
        scenario.name,
        plan.arrivals.len(),
        seconds(plan.ends_ns),
        plan.seed
    )?;
    for workload in &plan.workloads {
        writeln!(out, "  {} ({}): {} arrivals", workload.name, workload.flow, workload.arrivals)?;
        for stage in &workload.stages {
            let (from, to) = (seconds(stage.starts_ns), seconds(stage.ends_ns));
            writeln!(out, "    {:<12} {from:>6.1} s – {to:>6.1} s  {:>6} arrivals", stage.name, stage.arrivals)?;
        }
    }
    for line in expected_samples(&scenario, &plan) {
        writeln!(out, "{line}")?;
    }
    Ok(0)
}

/// For each percentile rule, the samples it will have and the fewest it needs.
fn expected_samples(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for slo in &scenario.slos {
        let (Sli::Latency(name) | Sli::Job(name), Bound::Percentile { share, .. }) = (&slo.sli, slo.bound) else {
            continue;
        };
        let (from, to) = window_ns(&plan.workloads, &slo.during);
        // Loops send a request several times in a pass, branches in some passes only.
        let per_pass: Vec<f64> =
            scenario.workloads.iter().map(|workload| scenario.flows[workload.flow].times_per_pass(name)).collect();
        let within = plan.arrivals.iter().filter(|arrival| (from..to).contains(&arrival.at_ns));
        let samples: f64 = within.map(|arrival| per_pass[arrival.workload as usize]).sum();
        let least = samples_least(share, slo.claim);
        #[expect(clippy::cast_precision_loss, reason = "a small number of samples")]
        let enough = if samples >= least as f64 { "enough" } else { "TOO FEW: it will read INCONCLUSIVE" };
        lines.push(format!("  {} needs {least} samples at least and gets about {samples:.0}: {enough}", slo.sli));
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "a plan is shorter than 2^53 ns")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
