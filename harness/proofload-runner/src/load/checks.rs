//! Checks: each is looked at once per answer and counted, and none ends a pass.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use proofload_core::evidence::CheckCounts;
use proofload_core::scenario::{CheckTest, Flow, Place, Request, Scenario, TextTest};

use super::exchange::Answer;
use super::flow::{Pass, json_text};
use super::request::fill;
use super::script::Script;
use super::values::Values;

/// Counts of every check, by step and by its place in the request.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<Vec<CheckCounts>>);

impl Tally {
    /// Room for the checks of every request; `step_of` gives the index of a request's step.
    pub(super) fn new(scenario: &Scenario, step_of: impl Fn(&Request) -> usize) -> Self {
        let mut steps = Vec::new();
        for request in scenario.flows.iter().flat_map(Flow::requests) {
            let step = step_of(request);
            if steps.len() <= step {
                steps.resize(step + 1, Vec::new());
            }
            steps[step] = vec![CheckCounts::default(); request.checks.len()];
        }
        Self(steps)
    }

    /// All counts by step and by the check's words.
    pub(super) fn named(&self, scenario: &Scenario, step_of: impl Fn(&Request) -> usize) -> CheckTotals {
        let mut named = CheckTotals::new();
        for request in scenario.flows.iter().flat_map(Flow::requests) {
            let step = step_of(request);
            for (check, counts) in request.checks.iter().zip(&self.0[step]) {
                named.entry(step).or_default().insert(check.name.clone(), *counts);
            }
        }
        named
    }

    fn count(&mut self, step: usize, check: usize, holds: bool) {
        let counts = &mut self.0[step][check];
        if holds {
            counts.passed += 1;
        } else {
            counts.failed += 1;
        }
    }
}

/// Counts by index of the step, then by words of the check.
pub(crate) type CheckTotals = BTreeMap<usize, BTreeMap<String, CheckCounts>>;

/// Looks at an answer with every check of its request and counts. Without an answer none of them holds.
pub(super) fn count(
    (script, tally): (&Script, &mut Tally),
    pass: Pass,
    request: &Request,
    answer: Option<&Answer>,
    values: &Values,
) {
    if request.checks.is_empty() {
        return;
    }
    let step = script.prepared(request).step;
    let read = answer.map(|answer| Read { answer, json: OnceCell::new(), text: OnceCell::new() });
    for (number, check) in request.checks.iter().enumerate() {
        let holds = read.as_ref().is_some_and(|read| read.holds(script, pass, &check.test, values));
        tally.count(step, number, holds);
    }
}

/// An answer, its body read once for all checks.
struct Read<'a> {
    answer: &'a Answer,
    json: OnceCell<Option<serde_json::Value>>,
    text: OnceCell<String>,
}

impl Read<'_> {
    fn holds(&self, script: &Script, pass: Pass, test: &CheckTest, values: &Values) -> bool {
        match test {
            CheckTest::Status(statuses) => statuses.contains(&self.answer.status),
            CheckTest::Bytes { min, max } => (*min..=*max).contains(&self.answer.body_bytes),
            CheckTest::Text(place, test) => {
                let found = self.text_at(place);
                let filled = |template| fill(script, pass, template, values);
                match test {
                    TextTest::Exists(wanted) => found.is_some() == *wanted,
                    TextTest::Equals(wanted) => found.is_some() && found == filled(wanted),
                    TextTest::Contains(wanted) => {
                        found.zip(filled(wanted)).is_some_and(|(text, wanted)| text.contains(&wanted))
                    }
                    TextTest::Matches(pattern) => {
                        found.zip(script.regexes.get(pattern)).is_some_and(|(text, regex)| regex.is_match(&text))
                    }
                }
            }
        }
    }

    fn text_at(&self, place: &Place) -> Option<String> {
        match place {
            Place::Body => {
                Some(self.text.get_or_init(|| String::from_utf8_lossy(&self.answer.body).into_owned()).clone())
            }
            Place::Header(name) => Some(self.answer.header(name)?.to_owned()),
            Place::Json(pointer) => {
                let json = self.json.get_or_init(|| serde_json::from_slice(&self.answer.body).ok());
                json_text(json.as_ref()?, pointer)
            }
        }
    }
}
