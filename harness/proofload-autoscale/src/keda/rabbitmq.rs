//! The `rabbitmq` trigger: what its metadata means, and what KEDA refuses.

use std::collections::BTreeMap;
use std::fmt;

use super::trigger::{Parameters, TriggerContext, TriggerError};

/// A checked `rabbitmq` trigger.
#[derive(Debug, Clone, PartialEq)]
pub struct RabbitMq {
    /// Queue, or a regular expression with `use_regex`.
    pub queue: String,
    /// Where the broker is.
    pub host: BrokerUrl,
    /// How the broker is asked.
    pub protocol: Protocol,
    /// What is measured.
    pub mode: Mode,
    /// Target of the HPA.
    pub value: f64,
    /// Activity begins *above* this.
    pub activation: f64,
    /// Virtual host in place of the URL's.
    pub vhost: Option<String>,
    /// Leave out delivered but unacknowledged messages; HTTP only.
    pub exclude_unacknowledged: bool,
    /// `queue` is a regular expression.
    pub use_regex: bool,
    /// How several queues become one figure.
    pub operation: Operation,
    /// `enable` or `disable`.
    pub tls: bool,
}

/// A broker's URL, which may hold credentials: they show in [`BrokerUrl::as_str`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl(String);

impl BrokerUrl {
    /// The URL, credentials and all.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.rsplit('@').next().unwrap_or_default())
    }
}

/// How the broker is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A passive declare, which counts ready messages only.
    Amqp,
    /// The management API, which counts ready and unacknowledged messages.
    Http,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum Mode {
    QueueLength,
    MessageRate,
    DeliverGetRate,
    PublishedToDeliveredRatio,
    ExpectedQueueConsumptionTime,
}

/// How several queues become one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "KEDA's words")]
pub enum Operation {
    Sum,
    Avg,
    Max,
}

/// Without queueLength, mode and value the target is this many messages per replica.
const QUEUE_LENGTH_DEFAULT: f64 = 20.0;

impl RabbitMq {
    /// Reads the metadata as KEDA 2.20 does.
    pub fn parse(metadata: &BTreeMap<String, String>, context: &TriggerContext) -> Result<Self, TriggerError> {
        let p = Parameters { trigger: "rabbitmq", metadata, context };
        let queue = p.required("queueName")?.to_owned();
        let host = BrokerUrl(p.required("host")?.to_owned());
        let protocol = protocol(&p, host.as_str())?;
        let (mode, value) = target(&p)?;
        let trigger = Self {
            queue,
            host,
            protocol,
            mode,
            value,
            activation: p.parsed("activationValue", "a number")?.unwrap_or(0.0),
            vhost: p.get("vhostName").map(str::to_owned),
            exclude_unacknowledged: p.flag("excludeUnacknowledged")?,
            use_regex: p.flag("useRegex")?,
            operation: operation(&p)?,
            tls: tls(&p)?,
        };
        trigger.refuse_http_only(&p)?;
        refuse_limits(&p, protocol)?;
        refuse_credentials(&p, protocol)?;
        Ok(trigger)
    }

    fn refuse_http_only(&self, p: &Parameters<'_>) -> Result<(), TriggerError> {
        if self.protocol == Protocol::Http {
            return Ok(());
        }
        if self.mode != Mode::QueueLength {
            return Err(p.conflict("AMQP knows mode QueueLength only; set protocol: http for rates"));
        }
        if self.use_regex {
            return Err(p.conflict("useRegex needs protocol: http"));
        }
        if self.exclude_unacknowledged {
            return Err(p.conflict("excludeUnacknowledged needs protocol: http; AMQP never counts them"));
        }
        Ok(())
    }
}

fn protocol(p: &Parameters<'_>, host: &str) -> Result<Protocol, TriggerError> {
    match p.get("protocol").unwrap_or("auto") {
        "amqp" => Ok(Protocol::Amqp),
        "http" => Ok(Protocol::Http),
        "auto" => match host.split_once("://").map(|(scheme, _)| scheme) {
            Some("amqp" | "amqps") => Ok(Protocol::Amqp),
            Some("http" | "https") => Ok(Protocol::Http),
            // The URL is not repeated: it may hold a password.
            _ => Err(p.wrong("host", "…", "a URL that begins with amqp, amqps, http or https")),
        },
        other => Err(p.wrong("protocol", other, "auto, amqp or http")),
    }
}

/// `queueLength` alone is the old form of mode `QueueLength`; beside mode or value it is an error.
fn target(p: &Parameters<'_>) -> Result<(Mode, f64), TriggerError> {
    let legacy: Option<f64> = p.parsed("queueLength", "a number")?;
    let value: Option<f64> = p.parsed("value", "a number")?;
    let mode = p.get("mode").map(|text| mode(p, text)).transpose()?;
    match (legacy, mode, value) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            Err(p.conflict("queueLength cannot stand beside mode or value; write mode: QueueLength and value"))
        }
        (Some(length), None, None) => Ok((Mode::QueueLength, length)),
        (None, None, None) => Ok((Mode::QueueLength, QUEUE_LENGTH_DEFAULT)),
        (None, Some(mode), Some(value)) => Ok((mode, value)),
        (None, Some(_), None) => Err(p.conflict("mode needs value beside it")),
        (None, None, Some(_)) => Err(p.conflict("value needs mode beside it")),
    }
}

fn mode(p: &Parameters<'_>, text: &str) -> Result<Mode, TriggerError> {
    Ok(match text {
        "QueueLength" => Mode::QueueLength,
        "MessageRate" => Mode::MessageRate,
        "DeliverGetRate" => Mode::DeliverGetRate,
        "PublishedToDeliveredRatio" => Mode::PublishedToDeliveredRatio,
        "ExpectedQueueConsumptionTime" => Mode::ExpectedQueueConsumptionTime,
        other => return Err(p.wrong("mode", other, "a mode; QueueLength is the usual one")),
    })
}

fn operation(p: &Parameters<'_>) -> Result<Operation, TriggerError> {
    match p.get("operation") {
        None | Some("sum") => Ok(Operation::Sum),
        Some("avg") => Ok(Operation::Avg),
        Some("max") => Ok(Operation::Max),
        Some(other) => Err(p.wrong("operation", other, "sum, avg or max")),
    }
}

fn tls(p: &Parameters<'_>) -> Result<bool, TriggerError> {
    let on = match p.get("tls") {
        None | Some("disable") => false,
        Some("enable") => true,
        Some(other) => return Err(p.wrong("tls", other, "enable or disable")),
    };
    if p.get("cert").is_some() != p.get("key").is_some() {
        return Err(p.conflict("cert and key belong together; give both or neither"));
    }
    Ok(on)
}

/// Limits of the HTTP client, which mean nothing to AMQP.
fn refuse_limits(p: &Parameters<'_>, protocol: Protocol) -> Result<(), TriggerError> {
    let timeout_ms: Option<i64> = p.parsed("timeout", "a number of milliseconds")?;
    if timeout_ms.is_some_and(|ms| ms <= 0) {
        return Err(p.conflict("timeout must be above 0 milliseconds"));
    }
    let explicit = p.get("mode").is_some() && p.get("value").is_some();
    if timeout_ms.is_some() && protocol == Protocol::Amqp && explicit {
        return Err(p.conflict("timeout needs protocol: http"));
    }
    match p.parsed::<i64>("pageSize", "a whole number")? {
        Some(size) if size < 1 => Err(p.conflict("pageSize must be at least 1")),
        _ => Ok(()),
    }
}

/// One way to authenticate, whole, and one that the protocol knows.
fn refuse_credentials(p: &Parameters<'_>, protocol: Protocol) -> Result<(), TriggerError> {
    let user = p.get("username").is_some();
    if user != p.get("password").is_some() {
        return Err(p.conflict("username and password belong together; give both or neither"));
    }
    let identity = p.get("workloadIdentityResource").is_some();
    if identity && protocol == Protocol::Amqp {
        return Err(p.conflict("a workload identity needs protocol: http"));
    }
    let oauth = ["oauthTokenURI", "clientID", "clientSecret"].map(|name| p.get(name).is_some());
    if !oauth.contains(&true) {
        return Ok(());
    }
    if oauth.contains(&false) {
        return Err(p.conflict("OAuth needs oauthTokenURI, clientID and clientSecret, all three"));
    }
    if protocol == Protocol::Amqp {
        return Err(p.conflict("OAuth needs protocol: http"));
    }
    if user || identity {
        return Err(p.conflict("OAuth, username and workload identity exclude each other; keep one"));
    }
    Ok(())
}
