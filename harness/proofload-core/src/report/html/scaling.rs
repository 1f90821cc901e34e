//! What the autoscalers were, and what they decided.

use super::scale::clock;
use crate::evidence::{RunRecord, ScaledWorkload, ScalingSync};
use crate::report::words;

/// Most workloads with a section.
const WORKLOADS_MAX: usize = 20;
/// Most decisions in one table.
const DECISIONS_MAX: usize = 40;

pub(super) struct ScaledSection {
    pub(super) target: String,
    pub(super) autoscaler: String,
    /// Decisions in all, changes, unread metrics.
    pub(super) told: String,
    pub(super) decisions: Vec<Decision>,
    pub(super) left_out: usize,
}

pub(super) struct Decision {
    pub(super) at: String,
    pub(super) metric: String,
    pub(super) change: String,
    pub(super) reason: String,
}

/// What every reader of the figures has to know about the cluster.
pub(super) fn note(record: &RunRecord) -> String {
    let Some(cluster) = &record.cluster else {
        return "No cluster was watched, so nothing is said about scaling.".to_owned();
    };
    let kind = words::clip(&cluster.kind, 80);
    if (cluster.speed - 1.0).abs() < 1e-9 {
        return format!("Cluster “{kind}”: cluster time is wall time.");
    }
    format!(
        "Cluster “{kind}”: cluster time runs {} times faster than wall time. Scaling rules are in cluster time; load \
         and latency are in wall time.",
        words::digits(cluster.speed)
    )
}

pub(super) fn sections(record: &RunRecord) -> Vec<ScaledSection> {
    let workloads = record.cluster.iter().flat_map(|cluster| &cluster.workloads);
    workloads.take(WORKLOADS_MAX).map(section).collect()
}

fn section(workload: &ScaledWorkload) -> ScaledSection {
    let changes: Vec<&ScalingSync> = workload.syncs.iter().filter(|sync| sync.desired != sync.current).collect();
    let unread = workload.syncs.iter().filter(|sync| sync.metric.is_none()).count();
    let most = workload.replicas.iter().map(|point| point.ready).max();
    let most = most.map_or_else(|| "no replica was ever seen".to_owned(), |most| format!("at most {most} were ready"));
    ScaledSection {
        target: words::clip(&workload.target, 120),
        autoscaler: words::clip(&workload.autoscaler, 300),
        told: format!(
            "Between {} and {} replicas allowed; {most}. {} decisions, {} of them changes; the metric could not be \
             read for {}.",
            workload.replicas_min,
            workload.replicas_max,
            words::count(workload.syncs.len() as u64),
            words::count(changes.len() as u64),
            words::count(unread as u64)
        ),
        left_out: changes.len().saturating_sub(DECISIONS_MAX),
        decisions: changes.into_iter().take(DECISIONS_MAX).map(decision).collect(),
    }
}

fn decision(sync: &ScalingSync) -> Decision {
    #[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ms")]
    let at_s = sync.at_ms as f64 / 1e3;
    Decision {
        at: if at_s < 0.0 { format!("{} before the start", clock(-at_s)) } else { clock(at_s) },
        metric: sync.metric.map_or_else(|| "not read".to_owned(), words::digits),
        change: format!("{} → {}", sync.current, sync.desired),
        reason: words::clip(&sync.reason, 200),
    }
}
