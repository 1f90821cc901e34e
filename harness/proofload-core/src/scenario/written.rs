//! The scenario exactly as its author wrote it. Nothing downstream of [`super::check`] reads these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::units::{Rate, Ratio, Span, SpanRange};
use super::written_flow::{WrittenBranch, WrittenCheck, WrittenData, WrittenJob, WrittenLoop};
use crate::source::At;

/// One load test: what is sent, how often, and what must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[schemars(rename = "Scenario")]
pub(crate) struct WrittenScenario {
    /// Always `proofload/v1`.
    #[serde(rename = "apiVersion")]
    pub(crate) api_version: At<String>,
    /// Always `Scenario`.
    pub(crate) kind: At<String>,
    /// Short name, used for folders and in reports.
    pub(crate) name: At<String>,
    /// What this load stands for, in a sentence.
    pub(crate) description: Option<String>,
    /// The system every flow drives unless it names its own.
    pub(crate) system: Option<At<String>>,
    /// Files that flows send.
    #[serde(default)]
    pub(crate) payloads: BTreeMap<String, WrittenPayload>,
    /// Files of rows; `{{data NAME.COLUMN}}` is the value in the row of the pass.
    #[serde(default)]
    pub(crate) data: BTreeMap<String, At<WrittenData>>,
    /// What one pass of a user does, step by step.
    pub(crate) flows: BTreeMap<String, At<WrittenFlow>>,
    /// Which flow starts how often.
    pub(crate) workloads: BTreeMap<String, At<WrittenWorkload>>,
    /// What must hold of the measurements.
    #[serde(default)]
    pub(crate) slos: Vec<At<WrittenSlo>>,
    /// What the autoscaler must have done.
    #[serde(default)]
    pub(crate) scaling: Vec<At<WrittenScaling>>,
    /// How long jobs may still finish after the last arrival; 30 s unless given.
    pub(crate) drain: Option<Span>,
}

/// A set of files and the way one of them is picked for each use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Payload")]
pub(crate) struct WrittenPayload {
    /// Pattern of files, relative to the scenario; `*` stands for any part of a file name.
    pub(crate) files: At<String>,
    /// How a file is picked; `cycle` unless given.
    pub(crate) pick: Option<WrittenPick>,
    /// The exponent of `zipf`; 1.1 unless given.
    pub(crate) exponent: Option<At<f64>>,
}

/// How a payload is picked.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Pick")]
pub(crate) enum WrittenPick {
    /// One after the other.
    Cycle,
    /// Each as likely.
    Uniform,
    /// The k-th file with weight 1/k^exponent.
    Zipf,
}

/// The steps of one pass: a list, or a map with the system they go to.
#[derive(Debug)]
pub(crate) struct WrittenFlow {
    /// The system this flow drives; the scenario's unless given.
    pub(crate) system: Option<At<String>>,
    /// What is done, in order.
    pub(crate) steps: Vec<At<WrittenStep>>,
}

/// The long form of a flow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FlowOfSystem")]
struct WrittenFlowOfSystem {
    /// The system this flow drives.
    system: Option<At<String>>,
    /// What is done, in order.
    steps: Vec<At<WrittenStep>>,
}

impl<'de> Deserialize<'de> for WrittenFlow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flow;
        impl<'de> Visitor<'de> for Flow {
            type Value = WrittenFlow;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of steps, or a map of `system` and `steps`")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut steps = Vec::new();
                while let Some(step) = list.next_element()? {
                    steps.push(step);
                }
                Ok(WrittenFlow { system: None, steps })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let long = WrittenFlowOfSystem::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(WrittenFlow { system: long.system, steps: long.steps })
            }
        }
        deserializer.deserialize_any(Flow)
    }
}

impl JsonSchema for WrittenFlow {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Flow".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let list = generator.subschema_for::<Vec<WrittenStep>>();
        let map = generator.subschema_for::<WrittenFlowOfSystem>();
        schemars::json_schema!({ "anyOf": [list, map] })
    }
}

/// One step; a map of one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Step")]
pub(crate) enum WrittenStep {
    /// Send a request and read its answer.
    Request(WrittenRequest),
    /// Follow a job that an earlier request began, until it ends.
    Job(WrittenJob),
    /// Wait.
    Think(SpanRange),
    /// Walk some steps several times.
    Loop(At<WrittenLoop>),
    /// Walk one of several branches, drawn by weight from the seed.
    Choose(At<Vec<At<WrittenBranch>>>),
}

/// A request and what its answer must be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Request")]
pub(crate) struct WrittenRequest {
    /// The name SLOs use.
    pub(crate) name: At<String>,
    /// GET unless given.
    pub(crate) method: Option<At<String>>,
    /// Path and query, or a whole URL taken from an answer.
    pub(crate) path: At<String>,
    /// A token source of the environment.
    pub(crate) auth: Option<At<String>>,
    /// More headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, At<String>>,
    /// Form fields; a value that is just `{{payload name}}` sends the file.
    pub(crate) multipart: Option<BTreeMap<String, OneOrMany>>,
    /// A body that is one file, `{{payload name}}`, or text.
    pub(crate) body: Option<At<String>>,
    /// A JSON body as text with templates.
    pub(crate) json: Option<At<String>>,
    /// What makes the answer a good one; any 2xx unless given.
    pub(crate) expect: Option<WrittenExpect>,
    /// Values kept for later steps.
    #[serde(default)]
    pub(crate) extract: BTreeMap<String, At<WrittenExtract>>,
    /// What is counted of every answer; unlike `expect`, a check that does not hold ends no pass.
    #[serde(default)]
    pub(crate) checks: Vec<At<WrittenCheck>>,
    /// Longest wait for the whole answer; 30 s unless given.
    pub(crate) timeout: Option<Span>,
}

/// What makes an answer a good one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(crate) struct WrittenExpect {
    /// The status, a number.
    pub(crate) status: At<u16>,
}

/// Where a value is taken from; a map of one key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Extract")]
pub(crate) enum WrittenExtract {
    /// A JSON pointer into the body (RFC 6901).
    Json(At<String>),
    /// A response header.
    Header(At<String>),
    /// The first group of a regular expression on the body.
    Regex(At<String>),
}

/// A place in a JSON answer and the words that count.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "State")]
pub(crate) struct WrittenState {
    /// JSON pointer (RFC 6901).
    pub(crate) json: At<String>,
    /// The words, any of which counts.
    #[serde(rename = "in")]
    pub(crate) any_of: Vec<String>,
}

/// How often a flow starts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Workload")]
pub(crate) struct WrittenWorkload {
    /// The flow that starts.
    pub(crate) flow: At<String>,
    /// The shape of the load.
    pub(crate) executor: At<WrittenExecutor>,
    /// `ramping-arrival-rate`: the rate at the beginning.
    pub(crate) start_rate: Option<At<Rate>>,
    /// The rate of a single hold.
    pub(crate) rate: Option<At<Rate>>,
    /// The length of a single hold.
    #[serde(rename = "for")]
    pub(crate) duration: Option<At<Span>>,
    /// Several stretches, one after the other.
    pub(crate) stages: Option<Vec<At<WrittenStage>>>,
    /// `constant-vus`: how many virtual users.
    pub(crate) vus: Option<At<u32>>,
    /// `constant-vus`: the pause between two passes.
    pub(crate) think_time: Option<At<SpanRange>>,
    /// When this workload begins after the start of the run; at once unless given.
    pub(crate) after: Option<At<Span>>,
    /// Most requests on the wire at once; further arrivals wait, and their wait counts. 1000 unless given.
    pub(crate) max_in_flight: Option<At<u32>>,
}

/// The executors, by k6's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Executor")]
pub(crate) enum WrittenExecutor {
    /// Evenly spaced arrivals at one rate.
    ConstantArrivalRate,
    /// Evenly spaced arrivals at a rate that changes linearly.
    RampingArrivalRate,
    /// Random arrivals, exponential gaps, at one rate or at stages.
    PoissonArrivalRate,
    /// A fixed number of virtual users, each starting again when it is done.
    ConstantVus,
}

/// One stretch of a workload.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stage")]
pub(crate) struct WrittenStage {
    /// A name for `during` and `after`; its number, from 1, unless given.
    pub(crate) name: Option<At<String>>,
    /// The rate reached at the end (ramping) or held throughout (constant, Poisson).
    pub(crate) rate: At<Rate>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub(crate) duration: At<Span>,
}

/// A service level objective: an indicator and its bound.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Slo")]
pub(crate) struct WrittenSlo {
    /// `latency(step)`, `errors(step)`, `errors(flow)` of jobs, `checks(step)`, `job(flow)`, `throughput(step)`,
    /// `ledger.lost`, `ledger.duplicated`, `ledger.unsettled`, or `promql("…")`.
    pub(crate) sli: At<String>,
    /// Half of all values are at most this.
    pub(crate) p50: Option<At<Span>>,
    /// 90 % of all values are at most this.
    pub(crate) p90: Option<At<Span>>,
    /// 95 % of all values are at most this.
    pub(crate) p95: Option<At<Span>>,
    /// 99 % of all values are at most this.
    pub(crate) p99: Option<At<Span>>,
    /// 99.9 % of all values are at most this.
    #[serde(rename = "p99.9")]
    pub(crate) p999: Option<At<Span>>,
    /// The value is at most this: a share for `errors` and `checks`, a count for `ledger`, a number for `promql`.
    pub(crate) max: Option<At<Ratio0>>,
    /// The value is at least this: a rate for `throughput`.
    pub(crate) min: Option<At<Rate>>,
    /// A workload or a stage, `uploads.peak`; the whole run unless given.
    pub(crate) during: Option<At<String>>,
    /// `run` judges this run, `steady` the system; `steady` for a hold, else `run`, unless given.
    pub(crate) claim: Option<At<WrittenClaim>>,
    /// `promql`: the window the query looks at.
    pub(crate) over: Option<At<Span>>,
    /// What the environment must have for this rule to be judged.
    #[serde(default)]
    pub(crate) needs: Vec<At<String>>,
}

/// A bound that may be a share (`0.1%`) or a plain number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio0(pub(crate) f64);

impl<'de> Deserialize<'de> for Ratio0 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(number) = text.trim().parse::<f64>()
            && number.is_finite()
            && number >= 0.0
        {
            return Ok(Ratio0(number));
        }
        text.parse::<Ratio>().map(|ratio| Ratio0(ratio.0)).map_err(|_| {
            de::Error::custom(format!(
                "`{text}` is not a bound; write a share such as 0.1% or a number that is not negative"
            ))
        })
    }
}

impl JsonSchema for Ratio0 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bound".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number"], "title": "a share such as 0.1%, or a number" })
    }
}

/// What a percentile rule claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Claim")]
pub(crate) enum WrittenClaim {
    /// The exact share of late requests in this run.
    Run,
    /// The system in its steady state, with the dependence between requests taken into account.
    Steady,
}

/// What the autoscaler must have done to one workload.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scaling")]
pub(crate) struct WrittenScaling {
    /// `Deployment/name`.
    pub(crate) target: At<String>,
    /// So many replicas are ready in time.
    pub(crate) reaches: Option<At<WrittenReach>>,
    /// It comes back to so many in time.
    pub(crate) returns: Option<At<WrittenReach>>,
    /// Most changes of direction beyond one rise and one fall.
    pub(crate) flaps: Option<At<u32>>,
}

/// A number of replicas, in time. Times are cluster time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Reach")]
pub(crate) struct WrittenReach {
    /// How many.
    pub(crate) replicas: At<u32>,
    /// Within how long, in cluster time.
    pub(crate) within: At<Span>,
    /// Counted from here: `workload.stage` (its start), `workload` (its start) or `workload.end`.
    pub(crate) after: At<String>,
}

/// A text or a list of texts.
#[derive(Debug)]
pub(crate) struct OneOrMany(pub(crate) Vec<At<String>>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Vec<String>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![text.to_owned()])
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    texts.push(text);
                }
                Ok(texts)
            }
        }
        struct AnyTexts(Vec<String>);
        impl<'de> Deserialize<'de> for AnyTexts {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Texts).map(AnyTexts)
            }
        }
        let spanned = At::<AnyTexts>::deserialize(deserializer)?;
        let (line, column) = (spanned.line, spanned.column);
        Ok(OneOrMany(spanned.value.0.into_iter().map(|value| At { value, line, column }).collect()))
    }
}

impl JsonSchema for OneOrMany {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}
