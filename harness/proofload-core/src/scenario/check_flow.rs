//! Checks the steps of a flow: templates parse, and a value is used only after it was extracted.

use super::check::{Names, unknown};
use super::template::{Part, Template};
use super::written::{OneOrMany, WrittenExtract, WrittenFlow, WrittenJob, WrittenRequest, WrittenState, WrittenStep};
use super::{Body, Extract, FieldValue, Flow, Job, Request, StateRule, Step, TraceUse};
use crate::source::{At, Reporter};
use crate::trace::Field;

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const DEFAULT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// What is known while walking through the steps of one flow.
struct Walk<'a, 'r, 'f> {
    names: &'a Names<'a>,
    report: &'r mut Reporter<'f>,
    extracted: Vec<String>,
    last_auth: Option<String>,
    requests: usize,
    trace_uses: Vec<TraceUse>,
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
    let mut walk = Walk { names, report, extracted: Vec::new(), last_auth: None, requests: 0, trace_uses: Vec::new() };
    let steps: Vec<Option<Step>> = written.value.steps.iter().map(|step| walk.step(step)).collect();
    let steps = steps.into_iter().collect::<Option<Vec<Step>>>()?;
    let trace_uses = walk.trace_uses;
    Some(Flow { name: name.to_owned(), system: system.value.clone(), steps, trace_uses })
}

impl Walk<'_, '_, '_> {
    fn step(&mut self, step: &At<WrittenStep>) -> Option<Step> {
        match &step.value {
            WrittenStep::Request(request) => self.request(request).map(|request| Step::Request(Box::new(request))),
            WrittenStep::Job(job) if self.requests == 0 => {
                self.report.add(&job.id, "a job needs a request before it that submits the work", None);
                None
            }
            WrittenStep::Job(job) => self.job(job).map(|job| Step::Job(Box::new(job))),
            WrittenStep::Think(range) => Some(Step::Think { from: range.from.0, to: range.to.0 }),
        }
    }

    fn request(&mut self, written: &WrittenRequest) -> Option<Request> {
        let method_of_trace = written.method.as_ref().is_some_and(|method| self.is_of_trace(method));
        let method = self.method(written.method.as_ref().filter(|_| !method_of_trace));
        let path = self.text(&written.path);
        let body = self.body(written);
        let headers: Vec<_> =
            written.headers.iter().map(|(name, value)| Some((name.clone(), self.text(value)?))).collect();
        let extract: Vec<_> =
            written.extract.iter().map(|(name, from)| Some((name.clone(), self.extract(from)?))).collect();
        if let Some(expect) = &written.expect
            && !(100..=599).contains(&expect.status.value)
        {
            self.report.add(&expect.status, format!("{} is not an HTTP status", expect.status.value), None);
        }
        self.extracted.extend(written.extract.keys().cloned());
        self.last_auth = written.auth.as_ref().map(|auth| auth.value.clone());
        self.requests += 1;
        Some(Request {
            name: written.name.value.clone(),
            method: method?,
            method_of_trace,
            path: path?,
            auth: self.last_auth.clone(),
            headers: headers.into_iter().collect::<Option<_>>()?,
            body: body?,
            expect_status: written.expect.as_ref().map(|expect| expect.status.value),
            extract: extract.into_iter().collect::<Option<_>>()?,
            timeout: written.timeout.map_or(DEFAULT_TIMEOUT, |span| span.0),
        })
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

    fn multipart(&mut self, fields: &std::collections::BTreeMap<String, OneOrMany>) -> Option<Body> {
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

    fn job(&mut self, written: &WrittenJob) -> Option<Job> {
        let id = self.text(&written.id);
        let path = self.text(&written.poll.path);
        let done = self.state(&written.done);
        let failed = match &written.failed {
            Some(state) => Some(self.state(state)?),
            None => None,
        };
        if written.poll.every.value > written.poll.timeout.value {
            self.report.add(&written.poll.every, "the pause between polls is longer than the poll's timeout", None);
        }
        Some(Job {
            id: id?,
            path: path?,
            auth: self.last_auth.clone(),
            every: written.poll.every.value.0,
            timeout: written.poll.timeout.value.0,
            done: done?,
            failed,
        })
    }

    fn state(&mut self, written: &WrittenState) -> Option<StateRule> {
        if written.any_of.is_empty() {
            self.report.add(&written.json, "`in` lists no word, so this state can never be seen", None);
        }
        Some(StateRule { json: self.pointer(&written.json)?, any_of: written.any_of.clone() })
    }

    fn pointer(&mut self, written: &At<String>) -> Option<String> {
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
        for part in &template.0 {
            self.hole(part, written)?;
        }
        Some(template)
    }

    /// A template that becomes text: a file has no place in it.
    fn text(&mut self, written: &At<String>) -> Option<Template> {
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
            Part::Value(name) if !self.extracted.contains(name) => {
                let known = self.extracted.iter().map(String::as_str).chain(["iteration"]);
                let help = crate::source::suggest(name, known);
                let message =
                    format!("`{{{{{name}}}}}` is used here, and no earlier step of this flow extracts `{name}`");
                self.report.add(written, message, help);
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
}
