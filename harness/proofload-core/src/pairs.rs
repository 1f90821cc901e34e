//! What `proofload pairs` leaves beside its runs, as `pairs.json` holds it: the runs in their order, and what the
//! comparison came to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::turns::Side;
use crate::judge::{Finding, Judgement, Outcome, Verdict};

/// A series of runs of two systems in turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// [`crate::API_VERSION`].
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Always `Pairs`.
    pub kind: String,
    /// Scenario name.
    pub scenario: String,
    /// Where the earlier system runs.
    pub before: System,
    /// Where the later one does.
    pub after: System,
    /// How much worse a time or a rate may be, as a share.
    pub tolerance: f64,
    /// Pairs that were asked for.
    pub pairs_wanted: u32,
    /// How the series ended.
    pub end: PairsEnd,
    /// What it came to; `None` while it goes, and where it broke off for want of a run.
    pub verdict: Option<Verdict>,
    /// Why, in one sentence.
    pub reason: String,
    /// The exit code that says the same.
    pub exit_code: Option<u8>,
    /// The pairs that were compared, in the order in which they were run.
    pub pairs: Vec<Pair>,
    /// The runs that were not, and why.
    pub left_out: Vec<LeftOut>,
    /// Every rule that was compared.
    pub rules: Vec<RuleShift>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Environment name.
    pub environment: String,
    /// Base URL in place of the environment's, where one was given.
    pub target: Option<String>,
}

/// How a series of pairs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairsEnd {
    /// Still going when this was written.
    Running,
    /// Every pair was run.
    Completed,
    /// Somebody stopped it.
    Interrupted,
    /// A pair could not be measured, twice.
    Invalid,
    /// A run could not be done at all.
    Failed,
}

/// Two runs that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Everything random in both came from it.
    pub seed: u64,
    /// Which was run first.
    pub first: Side,
    /// The run of the earlier system.
    pub before: PairRun,
    /// The run of the later one.
    pub after: PairRun,
}

/// One run of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairRun {
    /// Its folder, relative to that of `pairs.json`.
    pub folder: String,
    /// What its own rules came to.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
}

/// A run that was not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The pair that it was to belong to, counted from 1.
    pub pair: u32,
    /// Which of the two it was.
    pub side: Side,
    /// Its folder, relative to that of `pairs.json`; `None` where no load was sent.
    pub folder: Option<String>,
    /// Why it was not compared.
    pub why: String,
}

/// By how much the later runs are worse, of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleShift {
    /// Stable id: `regression.slo.latency(upload).p95.uploads.peak`.
    pub id: String,
    /// The rule in words.
    pub title: String,
    /// Worse than tolerated, no worse, or not to be said.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub message: String,
    /// The estimate of Hodges and Lehmann; positive where later runs are worse. `None` where a run did not measure it.
    pub shift_percent: Option<f64>,
    /// Its interval at 99 %; `None` where so few pairs give none.
    pub interval_percent: Option<(f64, f64)>,
    /// How many pairs it rests on.
    pub pairs: u64,
}

/// What a process ends with that somebody stopped.
const INTERRUPTED: u8 = 130;

impl Pairs {
    /// A series that is about to begin.
    pub fn new(scenario: &str, (before, after): (System, System), tolerance: f64, pairs_wanted: u32) -> Self {
        Self {
            api_version: crate::API_VERSION.to_owned(),
            kind: "Pairs".to_owned(),
            scenario: scenario.to_owned(),
            before,
            after,
            tolerance,
            pairs_wanted,
            end: PairsEnd::Running,
            verdict: None,
            reason: "the series had not ended when this was written".to_owned(),
            exit_code: None,
            pairs: Vec::new(),
            left_out: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// Says what came of it. Only a series that ran to its end passes or fails: who stops one may have looked at it.
    pub fn conclude(&mut self, end: PairsEnd, judgement: &Judgement) -> u8 {
        let (made, wanted) = (self.pairs.len(), self.pairs_wanted);
        let (verdict, reason) = match end {
            PairsEnd::Completed => (judgement.verdict, judgement.reason.clone()),
            PairsEnd::Invalid => (Verdict::Invalid, self.given_up()),
            _ => (Verdict::Inconclusive, format!("stopped after {made} of {wanted} pairs")),
        };
        let exit_code = if end == PairsEnd::Interrupted { INTERRUPTED } else { verdict.exit_code() };
        self.rules = judgement.findings.iter().map(RuleShift::of).collect();
        (self.end, self.verdict, self.reason, self.exit_code) = (end, Some(verdict), reason, Some(exit_code));
        exit_code
    }

    /// Says that a run could not be done, and why.
    pub fn fail(&mut self, why: &str, exit_code: u8) {
        (self.end, self.verdict, self.exit_code) = (PairsEnd::Failed, None, Some(exit_code));
        why.clone_into(&mut self.reason);
    }

    fn given_up(&self) -> String {
        let told = |run: &LeftOut| format!("pair {} could not be measured, twice; {}: {}", run.pair, run.side, run.why);
        self.left_out.last().map_or_else(String::new, told)
    }

    /// How many runs of a side broke rules of their own: measurements all the same, and worth knowing.
    pub fn failed(&self, side: Side) -> usize {
        let run = |pair: &'_ Pair| if side == Side::Before { pair.before.verdict } else { pair.after.verdict };
        self.pairs.iter().filter(|pair| run(pair) == Verdict::Fail).count()
    }

    /// The file, as it is written.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a series holds only numbers, texts and lists") + "\n"
    }

    /// The JSON Schema of the file.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Pairs).to_value()
    }
}

impl RuleShift {
    fn of(finding: &Finding) -> Self {
        let figure = finding.figure.as_ref();
        Self {
            id: finding.id.clone(),
            title: finding.title.clone(),
            outcome: finding.outcome,
            message: finding.message.clone(),
            shift_percent: figure.and_then(|figure| figure.value),
            interval_percent: figure.and_then(|figure| figure.interval),
            pairs: finding.samples,
        }
    }
}
