//! Queue figures over the wire, in the words of `RabbitMQ`'s management interface and of Kafka lag.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::Gateway;
use super::problem::Problem;
use crate::system::System;

const DEAD_SUFFIX: &str = ".dlq";
const GROUP: &str = "ml-workers";
const PARTITIONS: u32 = 3;

/// `GET /api/queues/{vhost}/{name}`
pub(crate) async fn rabbitmq(
    State(gateway): State<Arc<Gateway>>,
    Path((vhost, name)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let queue = System::MedicalPlatform.queue();
    let plain = name.strip_suffix(DEAD_SUFFIX).unwrap_or(&name);
    if vhost != "/" || plain != queue {
        return Err(Problem::not_found(format!("no queue {name:?} on vhost {vhost:?}")));
    }
    let depth = gateway.ports.queue.depth(queue).await?;
    let figures = if plain.len() == name.len() {
        // A message that waits for its next attempt is work to do, so it counts as ready.
        figures(&name, (depth.ready + depth.scheduled, depth.leased), (depth.publish_rate, depth.deliver_rate))
    } else {
        figures(&name, (depth.dead, 0), (0.0, 0.0))
    };
    Ok(Json(figures))
}

/// `GET /kafka/lag/{group}/{topic}`
pub(crate) async fn kafka_lag(
    State(gateway): State<Arc<Gateway>>,
    Path((group, topic)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let queue = System::Fish.queue();
    if group != GROUP || topic != queue {
        return Err(Problem::not_found(format!("no group {group:?} on topic {topic:?}")));
    }
    let lag = gateway.ports.queue.lag(queue, PARTITIONS).await?;
    let partitions: Vec<Value> =
        lag.iter().enumerate().map(|(partition, lag)| json!({"partition": partition, "lag": lag})).collect();
    let total: u64 = lag.iter().sum();
    Ok(Json(json!({"group": group, "topic": topic, "partitions": partitions, "total": total})))
}

fn figures(name: &str, (ready, unacknowledged): (u64, u64), (publish, deliver): (f64, f64)) -> Value {
    json!({
        "name": name,
        "vhost": "/",
        "messages": ready + unacknowledged,
        "messages_ready": ready,
        "messages_unacknowledged": unacknowledged,
        "message_stats": {"publish_details": {"rate": publish}, "deliver_get_details": {"rate": deliver}},
    })
}
