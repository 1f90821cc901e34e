//! An environment: as written, then as checked. Secrets are held by reference only, never by value.

mod check;
mod check_conformance;
mod check_prices;
mod prices;
mod written;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Problems;
use crate::scenario::Template;

pub use prices::{Price, Prices};

/// Where a scenario runs.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Short name, used for report folders.
    pub name: String,
    /// What this place is.
    pub description: String,
    /// The highest total arrival rate allowed, per second.
    pub rate_max_per_second: Option<f64>,
    /// Where secrets come from.
    pub secrets: Vec<(String, Secret)>,
    /// Programs that proofload starts, in an order in which each needs only those before it.
    pub processes: Vec<Process>,
    /// How the generator waits for an arrival.
    pub pacing: Pacing,
    /// Files of certificate authorities that are trusted beside those of the machine, relative to the environment file.
    pub trust: Vec<String>,
    /// The systems that flows may drive.
    pub systems: Vec<System>,
    /// Where the workloads scale.
    pub cluster: Option<LocalCluster>,
    /// The Prometheus that rules ask.
    pub prometheus: Option<Prometheus>,
    /// What things cost.
    pub prices: Option<Prices>,
}

/// A Prometheus, or what answers as one does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prometheus {
    /// Base URL.
    pub url: String,
    /// Name of the secret that holds a bearer token.
    pub bearer: Option<String>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable.
    Env(String),
    /// A file, relative to the environment file.
    File(String),
    /// So many random bytes, made for this run.
    Generate(u32),
}

/// A program that proofload starts.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its name; of a pod's process, the container's.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<Template>,
    /// The path that answers 2xx once the program can work.
    pub ready: String,
    /// Longest wait for that.
    pub within: Duration,
}

/// A system that flows may drive.
#[derive(Debug, Clone)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Base URL, perhaps the address of a process.
    pub url: Template,
    /// Base URL of its gRPC calls, if another.
    pub grpc: Option<Template>,
    /// The version of HTTP that is spoken.
    pub http: HttpVersion,
    /// The path that answers 2xx when it can take load.
    pub ready: Option<String>,
    /// Token sources, by name.
    pub tokens: Vec<(String, Token)>,
    /// Addresses that tell how much work a queue holds, by queue name.
    pub queues: Vec<(String, Queue)>,
    /// The limit on request bodies that it is set to.
    pub body_max_bytes: usize,
}

/// How the generator waits for an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pacing {
    /// It sleeps until the kernel wakes it: some ten microseconds late, whatever else runs on the machine.
    #[default]
    Timer,
    /// It looks at the clock over and over in the last millisecond: a microsecond late on cores that nobody else uses, and
    /// seconds late on shared ones (`facts/load-engine.md` §2.2). How busy its threads are is then not known.
    Spin,
}

/// The version of HTTP that a system is driven with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpVersion {
    /// Over TLS the server chooses (ALPN, RFC 7301), elsewhere HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113), without TLS by prior knowledge.
    Http2,
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Signed by proofload itself with HS256.
    Jwt {
        /// Name of the secret that signs.
        secret: String,
        /// `iss`.
        issuer: String,
        /// `aud`.
        audience: String,
        /// `sub`.
        subject: String,
        /// From `iat` to `exp`.
        lifetime: Duration,
    },
    /// Kept in a secret.
    Bearer {
        /// Name of the secret.
        secret: String,
    },
}

/// An address that tells how much work a queue holds.
#[derive(Debug, Clone)]
pub enum Queue {
    /// RabbitMQ's management API.
    Rabbitmq(Template),
    /// Lag of a Kafka group as JSON with `total`.
    KafkaLag(Template),
}

/// A cluster of child processes.
#[derive(Debug, Clone)]
pub struct LocalCluster {
    /// Cluster seconds per wall second.
    pub speed: f64,
    /// Folder of the manifests, relative to the environment file.
    pub manifests: String,
    /// The system whose queues answer the triggers.
    pub system: String,
    /// `Deployment/name` and what runs as its containers.
    pub pods: Vec<(String, Vec<Process>)>,
}

impl Environment {
    /// Reads and checks an environment. `file` is the name used in messages.
    ///
    /// # Errors
    /// Every mistake found, each with line, column and a suggestion where there is one.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        check::check(file, crate::source::read_yaml(file, text)?)
    }

    /// The JSON Schema of the file, for editors.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(written::WrittenEnvironment).to_value()
    }

    /// The system called `name`.
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name == name)
    }

    /// What a scenario asks for and this environment lacks, as sentences; empty if they fit.
    pub fn misfits(&self, scenario: &crate::scenario::Scenario) -> Vec<String> {
        check::misfits(self, scenario)
    }

    /// Why a planned replay is more than this environment allows, as a sentence; its rate is known only with its
    /// trace, so [`Environment::misfits`] cannot say it.
    pub fn replay_above_ceiling(
        &self,
        scenario: &crate::scenario::Scenario,
        plan: &crate::plan::Plan,
    ) -> Option<String> {
        check::replay_above_ceiling(self, scenario, plan)
    }
}

impl System {
    /// The token source by which tokens can be made: the one of that name, else the only one that signs.
    pub fn signing_token(&self, name: Option<&str>) -> Option<&Token> {
        let mut signing = self.tokens.iter().filter(|(_, token)| matches!(token, Token::Jwt { .. }));
        match name {
            Some(name) => signing.find(|(known, _)| known == name).map(|(_, token)| token),
            None => signing.next().map(|(_, token)| token).filter(|_| signing.next().is_none()),
        }
    }
}
