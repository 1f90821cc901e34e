//! What a `RabbitMQ` queue's figures mean for scaling: the value the HPA gets, and whether the trigger is active.

use serde::Deserialize;
use serde_json::Value;

use super::rabbitmq::{Mode, Operation, Protocol, RabbitMq};
use super::trigger::TriggerError;

/// Figures of one queue, as the management API gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QueueFigures {
    /// Ready and unacknowledged.
    pub messages: i64,
    /// Ready only.
    pub messages_ready: i64,
    /// Published per second.
    pub publish_rate: f64,
    /// Delivered per second.
    pub deliver_get_rate: f64,
}

/// What a trigger says after one query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    /// The value for the HPA.
    pub value: f64,
    /// Strictly above the activation threshold.
    pub active: bool,
}

#[derive(Deserialize)]
struct QueueBody {
    #[serde(default)]
    messages: i64,
    #[serde(default)]
    messages_ready: i64,
    #[serde(default)]
    message_stats: Stats,
}

#[derive(Deserialize, Default)]
struct Stats {
    #[serde(default)]
    publish_details: Rate,
    #[serde(default)]
    deliver_get_details: Rate,
}

#[derive(Deserialize, Default)]
struct Rate {
    #[serde(default)]
    rate: f64,
}

#[derive(Deserialize)]
struct PageBody {
    #[serde(default)]
    items: Vec<QueueBody>,
    #[serde(default)]
    page_count: i64,
}

impl From<QueueBody> for QueueFigures {
    fn from(body: QueueBody) -> Self {
        Self {
            messages: body.messages,
            messages_ready: body.messages_ready,
            publish_rate: body.message_stats.publish_details.rate,
            deliver_get_rate: body.message_stats.deliver_get_details.rate,
        }
    }
}

impl RabbitMq {
    /// Reads the answer of `GET /api/queues/{vhost}/{name}`, or of the list with `useRegex`.
    pub fn read_http(&self, status: u16, body: &Value) -> Result<Activity, TriggerError> {
        if !(200..300).contains(&status) {
            return Err(conflict("the management API did not answer 200; check host, vhost and queue name"));
        }
        let unreadable = |_| conflict("the management API's answer is not a queue; check host and path");
        let figures = if self.use_regex {
            let page = PageBody::deserialize(body).map_err(unreadable)?;
            if page.page_count > 1 {
                return Err(conflict("the pattern matches more queues than one page holds; raise pageSize"));
            }
            let queues: Vec<QueueFigures> = page.items.into_iter().map(QueueFigures::from).collect();
            compose(self.operation, &queues)
        } else {
            QueueBody::deserialize(body).map_err(unreadable)?.into()
        };
        Ok(self.activity(figures))
    }

    /// What these figures mean under the trigger's protocol and mode.
    pub fn activity(&self, figures: QueueFigures) -> Activity {
        let ready_only = self.protocol == Protocol::Amqp || self.exclude_unacknowledged;
        let length = as_f64(if ready_only { figures.messages_ready } else { figures.messages });
        let (publish, deliver) = (figures.publish_rate, figures.deliver_get_rate);
        match self.mode {
            Mode::QueueLength => self.above(length),
            Mode::MessageRate => {
                Activity { value: publish, active: publish > self.activation || length > self.activation }
            }
            Mode::DeliverGetRate => self.above(deliver),
            // Nothing delivered although something waits: no ratio exists, and yet there is work.
            Mode::PublishedToDeliveredRatio if deliver == 0.0 => {
                Activity { value: self.activation, active: publish > 0.0 }
            }
            Mode::PublishedToDeliveredRatio => self.above(publish / deliver),
            Mode::ExpectedQueueConsumptionTime if length == 0.0 => Activity { value: 0.0, active: false },
            Mode::ExpectedQueueConsumptionTime if deliver == 0.0 => Activity { value: self.activation, active: true },
            Mode::ExpectedQueueConsumptionTime => self.above((publish - deliver) / deliver + length / deliver),
        }
    }

    fn above(&self, value: f64) -> Activity {
        Activity { value, active: value > self.activation }
    }
}

/// Several queues as one; the average of counts is a whole number.
pub fn compose(operation: Operation, queues: &[QueueFigures]) -> QueueFigures {
    let pick = |a: QueueFigures, b: &QueueFigures| match operation {
        Operation::Max => QueueFigures {
            messages: a.messages.max(b.messages),
            messages_ready: a.messages_ready.max(b.messages_ready),
            publish_rate: a.publish_rate.max(b.publish_rate),
            deliver_get_rate: a.deliver_get_rate.max(b.deliver_get_rate),
        },
        Operation::Sum | Operation::Avg => QueueFigures {
            messages: a.messages.saturating_add(b.messages),
            messages_ready: a.messages_ready.saturating_add(b.messages_ready),
            publish_rate: a.publish_rate + b.publish_rate,
            deliver_get_rate: a.deliver_get_rate + b.deliver_get_rate,
        },
    };
    let total = queues.iter().fold(QueueFigures::default(), pick);
    match (operation, i64::try_from(queues.len())) {
        (Operation::Avg, Ok(n)) if n > 0 => QueueFigures {
            messages: total.messages / n,
            messages_ready: total.messages_ready / n,
            publish_rate: total.publish_rate / as_f64(n),
            deliver_get_rate: total.deliver_get_rate / as_f64(n),
        },
        _ => total,
    }
}

fn conflict(message: &'static str) -> TriggerError {
    TriggerError::Conflict { trigger: "rabbitmq", message }
}

#[expect(clippy::cast_precision_loss, reason = "KEDA converts message counts the same way")]
fn as_f64(n: i64) -> f64 {
    n as f64
}
