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

/// The id of a message: which database, and which row of it.
fn id_of(identity: &str, row: i64) -> String {
    format!("{identity}/{row}")
}

/// The row that a message id names, if it is one of ours.
fn row_of(identity: &str, id: &str) -> Option<i64> {
    id.strip_prefix(identity)?.strip_prefix('/')?.parse().ok()
}

pub(super) async fn publish(
    channel: &Channel,
    (queue, identity): (QueueName, &str),
    unsent: &Unsent,
) -> lapin::Result<PublisherConfirm> {
    let mut headers = FieldTable::default();
    headers.insert(ATTEMPTS.into(), AMQPValue::LongUInt(unsent.attempts));
    if let Some(cause) = &unsent.dead {
        headers.insert(CAUSE.into(), AMQPValue::LongString(LongString::from(cause.as_str())));
    }
    let mut properties = durable(headers).with_message_id(id_of(identity, unsent.id).into());
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

/// What the broker said of a message.
pub(super) enum Answer {
    /// It has it, unless it also returned it.
    Acknowledged,
    /// It has it or another, and this row's message found no queue. Without `mandatory` such a one would be gone in silence. The
    /// library gives a returned message to whichever confirmation comes next, so the row has to be looked at.
    Returned(Option<i64>),
}

pub(super) fn answer(identity: &str, confirmation: lapin::Result<Confirmation>) -> Result<Answer, String> {
    match confirmation {
        Ok(Confirmation::Ack(None)) => Ok(Answer::Acknowledged),
        Ok(Confirmation::Ack(Some(returned))) => {
            let id = returned.delivery.properties.message_id().as_ref().map(ShortString::as_str);
            Ok(Answer::Returned(id.and_then(|id| row_of(identity, id))))
        }
        Ok(Confirmation::Nack(_)) => Err(String::from("it refused a message")),
        Ok(Confirmation::NotRequested) => Err(String::from("it does not confirm messages")),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn incoming(delivery: Delivery, identity: &str) -> Incoming<Acker> {
    let id = delivery.properties.message_id().as_ref().map(ShortString::as_str);
    Incoming { message: id.and_then(|id| row_of(identity, id)), body: delivery.data, receipt: delivery.acker }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_names_a_row_of_one_database() {
        assert_eq!(row_of("a1", &id_of("a1", 7)), Some(7));
        for other in ["", "7", "a1", "a1/", "a1/x", "a17", "b2/7", "a1/7/8"] {
            assert_eq!(row_of("a1", other), None, "{other}");
        }
    }
}
