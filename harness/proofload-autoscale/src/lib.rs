//! HPA and KEDA decisions on a virtual clock; manifests to findings.
//!
//! Everything here is a pure function: time, metric values and files are arguments, state is passed in and handed
//! back. Quantities are integers in thousandths ([`Milli`]), ratios are `f64` exactly where Go's controller uses
//! `float64`, and results are truncated where Go truncates.
//!
//! * [`hpa`]: one sync of a `HorizontalPodAutoscaler` (autoscaling/v2).
//! * [`keda`]: KEDA's own decision about zero, idle and minimum, its triggers, and the HPA it generates.
//! * [`manifest`]: Kubernetes YAML and kustomize overlays to typed resources.
//! * [`lint`]: contradictions in those resources, found before any load.
//!
//! What is absent: Resource, `ContainerResource` and Pods metrics (a manifest that uses one is refused by name, see
//! [`hpa::SpecError`]), KEDA triggers other than `rabbitmq` and `kafka`, `scalingModifiers`, several replicas of the
//! controller manager, and any clock, network, file or randomness.

pub mod hpa;
pub mod keda;
pub mod lint;
pub mod manifest;
mod quantity;
mod time;

pub use quantity::{Milli, QuantityError};
pub use time::{ClusterTime, seconds};
