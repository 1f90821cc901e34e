//! Contracts that systems must keep, exactly as a scenario's author wrote them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::conformance::ConformanceProfile;
use crate::source::At;

/// A contract that a system must keep; its checks are carried out once the load and its jobs have ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Conformance")]
pub(crate) struct WrittenConformance {
    /// The contract.
    pub(crate) profile: At<ConformanceProfile>,
    /// The system that must keep it; the one that is driven unless there are several.
    pub(crate) system: Option<At<String>>,
    /// Ids of checks, or how they begin, `gw.jwt`; the whole profile unless given.
    pub(crate) select: Option<At<Vec<String>>>,
    /// Whether a failed SHOULD fails the run as well; `false` unless given.
    #[serde(default)]
    pub(crate) strict: bool,
    /// The token source of the environment, a `jwt`, by which tokens are made; the only one of the system unless given.
    pub(crate) auth: Option<At<String>>,
}
