//! Clusters: where workloads scale. `local` drives child processes by the same manifests that a real one reads.

mod local;
mod manifests;
mod pod;

pub(crate) use local::{ClusterEvent, LocalCluster};
pub(crate) use manifests::prepare_local;
