//! What the run cost, as rows of one table.

use super::rows::{NOTHING, ROWS_MAX};
use crate::report::{CostSummary, Report, words};

pub(super) struct Cost {
    /// Over what it was paid.
    pub(super) caption: String,
    pub(super) rows: Vec<CostRow>,
    pub(super) left_out: usize,
}

pub(super) struct CostRow {
    pub(super) name: String,
    /// Replica-hours, price, cost.
    pub(super) cells: [String; 3],
}

/// `None` where nothing has a price.
pub(super) fn cost(report: &Report) -> Option<Cost> {
    let cost = report.cost.as_ref()?;
    let mut rows = parts(cost);
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    rows.push(row("Total", [NOTHING, NOTHING], cost.money(cost.total)));
    rows.push(row("Per hour", [NOTHING, NOTHING], cost.money(cost.hourly)));
    rows.extend(cost.per_1000.iter().take(ROWS_MAX).map(|jobs| {
        let name = format!("Per 1,000 jobs of {}, of {} that succeeded", jobs.flow, words::count(jobs.succeeded));
        row(&name, [NOTHING, NOTHING], cost.money(jobs.amount))
    }));
    Some(Cost { caption: caption(cost), rows, left_out })
}

fn caption(cost: &CostSummary) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is only shown")]
    let length = words::length((cost.hours * 3_600_000.0).round() as u64);
    if (cost.speed - 1.0).abs() < 1e-9 {
        return format!("By the prices that the environment states, for the {length} of the run and its drain.");
    }
    format!(
        "By the prices that the environment states, for the {length} of cluster time of the run and its drain. Load is \
         in wall time, so what a job costs cannot be told."
    )
}

fn parts(cost: &CostSummary) -> Vec<CostRow> {
    let workloads = cost.workloads.iter().map(|it| {
        let hours = it.replica_hours.map_or_else(|| words::UNKNOWN.to_owned(), words::digits);
        row(&format!("Replicas of {}", it.target), [&hours, &it.price], cost.money(it.amount))
    });
    let fixed = cost.fixed.iter().map(|it| row(&it.name, [NOTHING, &it.price], cost.money(Some(it.amount))));
    workloads.chain(fixed).collect()
}

fn row(name: &str, [hours, price]: [&str; 2], amount: String) -> CostRow {
    CostRow { name: words::clip(name, 160), cells: [hours.to_owned(), price.to_owned(), amount] }
}
