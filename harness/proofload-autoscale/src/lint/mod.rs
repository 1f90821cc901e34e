//! Contradictions in manifests, found before any load. One file per finding.

mod inert_fields;
mod kafka_partitions;
mod missing_requests;
mod rabbitmq_ready_only;
mod target;
mod two_autoscalers;

use std::fmt;

use serde::Serialize;

use crate::manifest::Resource;

/// Every kind of finding: its fixed word, and what should be so.
pub const RULES: &[(&str, &str)] = &[
    ("missing-requests", "Every container of a pod that scales by utilization has a request for that resource."),
    ("kafka-max-above-partitions", "No more replicas are allowed than a topic has partitions."),
    ("rabbitmq-counts-ready-only", "A queue's trigger counts the messages that are being worked on too."),
    ("keda-inert-fields", "No field is set that KEDA ignores here."),
    ("two-autoscalers", "One autoscaler scales a workload."),
];

/// One contradiction, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A fixed word for this kind of finding.
    pub id: &'static str,
    /// How bad it is.
    pub level: Level,
    /// The file of the resource.
    pub file: String,
    /// The line on which the resource begins.
    pub line: u64,
    /// `Kind/name`.
    pub resource: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub advice: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Scaling does not work as written.
    Error,
    /// Scaling works, but not as its author is likely to expect.
    Warning,
}

/// Every finding, in the order of files and lines.
pub fn lint(resources: &[Resource]) -> Vec<Finding> {
    let mut findings = Vec::new();
    missing_requests::find(resources, &mut findings);
    kafka_partitions::find(resources, &mut findings);
    rabbitmq_ready_only::find(resources, &mut findings);
    inert_fields::find(resources, &mut findings);
    two_autoscalers::find(resources, &mut findings);
    findings.sort_by(|a, b| (&a.file, a.line, a.id).cmp(&(&b.file, b.line, b.id)));
    findings
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "error",
            Level::Warning => "warning",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, level, file, line, resource, message, advice } = self;
        write!(f, "{file}:{line}: {level}[{id}] {resource}: {message}\n    {advice}")
    }
}

impl Finding {
    fn new(id: &'static str, level: Level, resource: &Resource, message: String, advice: String) -> Self {
        let document = &resource.document;
        Self {
            id,
            level,
            file: document.file.clone(),
            line: document.line,
            resource: document.label(),
            message,
            advice,
        }
    }
}
