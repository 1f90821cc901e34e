//! What a run cost from its start to the end of its drain, by the prices that its environment states.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words;
use crate::evidence::{RunRecord, Second, StepKind};
use crate::judge::{PricedWorkload, has_one_clock, rounded, speed, spending};

/// What a run cost. Replicas and fixed parts are paid in cluster time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostSummary {
    /// As the environment writes it.
    pub currency: String,
    /// How long the run was, drain included, hours of cluster time.
    pub hours: f64,
    /// Cluster seconds per wall second.
    pub speed: f64,
    /// Ready replicas that have a price.
    pub workloads: Vec<WorkloadCost>,
    /// What is there whatever the load.
    pub fixed: Vec<FixedCost>,
    /// The sum of all; absent where replicas are not known.
    pub total: Option<f64>,
    /// The same for an hour.
    pub hourly: Option<f64>,
    /// What jobs cost, by flow; empty where cluster time is not wall time.
    pub per_1000: Vec<JobCost>,
}

impl CostSummary {
    /// An amount in the currency of the prices.
    pub(super) fn money(&self, amount: Option<f64>) -> String {
        amount.map_or_else(|| words::UNKNOWN.to_owned(), |amount| words::money(amount, &self.currency))
    }
}

/// The ready replicas of a workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadCost {
    /// `Deployment/name`.
    pub target: String,
    /// Of one replica, `0.55/h`.
    pub price: String,
    /// Absent where they are not known for nearly all of the run.
    pub replica_hours: Option<f64>,
    /// Price times replica hours.
    pub amount: Option<f64>,
}

/// What costs the same whatever the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedCost {
    /// As the environment calls it.
    pub name: String,
    /// `200/month`.
    pub price: String,
    /// Price times the length of the run.
    pub amount: f64,
}

/// The jobs of a flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobCost {
    /// The flow.
    pub flow: String,
    /// How many succeeded.
    pub succeeded: u64,
    /// All that the run cost, for 1,000 of them; absent where none did, or the total is.
    pub amount: Option<f64>,
}

pub(super) fn cost(record: &RunRecord) -> Option<CostSummary> {
    let spent = spending(record, (0, record.run.lasted_ms.saturating_mul(1_000_000)))?;
    let is_known = spent.unknown().is_none() && spent.workloads.iter().all(PricedWorkload::is_known);
    let total = is_known.then(|| spent.whole());
    let fixed = spent.prices.fixed.iter().map(|(name, price)| FixedCost {
        name: name.clone(),
        price: price.to_string(),
        amount: rounded(price.per_hour() * spent.hours),
    });
    Some(CostSummary {
        currency: spent.prices.currency.clone(),
        hours: rounded(spent.hours),
        speed: speed(record),
        workloads: spent.workloads.iter().map(workload).collect(),
        fixed: fixed.collect(),
        total,
        hourly: total.map(|total| rounded(total / spent.hours)),
        per_1000: if has_one_clock(record) { per_1000(record, total) } else { Vec::new() },
    })
}

fn workload(workload: &PricedWorkload<'_>) -> WorkloadCost {
    let hours = workload.is_known().then(|| workload.replica_hours());
    WorkloadCost {
        target: workload.target.to_owned(),
        price: workload.price.to_string(),
        replica_hours: hours.map(rounded),
        amount: hours.map(|hours| rounded(workload.price.per_hour() * hours)),
    }
}

fn per_1000(record: &RunRecord, total: Option<f64>) -> Vec<JobCost> {
    let jobs = record.steps.iter().filter(|step| step.kind == StepKind::Job);
    let cost = |step: &crate::evidence::StepEvidence| {
        let succeeded = step.seconds.iter().map(|second: &Second| second.answered - second.errors).sum::<u64>();
        #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
        let thousands = succeeded as f64 / 1e3;
        let amount = total.filter(|_| succeeded > 0).map(|total| rounded(total / thousands));
        JobCost { flow: step.name.clone(), succeeded, amount }
    };
    jobs.map(cost).collect()
}
