//! A message as `RabbitMQ` carries it: the body as it is, the rest in properties.

use lapin::Acker;
use lapin::message::Delivery;
use lapin::options::BasicPublishOptions;
use lapin::protocol::basic::AMQPProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, Confirmation, PublisherConfirm};

use crate::adapters::brokered::Incoming;
use crate::adapters::postgres::Unsent;
use crate::ports::queue::QueueName;

/// Message ids of ours; what has another was published by somebody else.
const ID_PREFIX: &str = "refstack-";
const PERSISTENT: u8 = 2;
/// How often the message has been tried.
const ATTEMPTS: &str = "x-attempts";
/// Why a message is a dead letter.
const CAUSE: &str = "x-death-cause";
const FOREIGN: &str = "no gateway of this stack published it";

/// The queue for the dead letters of `queue`.
pub(super) fn dead_letters_of(queue: &str) -> String {
    format!("{queue}.dlq")
}

pub(super) async fn publish(channel: &Channel, queue: QueueName, unsent: &Unsent) -> lapin::Result<PublisherConfirm> {
    let mut headers = FieldTable::default();
    headers.insert(ATTEMPTS.into(), AMQPValue::LongUInt(unsent.attempts));
    if let Some(cause) = &unsent.dead {
        headers.insert(CAUSE.into(), AMQPValue::LongString(LongString::from(cause.as_str())));
    }
    let mut properties = durable(headers).with_message_id(format!("{ID_PREFIX}{}", unsent.id).into());
    if let Some(job) = unsent.job {
        properties = properties.with_correlation_id(job.to_string().into());
    }
    let queue = if unsent.dead.is_some() { dead_letters_of(queue) } else { queue.to_owned() };
    send(channel, &queue, &unsent.body, properties).await
}

/// Moves what somebody else published to the dead letters.
pub(super) async fn publish_foreign(channel: &Channel, queue: &str, body: &[u8]) -> lapin::Result<PublisherConfirm> {
    let mut headers = FieldTable::default();
    headers.insert(CAUSE.into(), AMQPValue::LongString(LongString::from(FOREIGN)));
    send(channel, &dead_letters_of(queue), body, durable(headers)).await
}

/// Confirmed and routed: without `mandatory` an unroutable message would be confirmed as well, and gone.
pub(super) fn confirmed(confirmation: lapin::Result<Confirmation>) -> Result<(), String> {
    match confirmation {
        Ok(Confirmation::Ack(None)) => Ok(()),
        Ok(Confirmation::Ack(Some(_))) => Err(String::from("a message found no queue")),
        Ok(Confirmation::Nack(_)) => Err(String::from("it refused a message")),
        Ok(Confirmation::NotRequested) => Err(String::from("it does not confirm messages")),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn incoming(delivery: Delivery) -> Incoming<Acker> {
    let id = delivery.properties.message_id().as_ref().map(ShortString::as_str);
    Incoming {
        message: id.and_then(|id| id.strip_prefix(ID_PREFIX)).and_then(|id| id.parse().ok()),
        body: delivery.data,
        receipt: delivery.acker,
    }
}

fn durable(headers: FieldTable) -> AMQPProperties {
    AMQPProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_headers(headers)
}

async fn send(
    channel: &Channel,
    queue: &str,
    body: &[u8],
    properties: AMQPProperties,
) -> lapin::Result<PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel.basic_publish(ShortString::default(), queue.into(), options, body, properties).await
}
