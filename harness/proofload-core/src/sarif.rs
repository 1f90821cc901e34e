//! SARIF 2.1.0, the format of code scanning: one log of one run. What is found in manifests has a file and a line; what
//! an API did has neither, and points at the evidence instead.

use proofload_autoscale::lint::{self, Finding, Level};
use serde_json::{Value, json};

use crate::report::labels;

/// Most characters of a text.
const TEXT_MAX: usize = 4_000;

/// A kind of finding.
pub(crate) struct Rule {
    pub(crate) id: String,
    /// What should be so.
    pub(crate) sentence: String,
    /// More about it.
    pub(crate) help: String,
    pub(crate) level: &'static str,
}

/// One finding.
pub(crate) struct Found {
    /// The place of its rule in the list.
    pub(crate) rule: usize,
    /// `error`, `warning` or `note`; `None` where nothing was proved.
    pub(crate) level: Option<&'static str>,
    pub(crate) message: String,
    /// A file, relative to where the command ran.
    pub(crate) file: String,
    pub(crate) line: u64,
    /// What the finding is about: `Deployment/api`, `GET /health`.
    pub(crate) about: String,
}

/// A whole log as JSON text.
pub(crate) fn log(tool: &str, rules: &[Rule], found: &[Found]) -> String {
    let results: Vec<Value> = found.iter().map(|found| result(rules, found)).collect();
    let driver = json!({
        "name": tool,
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(rule).collect::<Vec<_>>(),
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "invocations": [{ "executionSuccessful": true }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).expect("it holds only numbers and texts");
    text.push('\n');
    text
}

/// What `proofload lint` found.
pub fn of_lint(findings: &[Finding]) -> String {
    let rule = |(id, sentence): &(&str, &str)| Rule {
        id: (*id).to_owned(),
        sentence: (*sentence).to_owned(),
        help: String::new(),
        level: "warning",
    };
    let found = |finding: &Finding| {
        Some(Found {
            rule: lint::RULES.iter().position(|(id, _)| *id == finding.id)?,
            level: Some(if finding.level == Level::Error { "error" } else { "warning" }),
            message: format!("{} {}. {}", finding.resource, finding.message, finding.advice),
            file: finding.file.clone(),
            line: finding.line,
            about: finding.resource.clone(),
        })
    };
    let rules: Vec<Rule> = lint::RULES.iter().map(rule).collect();
    log("proofload lint", &rules, &findings.iter().filter_map(found).collect::<Vec<_>>())
}

fn rule(rule: &Rule) -> Value {
    let mut told = json!({
        "id": text(&rule.id),
        "shortDescription": { "text": text(&rule.sentence) },
        "defaultConfiguration": { "level": rule.level },
    });
    if !rule.help.is_empty() {
        told["help"] = json!({ "text": text(&rule.help) });
    }
    told
}

fn result(rules: &[Rule], found: &Found) -> Value {
    let rule = &rules[found.rule];
    let place = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&found.file) },
            "region": { "startLine": found.line.max(1) },
        },
        "logicalLocations": [{ "fullyQualifiedName": text(&found.about), "kind": "resource" }],
    });
    json!({
        "ruleId": text(&rule.id),
        "ruleIndex": found.rule,
        "kind": if found.level.is_some() { "fail" } else { "open" },
        "level": found.level.unwrap_or("none"),
        "message": { "text": text(&found.message) },
        "locations": [place],
    })
}

/// A text of bounded length on one line; empty ones are not allowed everywhere.
fn text(text: &str) -> String {
    let text = labels::clipped(text, TEXT_MAX);
    if text.is_empty() { "–".to_owned() } else { text }
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let escaped = labels::percent_encoded(path, "/");
    if path.starts_with('/') { format!("file://{escaped}") } else { escaped }
}
