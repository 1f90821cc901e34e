//! What one sync sees of the cluster.

use crate::Milli;

/// What one sync sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The scale subresource; `None` when it could not be read.
    pub scale: Option<Scale>,
    /// The pods of the selector.
    pub pods: PodCount,
    /// One reading per metric, in the order of the spec.
    pub readings: Vec<Reading>,
}

/// The scale subresource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// `spec.replicas`.
    pub spec_replicas: i32,
    /// `status.replicas`.
    pub status_replicas: i32,
    /// `status.selector`.
    pub selector: Selector,
}

/// What became of the target's selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// Usable.
    Valid,
    /// Empty or unparsable.
    Invalid,
    /// Its pods are also selected by another autoscaler.
    Ambiguous,
}

/// Pods of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PodCount {
    /// All that the selector finds.
    pub total: i32,
    /// Those in phase Running with condition Ready.
    pub ready: i32,
}

/// What the metrics API answered for one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The series of an external metric, or the one value of an object.
    Series(Vec<Milli>),
    /// The query failed.
    Failed,
}
