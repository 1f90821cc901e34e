//! Checks the steps of a flow: templates parse, and a value is used only after it was surely extracted.

use std::collections::BTreeMap;

use super::check::{Names, unknown};
use super::flow::{repeats_job, steps_walked_max};
use super::template::{Part, Template};
use super::written::{OneOrMany, WrittenExtract, WrittenFlow, WrittenRequest, WrittenState, WrittenStep};
use super::written_flow::{WrittenBranch, WrittenLoop};
use super::{Body, Branch, Extract, FieldValue, Flow, Request, StateRule, Step, TraceUse};
use crate::source::{At, Reporter};
use crate::trace::Field;

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
pub(super) const DEFAULT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);
/// How deep loops and branches may lie in each other.
const DEPTH_MAX: usize = 8;
/// Most rounds of one loop.
const TIMES_MAX: u32 = 1000;
/// Most that a branch may weigh.
const WEIGHT_MAX: u32 = 1_000_000;
/// Most steps that one pass may walk: those a broken pass did not reach are counted one by one.
const WALKED_MAX: u64 = 100_000;
/// Words of templates that no extracted value may have.
const RESERVED: &[&str] = &["iteration", "run", "webhook"];

/// What surely happened before a step, whichever branches were taken.
#[derive(Clone, Default)]
pub(super) struct Before {
    pub(super) extracted: Vec<String>,
    pub(super) last_auth: LastAuth,
    /// Fewest requests that were sent.
    pub(super) requests: usize,
    /// A request told somebody the address of the webhook.
    pub(super) webhook_told: bool,
}

/// The token source of the last request.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum LastAuth {
    Known(Option<String>),
    /// It depends on the branch.
    Differs,
}

impl Default for LastAuth {
    fn default() -> Self {
        LastAuth::Known(None)
    }
}

/// What is known while walking through the steps of one flow.
pub(super) struct Walk<'a, 'r, 'f> {
    names: &'a Names<'a>,
    pub(super) report: &'r mut Reporter<'f>,
    pub(super) before: Before,
    /// Values that only some branches extracted.
    partly: Vec<String>,
    /// What any step takes from a recorded trace, whichever branches are taken.
    trace_uses: Vec<TraceUse>,
    has_webhook: bool,
    depth: usize,
}

pub(super) fn check_flow(
    name: &str,
    written: &At<WrittenFlow>,
    system: Option<&At<String>>,
    names: &Names<'_>,
    report: &mut Reporter<'_>,
) -> Option<Flow> {
    let Some(system) = written.value.system.as_ref().or(system) else {
        let help = "add `system: NAME` to the scenario, or write the flow as a map of `system` and `steps`".to_owned();
        report.add(written, format!("flow `{name}` does not say which system it drives"), Some(help));
        return None;
    };
    if written.value.steps.is_empty() {
        report.add(written, format!("flow `{name}` has no steps"), None);
        return None;
    }
    let has_webhook = holds_webhook(&written.value.steps);
    let mut walk = Walk {
        names,
        report,
        before: Before::default(),
        partly: Vec::new(),
        trace_uses: Vec::new(),
        has_webhook,
        depth: 0,
    };
    let steps = walk.steps(&written.value.steps)?;
    if walk.before.requests == 0 {
        report.add(
            written,
            format!("a pass of flow `{name}` may end without a request, so nothing would be sent"),
            None,
        );
        return None;
    }
    if repeats_job(&steps, &mut Vec::new()) {
        let help = "give each an id of its own: extract it anew before the next one".to_owned();
        report.add(written, format!("a pass of flow `{name}` follows two jobs by the same id"), Some(help));
        return None;
    }
    let walked = steps_walked_max(&steps);
    if walked > WALKED_MAX {
        let message = format!("a pass of flow `{name}` walks up to {walked} steps, and {WALKED_MAX} is the most");
        report.add(
            written,
            message,
            Some("loop less often, and let the workload start the flow more often".to_owned()),
        );
        return None;
    }
    let trace_uses = walk.trace_uses;
    Some(Flow { name: name.to_owned(), system: system.value.clone(), steps, trace_uses })
}

fn holds_webhook(steps: &[At<WrittenStep>]) -> bool {
    steps.iter().any(|step| match &step.value {
        WrittenStep::Job(job) => job.webhook.is_some(),
        WrittenStep::Loop(inner) => holds_webhook(&inner.value.steps),
        WrittenStep::Choose(branches) => branches.value.iter().any(|branch| holds_webhook(&branch.value.steps)),
        WrittenStep::Request(_) | WrittenStep::Grpc(_) | WrittenStep::Think(_) => false,
    })
}

impl Walk<'_, '_, '_> {
    /// Checks every step, so that every mistake is told; `None` if any is wrong.
    fn steps(&mut self, written: &[At<WrittenStep>]) -> Option<Vec<Step>> {
        let steps: Vec<Option<Step>> = written.iter().map(|step| self.step(step)).collect();
        steps.into_iter().collect()
    }

    fn step(&mut self, step: &At<WrittenStep>) -> Option<Step> {
        match &step.value {
            WrittenStep::Request(request) => self.request(request).map(|request| Step::Request(Box::new(request))),
            WrittenStep::Grpc(call) => self.grpc(call).map(|request| Step::Request(Box::new(request))),
            WrittenStep::Job(job) => self.job(job).map(|job| Step::Job(job.into())),
            WrittenStep::Think(range) => Some(Step::Think { from: range.from.0, to: range.to.0 }),
            WrittenStep::Loop(inner) => self.within(inner, |walk| walk.rounds(inner)),
            WrittenStep::Choose(branches) => self.within(branches, |walk| walk.branches(branches)),
        }
    }

    /// Goes one level deeper.
    fn within<T>(&mut self, at: &At<T>, check: impl FnOnce(&mut Self) -> Option<Step>) -> Option<Step> {
        if self.depth == DEPTH_MAX {
            let message = format!("loops and branches lie more than {DEPTH_MAX} deep in each other");
            self.report.add(at, message, Some("make a flow of its own of the inner ones".to_owned()));
            return None;
        }
        self.depth += 1;
        let step = check(self);
        self.depth -= 1;
        step
    }

    fn rounds(&mut self, written: &At<WrittenLoop>) -> Option<Step> {
        let WrittenLoop { times, steps } = &written.value;
        if !(1..=TIMES_MAX).contains(&times.value) {
            self.report.add(
                times,
                format!("{} rounds are out of range; a loop has 1 to {TIMES_MAX}", times.value),
                None,
            );
        }
        if steps.is_empty() {
            self.report.add(written, "this loop has no steps", None);
        }
        // A loop has at least one round, so what its steps extract is there afterwards.
        Some(Step::Loop { times: times.value, steps: self.steps(steps)? })
    }

    fn branches(&mut self, written: &At<Vec<At<WrittenBranch>>>) -> Option<Step> {
        if written.value.is_empty() {
            self.report.add(written, "there is no branch to choose", None);
            return None;
        }
        let before = self.before.clone();
        let mut checked = Vec::new();
        let mut ends = Vec::new();
        for branch in &written.value {
            self.before = before.clone();
            let WrittenBranch { weight, steps } = &branch.value;
            if !(1..=WEIGHT_MAX).contains(&weight.value) {
                let message = format!("weight {} is out of range; it lies between 1 and {WEIGHT_MAX}", weight.value);
                self.report.add(weight, message, None);
            }
            checked.push(self.steps(steps).map(|steps| Branch { weight: weight.value, steps }));
            ends.push(std::mem::take(&mut self.before));
        }
        self.join(ends);
        Some(Step::Choose(checked.into_iter().collect::<Option<_>>()?))
    }

    /// Only what every branch did is known afterwards.
    fn join(&mut self, ends: Vec<Before>) {
        let mut ends = ends.into_iter();
        let mut all = ends.next().expect("a choose has at least one branch");
        for end in ends {
            let (both, one): (Vec<_>, Vec<_>) =
                all.extracted.into_iter().partition(|name| end.extracted.contains(name));
            let other = end.extracted.into_iter().filter(|name| !both.contains(name));
            self.partly.extend(one.into_iter().chain(other));
            all = Before {
                extracted: both,
                last_auth: if all.last_auth == end.last_auth { end.last_auth } else { LastAuth::Differs },
                requests: all.requests.min(end.requests),
                webhook_told: all.webhook_told && end.webhook_told,
            };
        }
        self.before = all;
    }

    fn request(&mut self, written: &WrittenRequest) -> Option<Request> {
        let method_of_trace = written.method.as_ref().is_some_and(|method| self.is_of_trace(method));
        let method = self.method(written.method.as_ref().filter(|_| !method_of_trace));
        let path = self.text(&written.path);
        let body = self.body(written);
        let headers: Vec<_> =
            written.headers.iter().map(|(name, value)| Some((name.clone(), self.text(value)?))).collect();
        let extract = self.extracts(&written.extract);
        if let Some(expect) = &written.expect
            && !(100..=599).contains(&expect.status.value)
        {
            self.report.add(&expect.status, format!("{} is not an HTTP status", expect.status.value), None);
        }
        let checks = self.checks(&written.checks);
        self.sent(written.extract.keys(), written.auth.as_ref());
        Some(Request {
            name: written.name.value.clone(),
            // Given once all flows are known.
            index: 0,
            method: method?,
            method_of_trace,
            path: path?,
            auth: written.auth.as_ref().map(|auth| auth.value.clone()),
            headers: headers.into_iter().collect::<Option<_>>()?,
            body: body?,
            expect_status: written.expect.as_ref().map(|expect| expect.status.value),
            extract: extract?,
            checks: checks?,
            timeout: written.timeout.map_or(DEFAULT_TIMEOUT, |span| span.0),
        })
    }

    /// A request was sent: what later steps may use of it.
    pub(super) fn sent<'n>(&mut self, extracted: impl Iterator<Item = &'n String>, auth: Option<&At<String>>) {
        self.before.extracted.extend(extracted.cloned());
        self.before.last_auth = LastAuth::Known(auth.map(|auth| auth.value.clone()));
        self.before.requests += 1;
    }

    /// Whether the method is that of the replayed entry.
    fn is_of_trace(&mut self, method: &At<String>) -> bool {
        let is_of_trace =
            Template::parse(&method.value).is_ok_and(|template| template.0 == [Part::Trace(Field::Method)]);
        if is_of_trace {
            self.trace_uses.push(TraceUse::Field(Field::Method));
        }
        is_of_trace
    }

    fn method(&mut self, written: Option<&At<String>>) -> Option<String> {
        let Some(written) = written else { return Some("GET".to_owned()) };
        let method = written.value.to_uppercase();
        if METHODS.contains(&method.as_str()) {
            return Some(method);
        }
        unknown(written, "method", METHODS.iter().copied(), self.report);
        None
    }

    fn body(&mut self, written: &WrittenRequest) -> Option<Body> {
        match (&written.multipart, &written.body, &written.json) {
            (None, None, None) => Some(Body::Empty),
            (Some(fields), None, None) => self.multipart(fields),
            (None, Some(written_body), None) => {
                let template = self.template(written_body)?;
                Some(match template.as_payload() {
                    Some(payload) => Body::Payload(payload.to_owned()),
                    None => Body::Text {
                        text: self.text(written_body)?,
                        content_type: "text/plain; charset=utf-8".to_owned(),
                    },
                })
            }
            (None, None, Some(text)) => {
                Some(Body::Text { text: self.text(text)?, content_type: "application/json".to_owned() })
            }
            _ => {
                let help = "keep one of `multipart`, `body` and `json`".to_owned();
                self.report.add(&written.name, "a request has more than one body", Some(help));
                None
            }
        }
    }

    fn multipart(&mut self, fields: &BTreeMap<String, OneOrMany>) -> Option<Body> {
        let mut checked = Vec::new();
        for (name, values) in fields {
            for value in &values.0 {
                let template = self.template(value)?;
                let value = match template.as_payload() {
                    Some(payload) => FieldValue::Payload(payload.to_owned()),
                    None => FieldValue::Text(self.text(value)?),
                };
                checked.push((name.clone(), value));
            }
        }
        Some(Body::Multipart(checked))
    }

    pub(super) fn extracts(
        &mut self,
        written: &BTreeMap<String, At<WrittenExtract>>,
    ) -> Option<Vec<(String, Extract)>> {
        for (name, place) in written.iter().filter(|(name, _)| RESERVED.contains(&name.as_str())) {
            let help = "extract it by another name".to_owned();
            self.report.add(place, format!("`{{{{{name}}}}}` already means something else"), Some(help));
        }
        let extract: Vec<_> = written.iter().map(|(name, from)| Some((name.clone(), self.extract(from)?))).collect();
        extract.into_iter().collect()
    }

    fn extract(&mut self, written: &At<WrittenExtract>) -> Option<Extract> {
        match &written.value {
            WrittenExtract::Json(pointer) => self.pointer(pointer).map(Extract::Json),
            WrittenExtract::Header(name) => Some(Extract::Header(name.value.to_lowercase())),
            WrittenExtract::Regex(pattern) if pattern.value.contains('(') => {
                Some(Extract::Regex(pattern.value.clone()))
            }
            WrittenExtract::Regex(pattern) => {
                let help = "put the wanted part in brackets: `id=(\\d+)`".to_owned();
                self.report.add(pattern, format!("`{}` has no group to take", pattern.value), Some(help));
                None
            }
        }
    }

    pub(super) fn state(&mut self, written: &WrittenState) -> Option<StateRule> {
        if written.any_of.is_empty() {
            self.report.add(&written.json, "`in` lists no word, so this state can never be seen", None);
        }
        Some(StateRule { json: self.pointer(&written.json)?, any_of: written.any_of.clone() })
    }

    pub(super) fn pointer(&mut self, written: &At<String>) -> Option<String> {
        if written.value.is_empty() || written.value.starts_with('/') {
            return Some(written.value.clone());
        }
        let help = format!("did you mean `/{}`?", written.value.trim_start_matches("$.").replace('.', "/"));
        self.report.add(written, format!("`{}` is not a JSON pointer (RFC 6901)", written.value), Some(help));
        None
    }

    /// Parses a template and checks that each hole can be filled at this point of the flow.
    fn template(&mut self, written: &At<String>) -> Option<Template> {
        let template = match Template::parse(&written.value) {
            Ok(template) => template,
            Err(message) => {
                self.report.add(written, message, None);
                return None;
            }
        };
        let filled: Vec<Option<()>> = template.0.iter().map(|part| self.hole(part, written)).collect();
        filled.iter().all(Option::is_some).then_some(template)
    }

    /// A template that becomes text: a file has no place in it.
    pub(super) fn text(&mut self, written: &At<String>) -> Option<Template> {
        let template = self.template(written)?;
        if template.0.iter().any(|part| matches!(part, Part::Payload(_))) {
            let help = "send the file as the whole `body`, or as a field of `multipart`".to_owned();
            self.report.add(written, "a file cannot stand inside a text", Some(help));
            return None;
        }
        Some(template)
    }

    fn hole(&mut self, part: &Part, written: &At<String>) -> Option<()> {
        let place = |word: &str| At { value: word.to_owned(), line: written.line, column: written.column };
        match part {
            Part::Payload(name) if !self.names.payloads.contains(&name.as_str()) => {
                unknown(&place(name), "payload set", self.names.payloads.iter().copied(), self.report);
                None
            }
            Part::Payload(name) => {
                if self.names.recorded.contains(&name.as_str()) {
                    self.trace_uses.push(TraceUse::Payload(name.clone()));
                }
                Some(())
            }
            Part::Trace(field) => {
                self.trace_uses.push(TraceUse::Field(*field));
                Some(())
            }
            Part::Data { set, .. } if !self.names.data.contains(&set.as_str()) => {
                unknown(&place(set), "data set", self.names.data.iter().copied(), self.report);
                None
            }
            Part::Data { set, column } => {
                self.names.columns.borrow_mut().insert((set.clone(), column.clone()));
                Some(())
            }
            Part::Known(name) => {
                self.names.known.borrow_mut().entry(name.clone()).or_insert_with(|| place(name));
                Some(())
            }
            Part::Webhook if !self.has_webhook => {
                let help = "add `webhook` to its job".to_owned();
                self.report.add(
                    written,
                    "`{{webhook}}` is used here, and no job of this flow has a webhook",
                    Some(help),
                );
                None
            }
            Part::Webhook => {
                self.before.webhook_told = true;
                Some(())
            }
            Part::Value(name) if !self.before.extracted.contains(name) => {
                let (why, help) = self.not_extracted(name);
                self.report.add(written, format!("`{{{{{name}}}}}` is used here, and {why}"), help);
                None
            }
            Part::Given(kind, name) => {
                self.report.add(
                    written,
                    format!("`{{{{{kind} {name}}}}}` belongs in an environment, not in a flow"),
                    None,
                );
                None
            }
            _ => Some(()),
        }
    }

    /// Why a value is not there, and what to do.
    fn not_extracted(&self, name: &String) -> (String, Option<String>) {
        if self.partly.contains(name) {
            let why = format!("only some branches of an earlier `choose` extract `{name}`");
            return (why, Some("extract it in every branch, or use it inside the branch".to_owned()));
        }
        let known = self.before.extracted.iter().map(String::as_str).chain(["iteration"]);
        (format!("no earlier step of this flow extracts `{name}`"), crate::source::suggest(name, known))
    }
}
