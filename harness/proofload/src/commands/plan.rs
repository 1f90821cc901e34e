//! `proofload plan`: the schedule, and whether it has the samples its rules need.

use std::io::Write;

use proofload_core::judge::{POWER, detectable, samples_least};
use proofload_core::plan::{Demand, MachineLimits, Plan, demand, mebibytes, window_ns};
use proofload_core::scenario::{Bound, Claim, ConformanceClause, Scenario, Sli};
use proofload_runner::conformance::list;
use proofload_runner::machine_limits;
use proofload_runner::run::check_conformance;

use crate::args::PlanArgs;
use crate::failure::Failure;
use crate::files;

pub(crate) fn plan(args: &PlanArgs) -> Result<u8, Failure> {
    let (scenario, source) = files::scenario(&args.scenario)?;
    check_conformance(&scenario)?;
    let scenario = scenario.scaled(args.scale);
    let (_, plan) = files::plan(&scenario, &source.folder, args.seed)?;
    let mut out = std::io::stdout();
    if args.arrivals {
        return print_arrivals(&plan, &mut out);
    }
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
    for line in contract_lines(&scenario).iter().chain(&expected_samples(&scenario, &plan)) {
        writeln!(out, "{line}")?;
    }
    let demand = demand(&scenario, &plan);
    let limits = machine_limits();
    for line in demand_lines(&demand, &limits) {
        writeln!(out, "{line}")?;
    }
    refuse_what_cannot_be_met(&demand, &limits)?;
    Ok(0)
}

/// Each contract that is looked at after the load, and how many of its checks.
fn contract_lines(scenario: &Scenario) -> Vec<String> {
    let line = |clause: &ConformanceClause| {
        let checks = list(clause.profile);
        let selected = checks.iter().filter(|check| check.is_selected(&clause.select)).count();
        format!(
            "  then conformance of {} to {}: {selected} of {} checks",
            clause.system,
            clause.profile.name(),
            checks.len()
        )
    };
    scenario.conformance.iter().map(line).collect()
}

/// Every arrival on a line of its own. That nobody reads on (`| head`) is no failure.
fn print_arrivals(plan: &Plan, out: &mut impl Write) -> Result<u8, Failure> {
    let mut out = std::io::BufWriter::new(out);
    for arrival in &plan.arrivals {
        let workload = &plan.workloads[arrival.workload as usize].name;
        match writeln!(out, "{} {workload} {}", arrival.at_ns, arrival.iteration) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(0),
            written => written?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(0),
    }
}

/// Exit 2 where this machine cannot carry a plan out.
pub(crate) fn refuse_what_cannot_be_met(demand: &Demand, limits: &MachineLimits) -> Result<(), Failure> {
    let refusals = limits.refuse(demand);
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(refusals.iter().map(|why| format!("error: {why}")).collect::<Vec<_>>().join("\n")))
}

/// What the plan asks of this machine, beside what the machine allows.
fn demand_lines(demand: &Demand, limits: &MachineLimits) -> Vec<String> {
    let of = |allowed: Option<u64>| allowed.map_or("unknown".to_owned(), |allowed| allowed.to_string());
    let mut lines = vec![
        format!(
            "  asks of this machine, at most: {} arrivals in a second, {} in a tenth of one; {} users",
            demand.arrivals_in_1s, demand.arrivals_in_100ms, demand.users
        ),
        format!("    connections {:>8} of {} local ports", demand.on_the_wire, of(limits.local_ports)),
        format!("    open files  {:>8} of {}", demand.file_descriptors, of(limits.file_descriptors)),
        format!(
            "    memory      {:>8} of {} MiB, payloads not counted",
            mebibytes(demand.memory_bytes),
            of(limits.memory_bytes.map(mebibytes))
        ),
    ];
    match (demand.connections_in_1s, limits.connections_per_second_max()) {
        (Some(opened), Some(most)) if opened > most => lines.push(format!(
            "    WARNING: if the target closes every connection, {opened} new ones a second use up the ports, which last for {most}"
        )),
        (None, Some(most)) => {
            lines.push(format!("    if the target closes every connection, the ports last for {most} new ones a second"));
        }
        _ => {}
    }
    lines
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
        let least = samples_least(share, slo.claim, slo.confidence);
        #[expect(clippy::cast_precision_loss, reason = "a small number of samples")]
        let enough = if samples >= least as f64 { "enough" } else { "TOO FEW: it will read INCONCLUSIVE" };
        lines.push(format!("  {} needs {least} samples at least and gets about {samples:.0}: {enough}", slo.sli));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no plan has 2^63 samples")]
        lines.extend(told_apart(samples as u64, share, slo.claim));
    }
    lines
}

/// The smallest effects that a percentile rule would nearly surely show.
fn told_apart(samples: u64, share: f64, claim: Claim) -> Option<String> {
    let found = detectable(samples, share, claim);
    let percent = |late: f64| format!("{:.2} %", late * 100.0);
    let limit = percent(1.0 - share);
    let chance = POWER * 100.0;
    let said = match (found.passes_at, found.fails_at) {
        (Some(passes), Some(fails)) => format!(
            "passes if at most {} of them are late, and fails from {} on (limit {limit})",
            percent(passes),
            percent(fails)
        ),
        (None, Some(fails)) => format!("cannot pass, and fails from {} late on (limit {limit})", percent(fails)),
        _ => return None,
    };
    Some(format!("    with a chance of {chance:.0} %, it {said}, were the samples independent (D = 1)"))
}

#[expect(clippy::cast_precision_loss, reason = "a plan is shorter than 2^53 ns")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
