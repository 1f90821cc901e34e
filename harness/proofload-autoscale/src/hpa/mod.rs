//! The `HorizontalPodAutoscaler` controller (autoscaling/v2): one sync as a pure function.
//!
//! [`sync`] takes what the controller would read (scale, ready pods, one reading per metric) and the state it keeps in
//! memory, and answers what it would set and say. An update of the scale is taken to succeed.

mod combine;
mod decision;
mod metric;
mod normalise;
mod observation;
mod rate;
mod spec;
mod stabilise;
mod state;
mod sync;
mod written;

pub use combine::Proposal;
pub use decision::{Condition, ConditionType, Decision, Event, Reason};
pub use metric::external::{external_average, external_value};
pub use metric::object::{object_average, object_value};
pub use metric::{Calculated, MetricFailure, per_pod_usage};
pub use normalise::Limited;
pub use observation::{Observation, PodCount, Reading, Scale, Selector};
pub use rate::{limit_by_rules, limit_legacy, scale_down_limit, scale_up_limit};
pub use spec::{
    Behavior, Controller, HpaSpec, MetricSpec, Policy, PolicyType, Rules, ScaleToZero, Select, SpecError, Target,
    Tolerance,
};
pub use stabilise::{stabilise_by_rules, stabilise_legacy};
pub use state::{HpaState, Recommendation, ScaleEvent, change_within, store_event};
pub use sync::sync;
pub use written::{
    BehaviorWritten, HpaWritten, MetricWritten, NamedMetric, ObjectRef, PolicyWritten, ResourceMetric, RulesWritten,
    TargetWritten,
};
