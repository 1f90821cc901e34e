//! KEDA: its own decision between zero, idle and minimum, its triggers, and the HPA it generates for the rest.

mod executor;
mod fallback;
mod generated;
mod kafka;
mod rabbitmq;
mod rabbitmq_queue;
mod scaled_object;
mod trigger;
mod vhost;

pub use executor::{ActiveReason, KedaDecision, KedaEvent, KedaState, ReadyReason, Status, Triggers, request_scale};
pub use fallback::{Fallen, Health, HealthStatus, apply_fallback};
pub use generated::{GeneratedHpa, generated_hpa, metric_name};
pub use kafka::{
    Kafka, OffsetResetPolicy, PartitionLag, even_distribution_factor, factors, parse_partitions, partition_lag,
};
pub use rabbitmq::{BrokerUrl, Mode, Operation, Protocol, RabbitMq};
pub use rabbitmq_queue::{Activity, QueueFigures, compose};
pub use scaled_object::{
    Advanced, Fallback, FallbackBehavior, HpaConfig, ScaledObject, ScaledObjectSpec, Text, TriggerWritten,
};
pub use trigger::{Trigger, TriggerContext, TriggerError};
pub use vhost::vhost_and_path;
