//! What all triggers share: where their parameters come from, and how a wrong one is reported.

use std::collections::BTreeMap;
use std::fmt;

use super::kafka::Kafka;
use super::rabbitmq::RabbitMq;
use super::scaled_object::TriggerWritten;

/// What a trigger's parameters may refer to besides its own metadata.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TriggerContext {
    /// Parameters of the `TriggerAuthentication`.
    pub auth: BTreeMap<String, String>,
    /// Environment of the target's container, for `…FromEnv`.
    pub env: BTreeMap<String, String>,
}

/// Names only: the values are secrets.
impl fmt::Debug for TriggerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("TriggerContext").field("auth", &names(&self.auth)).field("env", &names(&self.env)).finish()
    }
}

/// A trigger that KEDA would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// A parameter is missing.
    #[error("{trigger} trigger: `{parameter}` is missing; write it in the trigger's metadata")]
    Missing {
        /// Trigger type.
        trigger: &'static str,
        /// Parameter.
        parameter: String,
    },
    /// A parameter's value cannot be read.
    #[error("{trigger} trigger: `{parameter}: {value}` is not {expected}")]
    Value {
        /// Trigger type.
        trigger: &'static str,
        /// Parameter.
        parameter: String,
        /// As written.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Parameters that do not go together.
    #[error("{trigger} trigger: {message}")]
    Conflict {
        /// Trigger type.
        trigger: &'static str,
        /// What to change.
        message: &'static str,
    },
    /// A trigger type that is not emulated.
    #[error("trigger type `{kind}` is not emulated yet; rabbitmq and kafka are")]
    Unsupported {
        /// As written.
        kind: String,
    },
}

/// A trigger, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// `type: rabbitmq`.
    RabbitMq(RabbitMq),
    /// `type: kafka`.
    Kafka(Kafka),
}

impl Trigger {
    /// Reads a trigger as KEDA does.
    pub fn parse(written: &TriggerWritten, context: &TriggerContext) -> Result<Self, TriggerError> {
        match written.kind.as_str() {
            "rabbitmq" => RabbitMq::parse(&written.texts(), context).map(Trigger::RabbitMq),
            "kafka" => Kafka::parse(&written.texts(), context).map(Trigger::Kafka),
            kind => Err(TriggerError::Unsupported { kind: kind.to_owned() }),
        }
    }
}

/// Looks parameters up in the order KEDA does: authentication, metadata, environment.
pub(super) struct Parameters<'a> {
    pub(super) trigger: &'static str,
    pub(super) metadata: &'a BTreeMap<String, String>,
    pub(super) context: &'a TriggerContext,
}

impl Parameters<'_> {
    /// A parameter that is present and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let from_env = || {
            let variable = self.metadata.get(&format!("{name}FromEnv"))?;
            self.context.env.get(variable)
        };
        let found = self.context.auth.get(name).or_else(|| self.metadata.get(name)).or_else(from_env)?;
        (!found.is_empty()).then_some(found.as_str())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, TriggerError> {
        self.get(name).ok_or_else(|| TriggerError::Missing { trigger: self.trigger, parameter: name.to_owned() })
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, TriggerError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| self.wrong(name, text, expected))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, TriggerError> {
        match self.get(name) {
            Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some(text) => Err(self.wrong(name, text, "a boolean; write true or false")),
        }
    }

    pub(super) fn wrong(&self, name: &str, value: &str, expected: &'static str) -> TriggerError {
        TriggerError::Value { trigger: self.trigger, parameter: name.to_owned(), value: value.to_owned(), expected }
    }

    pub(super) fn conflict(&self, message: &'static str) -> TriggerError {
        TriggerError::Conflict { trigger: self.trigger, message }
    }
}
