//! The environment exactly as its author wrote it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{HttpVersion, Pacing, Price};
use crate::scenario::units::{Bytes, Rate, Span};
use crate::source::At;

/// Where a scenario runs: addresses, tokens, the cluster, and what is allowed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Environment")]
pub(crate) struct WrittenEnvironment {
    /// Always `proofload/v1`.
    #[serde(rename = "apiVersion")]
    pub(crate) api_version: At<String>,
    /// Always `Environment`.
    pub(crate) kind: At<String>,
    /// Short name, used for report folders.
    pub(crate) name: At<String>,
    /// What this place is.
    pub(crate) description: Option<String>,
    /// What may be done here.
    pub(crate) allow: Option<WrittenAllow>,
    /// Secrets, only ever by reference.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, WrittenSecret>,
    /// Programs that proofload starts before the run and ends after it, in the order of their needs.
    #[serde(default)]
    pub(crate) processes: BTreeMap<String, WrittenProcess>,
    /// How the generator waits for an arrival; `timer` unless given.
    pub(crate) pacing: Option<Pacing>,
    /// Files of certificate authorities (PEM) that are trusted beside those of the machine, relative to this file.
    #[serde(default)]
    pub(crate) trust: Vec<String>,
    /// The systems that flows may drive.
    pub(crate) systems: BTreeMap<String, WrittenSystem>,
    /// Where the workloads scale.
    pub(crate) cluster: Option<WrittenCluster>,
    /// The Prometheus that rules with `promql(…)` ask.
    pub(crate) prometheus: Option<WrittenPrometheus>,
    /// What things cost here, for rules on `cost` and for the report.
    pub(crate) prices: Option<WrittenPrices>,
}

/// What things cost: money for a length of time (`/s`, `/min`, `/h`, `/day`, `/month` of 730 hours).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Prices")]
pub(crate) struct WrittenPrices {
    /// A code such as `USD` or a sign such as `€`; only shown.
    pub(crate) currency: At<String>,
    /// Of one ready replica, by workload, `Deployment/name`, which the cluster must watch.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Price>")]
    pub(crate) replicas: BTreeMap<String, At<String>>,
    /// Of what is there whatever the load, by a name of your own.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Price>")]
    pub(crate) fixed: BTreeMap<String, At<String>>,
}

/// A Prometheus, or what answers as one does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Prometheus")]
pub(crate) struct WrittenPrometheus {
    /// Base URL, such as `http://prometheus:9090`; `/api/v1/query` is below it.
    pub(crate) url: At<String>,
    /// The secret that holds a bearer token, if one is asked for.
    pub(crate) bearer: Option<At<String>>,
}

/// What may be done in an environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Allow")]
pub(crate) struct WrittenAllow {
    /// The highest total arrival rate; no ceiling unless given.
    pub(crate) rate: Option<At<Rate>>,
}

/// Where a secret comes from; a map of one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Secret")]
pub(crate) enum WrittenSecret {
    /// The name of an environment variable.
    Env(String),
    /// A file, relative to the environment file.
    File(String),
    /// Random bytes made for this run, so many of them; kept in the run's own data folder.
    Generate(At<u32>),
}

/// A program that proofload starts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Process")]
pub(crate) struct WrittenProcess {
    /// Program and arguments. `{{proofload}}`, `{{data}}`, `{{secret NAME}}` and `{{address PROCESS}}` are filled in.
    pub(crate) command: Vec<At<String>>,
    /// The path that answers 2xx once the program can work.
    pub(crate) ready: At<String>,
    /// Longest wait for that; 20 s unless given.
    pub(crate) within: Option<Span>,
}

/// A system that flows may drive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "System")]
pub(crate) struct WrittenSystem {
    /// Base URL, or `{{address PROCESS}}`.
    pub(crate) url: At<String>,
    /// Base URL of its gRPC calls, if another; always spoken to over HTTP/2.
    pub(crate) grpc: Option<At<String>>,
    /// The version of HTTP that is spoken; `auto` unless given.
    pub(crate) http: Option<HttpVersion>,
    /// The path that answers 2xx when the system can take load.
    pub(crate) ready: Option<At<String>>,
    /// Token sources, by the name that flows use.
    #[serde(default)]
    pub(crate) tokens: BTreeMap<String, WrittenToken>,
    /// Addresses that tell how much work a queue holds: triggers of autoscalers and witnesses of the ledger.
    #[serde(default)]
    pub(crate) queues: BTreeMap<String, WrittenQueue>,
    /// The limit on request bodies that the system is set to, which conformance goes by; 32MiB unless given.
    pub(crate) body_max: Option<At<Bytes>>,
}

/// Where a token comes from; a map of one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Token")]
pub(crate) enum WrittenToken {
    /// A token signed by proofload itself.
    Jwt(WrittenJwt),
    /// A token kept in a secret.
    Bearer(At<String>),
}

/// A token signed by proofload itself with HS256.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Jwt")]
pub(crate) struct WrittenJwt {
    /// The secret that signs.
    pub(crate) secret: At<String>,
    /// `iss`.
    pub(crate) issuer: String,
    /// `aud`.
    pub(crate) audience: String,
    /// `sub`.
    pub(crate) subject: String,
    /// From `iat` to `exp`; 1 h unless given.
    pub(crate) lifetime: Option<Span>,
}

/// An address that tells how much work a queue holds; a map of one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Queue")]
pub(crate) enum WrittenQueue {
    /// RabbitMQ's management API, `…/api/queues/{vhost}/{name}`.
    Rabbitmq(At<String>),
    /// Lag of a Kafka group as JSON with `total`.
    KafkaLag(At<String>),
}

/// Where the workloads scale; a map of one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Cluster")]
pub(crate) enum WrittenCluster {
    /// Child processes of proofload, driven by its own autoscaler from the same manifests.
    Local(WrittenLocalCluster),
}

/// A cluster of child processes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LocalCluster")]
pub(crate) struct WrittenLocalCluster {
    /// Cluster seconds per wall second; 1 unless given.
    pub(crate) speed: Option<At<f64>>,
    /// Folder of the manifests (kustomize), relative to the environment file.
    pub(crate) manifests: At<String>,
    /// The system whose queues answer the triggers.
    pub(crate) system: At<String>,
    /// What runs as the containers of a pod: workload, then container.
    pub(crate) pods: BTreeMap<String, BTreeMap<String, WrittenProcess>>,
}
