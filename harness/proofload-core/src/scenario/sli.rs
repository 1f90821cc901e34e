//! The indicator language: `latency(upload)`, `errors(upload)`, `checks(upload)`, `job(flow)`, `ledger.lost`, `queue(name)`,
//! `replicas(Deployment/name)`, `promql("…")`, `cost.total`, `cost.hourly`, `cost.per_1000(upload)`.

use serde::{Deserialize, Serialize};

/// A measured value over a window. Names are checked against the scenario before this type exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sli {
    /// Response time of a step, from its intended start.
    Latency(String),
    /// Share of a step's arrivals that were broken or answered wrongly; of a flow, of its jobs that did not succeed.
    Errors(String),
    /// Share of a step's checks that did not hold, over the whole run.
    Checks(String),
    /// Good answers per second of a step.
    Throughput(String),
    /// Time from the intended start of the submission to the job's end, by flow.
    Job(String),
    /// Jobs accepted and never seen again.
    LedgerLost,
    /// Jobs with more than one visible effect.
    LedgerDuplicated,
    /// Jobs some witness still shows as work when the drain ended.
    LedgerUnsettled,
    /// Work that waits or is done in a queue of the environment.
    Queue(String),
    /// Ready replicas of a workload that is watched.
    Replicas(String),
    /// A query answered by Prometheus.
    Promql(String),
    /// Money spent.
    CostTotal,
    /// Money spent per hour.
    CostHourly,
    /// Money spent per 1,000 good answers of a step; of a flow, per 1,000 jobs that succeeded.
    CostPer1000(String),
}

/// The shapes an indicator may have, for messages.
pub(crate) const SHAPES: &[&str] = &[
    "latency(step)",
    "errors(step)",
    "checks(step)",
    "throughput(step)",
    "job(flow)",
    "ledger.lost",
    "ledger.duplicated",
    "ledger.unsettled",
    "queue(name)",
    "replicas(Deployment/name)",
    "promql(\"query\")",
    "cost.total",
    "cost.hourly",
    "cost.per_1000(step or flow)",
];

impl Sli {
    /// Parses the text; names are not yet known to exist.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "ledger.lost" => return Ok(Sli::LedgerLost),
            "ledger.duplicated" => return Ok(Sli::LedgerDuplicated),
            "ledger.unsettled" => return Ok(Sli::LedgerUnsettled),
            "cost.total" => return Ok(Sli::CostTotal),
            "cost.hourly" => return Ok(Sli::CostHourly),
            _ => {}
        }
        let wrong = || format!("`{text}` is not an indicator");
        let (word, rest) = text.split_once('(').ok_or_else(wrong)?;
        let inner =
            rest.strip_suffix(')').ok_or_else(|| format!("`{text}` opens a bracket and never closes it"))?.trim();
        if inner.is_empty() {
            return Err(format!("`{text}` names nothing between its brackets"));
        }
        match word {
            "latency" => Ok(Sli::Latency(inner.to_owned())),
            "errors" => Ok(Sli::Errors(inner.to_owned())),
            "checks" => Ok(Sli::Checks(inner.to_owned())),
            "throughput" => Ok(Sli::Throughput(inner.to_owned())),
            "job" => Ok(Sli::Job(inner.to_owned())),
            "queue" => Ok(Sli::Queue(inner.to_owned())),
            "replicas" => Ok(Sli::Replicas(inner.to_owned())),
            "promql" => Ok(Sli::Promql(quoted(text, inner)?)),
            "cost.per_1000" => Ok(Sli::CostPer1000(inner.to_owned())),
            _ => Err(wrong()),
        }
    }
}

impl Sli {
    /// Whether it is a level that is read from time to time, and not counted of requests or jobs.
    pub fn is_level(&self) -> bool {
        matches!(self, Sli::Queue(_) | Sli::Replicas(_) | Sli::Promql(_))
    }

    /// Whether it is money.
    pub fn is_cost(&self) -> bool {
        matches!(self, Sli::CostTotal | Sli::CostHourly | Sli::CostPer1000(_))
    }

    /// Whether it is a time of requests or jobs.
    pub fn is_time(&self) -> bool {
        matches!(self, Sli::Latency(_) | Sli::Job(_))
    }
}

/// The query between its quotes; there may be none, but not one alone.
fn quoted(text: &str, inner: &str) -> Result<String, String> {
    match (inner.strip_prefix('"'), inner.strip_suffix('"')) {
        (None, None) => Ok(inner.to_owned()),
        (Some(_), Some(_)) if inner.len() > 2 => Ok(inner[1..inner.len() - 1].to_owned()),
        _ => Err(format!("`{text}` has a quotation mark that is not closed, or nothing between two")),
    }
}

impl std::fmt::Display for Sli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sli::Latency(step) => write!(f, "latency({step})"),
            Sli::Errors(step) => write!(f, "errors({step})"),
            Sli::Checks(step) => write!(f, "checks({step})"),
            Sli::Throughput(step) => write!(f, "throughput({step})"),
            Sli::Job(flow) => write!(f, "job({flow})"),
            Sli::LedgerLost => f.write_str("ledger.lost"),
            Sli::LedgerDuplicated => f.write_str("ledger.duplicated"),
            Sli::LedgerUnsettled => f.write_str("ledger.unsettled"),
            Sli::Queue(name) => write!(f, "queue({name})"),
            Sli::Replicas(target) => write!(f, "replicas({target})"),
            Sli::Promql(query) => write!(f, "promql(\"{query}\")"),
            Sli::CostTotal => f.write_str("cost.total"),
            Sli::CostHourly => f.write_str("cost.hourly"),
            Sli::CostPer1000(name) => write!(f, "cost.per_1000({name})"),
        }
    }
}
