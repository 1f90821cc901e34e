//! The `kafka` trigger: its metadata, and how the lag of partitions becomes the value the HPA gets.

use std::collections::BTreeMap;

use super::rabbitmq_queue::Activity;
use super::trigger::{Parameters, TriggerContext, TriggerError};

/// A checked `kafka` trigger.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "these are KEDA's independent switches")]
pub struct Kafka {
    /// `bootstrapServers`, split at commas.
    pub bootstrap_servers: Vec<String>,
    /// `consumerGroup`.
    pub consumer_group: String,
    /// `topic`; empty means every topic of the group.
    pub topic: String,
    /// `partitionLimitation`; ignored without a topic.
    pub partitions: Option<Vec<i32>>,
    /// `lagThreshold`, the target of the HPA.
    pub lag_threshold: i64,
    /// `activationLagThreshold`; activity begins *above* this.
    pub activation_lag_threshold: i64,
    /// `offsetResetPolicy`.
    pub offset_reset_policy: OffsetResetPolicy,
    /// `allowIdleConsumers`: do not cap at the number of partitions.
    pub allow_idle_consumers: bool,
    /// `excludePersistentLag`.
    pub exclude_persistent_lag: bool,
    /// `limitToPartitionsWithLag`.
    pub limit_to_partitions_with_lag: bool,
    /// `ensureEvenDistributionOfPartitions`.
    pub ensure_even_distribution: bool,
    /// `scaleToZeroOnInvalidOffset`.
    pub scale_to_zero_on_invalid_offset: bool,
}

/// Where a group without a committed offset begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "Kafka's words")]
pub enum OffsetResetPolicy {
    Latest,
    Earliest,
}

/// The lag of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartitionLag {
    /// What counts for the number of replicas.
    pub scaling: i64,
    /// What counts for activation: persistent lag too.
    pub activation: i64,
}

impl Kafka {
    /// Reads the metadata as KEDA 2.20 does.
    pub fn parse(metadata: &BTreeMap<String, String>, context: &TriggerContext) -> Result<Self, TriggerError> {
        let p = Parameters { trigger: "kafka", metadata, context };
        p.flag("fullMetadata")?;
        let topic = p.get("topic").unwrap_or_default().to_owned();
        let limited = p.get("partitionLimitation").filter(|_| !topic.is_empty());
        let kafka = Self {
            bootstrap_servers: p.required("bootstrapServers")?.split(',').map(|s| s.trim().to_owned()).collect(),
            consumer_group: p.required("consumerGroup")?.to_owned(),
            partitions: limited.map(parse_partitions).transpose()?,
            topic,
            lag_threshold: p.parsed("lagThreshold", "a whole number")?.unwrap_or(10),
            activation_lag_threshold: p.parsed("activationLagThreshold", "a whole number")?.unwrap_or(0),
            offset_reset_policy: policy(&p)?,
            allow_idle_consumers: p.flag("allowIdleConsumers")?,
            exclude_persistent_lag: p.flag("excludePersistentLag")?,
            limit_to_partitions_with_lag: p.flag("limitToPartitionsWithLag")?,
            ensure_even_distribution: p.flag("ensureEvenDistributionOfPartitions")?,
            scale_to_zero_on_invalid_offset: p.flag("scaleToZeroOnInvalidOffset")?,
        };
        kafka.refuse(&p)?;
        Ok(kafka)
    }

    fn refuse(&self, p: &Parameters<'_>) -> Result<(), TriggerError> {
        if self.lag_threshold <= 0 {
            return Err(p.conflict("lagThreshold must be above 0"));
        }
        if self.activation_lag_threshold < 0 {
            return Err(p.conflict("activationLagThreshold must not be below 0"));
        }
        if self.limit_to_partitions_with_lag && self.allow_idle_consumers {
            return Err(p.conflict("limitToPartitionsWithLag and allowIdleConsumers exclude each other"));
        }
        if self.limit_to_partitions_with_lag && self.ensure_even_distribution {
            return Err(
                p.conflict("limitToPartitionsWithLag and ensureEvenDistributionOfPartitions exclude each other")
            );
        }
        if (self.limit_to_partitions_with_lag || self.ensure_even_distribution) && self.topic.is_empty() {
            return Err(p.conflict("topic is needed to look at single partitions"));
        }
        Ok(())
    }

    /// Which of the broker's partitions are looked at.
    pub fn active_partitions(&self, broker: &[i32]) -> Vec<i32> {
        let chosen = |partition: &i32| self.partitions.as_ref().is_none_or(|limited| limited.contains(partition));
        broker.iter().copied().filter(chosen).collect()
    }

    /// From the lag of each partition to the value for the HPA.
    pub fn activity(&self, lags: &[PartitionLag]) -> Activity {
        let scaling = lags.iter().map(|lag| lag.scaling).fold(0, i64::saturating_add);
        let activation = lags.iter().map(|lag| lag.activation).fold(0, i64::saturating_add);
        let total = self.capped(scaling, lags);
        Activity { value: as_f64(total), active: activation > self.activation_lag_threshold }
    }

    /// More consumers than partitions would sit idle, so the lag is capped at what the partitions can feed.
    fn capped(&self, total: i64, lags: &[PartitionLag]) -> i64 {
        let partitions = count(lags.len());
        let lagging = count(lags.iter().filter(|lag| lag.scaling > 0).count());
        if self.ensure_even_distribution {
            return even_distribution_factor(total, partitions, self.lag_threshold).saturating_mul(self.lag_threshold);
        }
        if self.allow_idle_consumers {
            return total;
        }
        let feedable = if self.limit_to_partitions_with_lag { lagging } else { partitions };
        total.min(feedable.saturating_mul(self.lag_threshold))
    }
}

/// The lag of one partition from its committed offset (−1: none) and its end offset (`None`: unknown).
pub fn partition_lag(
    committed: i64,
    end: Option<i64>,
    policy: OffsetResetPolicy,
    scale_to_zero_on_invalid_offset: bool,
) -> i64 {
    if committed == -1 {
        return match (policy, scale_to_zero_on_invalid_offset) {
            (_, true) => 0,
            (OffsetResetPolicy::Latest, false) => 1,
            (OffsetResetPolicy::Earliest, false) => end.unwrap_or(0),
        };
    }
    end.map_or(0, |end| end.saturating_sub(committed))
}

/// More partitions than any topic has; a wider range is a slip of the pen.
const PARTITIONS_MAX: i32 = 1_000_000;

/// Reads `1-4,8,10-12`.
pub fn parse_partitions(text: &str) -> Result<Vec<i32>, TriggerError> {
    let wrong = || TriggerError::Value {
        trigger: "kafka",
        parameter: "partitionLimitation".to_owned(),
        value: text.to_owned(),
        expected: "a list of partitions; write it as 1-4,8",
    };
    let number = |part: &str| part.trim().parse::<i32>().map_err(|_| wrong());
    let mut partitions = Vec::new();
    for part in text.split(',') {
        match part.split('-').collect::<Vec<_>>()[..] {
            [one] => partitions.push(number(one)?),
            [from, to] => {
                let (from, to) = (number(from)?, number(to)?);
                if to.saturating_sub(from) >= PARTITIONS_MAX {
                    return Err(wrong());
                }
                partitions.extend(from..=to);
            }
            _ => return Err(wrong()),
        }
    }
    Ok(partitions)
}

/// The divisors of `n`, smallest first.
pub fn factors(n: i64) -> Vec<i64> {
    (1..=n).filter(|candidate| n % candidate == 0).collect()
}

/// The smallest divisor of the partition count that carries the lag, or all partitions.
pub fn even_distribution_factor(total_lag: i64, partitions: i64, lag_threshold: i64) -> i64 {
    if total_lag == 0 {
        return 0;
    }
    factors(partitions)
        .into_iter()
        .find(|factor| factor.saturating_mul(lag_threshold) >= total_lag)
        .unwrap_or(partitions)
}

fn policy(p: &Parameters<'_>) -> Result<OffsetResetPolicy, TriggerError> {
    match p.get("offsetResetPolicy") {
        None | Some("latest") => Ok(OffsetResetPolicy::Latest),
        Some("earliest") => Ok(OffsetResetPolicy::Earliest),
        Some(other) => Err(p.wrong("offsetResetPolicy", other, "latest or earliest")),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "KEDA converts lag the same way")]
fn as_f64(n: i64) -> f64 {
    n as f64
}
