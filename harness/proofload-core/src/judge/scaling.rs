//! Did the autoscaler do what the scenario asks of it? All limits are in cluster time.

use super::finding::{Figure, Finding, Group, Outcome};
use crate::evidence::{ClusterEvidence, RunRecord, ScaledWorkload};
use crate::plan::window_ns;
use crate::scenario::{Moment, Reach, ScalingClause};

pub(super) fn judge_scaling(clause: &ScalingClause, record: &RunRecord) -> Vec<Finding> {
    let mut findings = Vec::new();
    let seen = record.cluster.as_ref().and_then(|cluster| {
        let workload = cluster.workloads.iter().find(|workload| workload.target == clause.target)?;
        Some((cluster, workload))
    });
    let Some((cluster, workload)) = seen else {
        let message = "no cluster of this environment was watched for this workload".to_owned();
        let title = format!("scaling of {}", clause.target);
        let id = format!("scaling.{}", clause.target);
        return vec![Finding::plain(Group::Scaling, &id, title, Outcome::NotJudged, message)];
    };
    if let Some(reach) = &clause.reaches {
        findings.push(judge_reach(&Side::Up, reach, cluster, workload, record));
    }
    if let Some(reach) = &clause.returns {
        findings.push(judge_reach(&Side::Down, reach, cluster, workload, record));
    }
    if let Some(max) = clause.flaps {
        findings.push(judge_flaps(max, workload));
    }
    findings
}

enum Side {
    Up,
    Down,
}

fn judge_reach(
    side: &Side,
    reach: &Reach,
    cluster: &ClusterEvidence,
    workload: &ScaledWorkload,
    record: &RunRecord,
) -> Finding {
    let after_ms = moment_ms(&reach.after, record);
    let within_s = reach.within.as_secs_f64();
    let there = |ready: u32, desired: u32| match side {
        Side::Up => ready >= reach.replicas,
        Side::Down => ready <= reach.replicas && desired <= reach.replicas,
    };
    let cluster_s = |wall_ms: f64| wall_ms / 1e3 * cluster.speed;
    // The level at the moment itself counts, as well as every later change.
    let at_moment = workload.replicas.iter().rev().find(|point| ms(point.at_ms) <= after_ms);
    let later = workload.replicas.iter().filter(|point| ms(point.at_ms) > after_ms);
    let took_s = at_moment
        .into_iter()
        .chain(later)
        .find(|point| there(point.ready, point.desired))
        .map(|point| cluster_s((ms(point.at_ms) - after_ms).max(0.0)));
    #[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
    let watched_s = cluster_s((record.run.lasted_ms as f64 - after_ms).max(0.0));
    let outcome = match took_s {
        Some(took) if took <= within_s => Outcome::Pass,
        Some(_) => Outcome::Fail,
        None if watched_s >= within_s => Outcome::Fail,
        None => Outcome::Inconclusive,
    };
    let best = match side {
        Side::Up => workload.replicas.iter().map(|point| point.ready).max(),
        Side::Down => workload.replicas.last().map(|point| point.ready),
    };
    let message = match took_s {
        Some(took) => format!("{} replicas ready after {took:.0} s of cluster time", reach.replicas),
        None => format!(
            "{} replicas were not seen in {watched_s:.0} s of cluster time; {} was",
            reach.replicas,
            best.unwrap_or(0)
        ),
    };
    let (word, key) = match side {
        Side::Up => ("reaches", "reaches"),
        Side::Down => ("returns to", "returns"),
    };
    let title = format!("{} {word} {} replicas within {within_s:.0} s", workload.target, reach.replicas);
    Finding {
        figure: Some(Figure { value: took_s, interval: None, limit: within_s, unit: "s".to_owned() }),
        samples: workload.syncs.len() as u64,
        ..Finding::plain(Group::Scaling, &format!("scaling.{}.{key}", workload.target), title, outcome, message)
    }
}

/// A flap is a change of direction beyond one rise and one fall.
fn judge_flaps(max: u32, workload: &ScaledWorkload) -> Finding {
    let mut direction = 0i64;
    let mut changes = 0u32;
    for pair in workload.replicas.windows(2) {
        let step = (i64::from(pair[1].desired) - i64::from(pair[0].desired)).signum();
        if step != 0 && step != direction {
            changes += 1;
            direction = step;
        }
    }
    let flaps = changes.saturating_sub(2);
    let outcome = match workload.syncs.len() {
        0 => Outcome::Inconclusive,
        _ if flaps > max => Outcome::Fail,
        _ => Outcome::Pass,
    };
    Finding {
        figure: Some(Figure {
            value: Some(f64::from(flaps)),
            interval: None,
            limit: f64::from(max),
            unit: "flaps".to_owned(),
        }),
        samples: workload.syncs.len() as u64,
        ..Finding::plain(
            Group::Scaling,
            &format!("scaling.{}.flaps", workload.target),
            format!("{} flaps at most {max} times", workload.target),
            outcome,
            format!("{changes} changes of direction, {flaps} beyond one rise and one fall"),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns")]
fn moment_ms(moment: &Moment, record: &RunRecord) -> f64 {
    let ns = match moment {
        Moment::Start(window) => window_ns(&record.plan, window).0,
        Moment::End(workload) => record.plan[*workload].ends_ns,
    };
    ns as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
fn ms(at_ms: i64) -> f64 {
    at_ms as f64
}
