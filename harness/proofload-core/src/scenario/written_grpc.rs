//! gRPC calls exactly as their author wrote them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::grpc::Code;
use super::units::Span;
use super::written::WrittenExtract;
use super::written_flow::WrittenCheck;
use crate::source::At;

/// A unary gRPC call and what its answer must be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grpc")]
pub(crate) struct WrittenGrpc {
    /// The name SLOs use.
    pub(crate) name: At<String>,
    /// The `.proto` file that describes the service, relative to the scenario; its imports are looked for beside it and
    /// beside the scenario.
    pub(crate) proto: At<String>,
    /// Service and method, such as `inference.GRPCInferenceService/ModelInfer`.
    pub(crate) call: At<String>,
    /// The message as JSON text with templates (`ProtoJSON`); the empty message unless given.
    pub(crate) message: Option<At<String>>,
    /// A token source of the environment.
    pub(crate) auth: Option<At<String>>,
    /// More metadata.
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, At<String>>,
    /// What makes the answer a good one; the code `OK` unless given.
    pub(crate) expect: Option<WrittenExpectCode>,
    /// Values kept for later steps, from the answer's message as JSON or from its metadata.
    #[serde(default)]
    pub(crate) extract: BTreeMap<String, At<WrittenExtract>>,
    /// What is counted of every answer; unlike `expect`, a check that does not hold ends no pass.
    #[serde(default)]
    pub(crate) checks: Vec<At<WrittenCheck>>,
    /// Longest wait for the answer, which the server is told as the deadline; 30 s unless given.
    pub(crate) timeout: Option<Span>,
}

/// What makes an answer a good one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExpectCode")]
pub(crate) struct WrittenExpectCode {
    /// The status code.
    pub(crate) code: Code,
}
