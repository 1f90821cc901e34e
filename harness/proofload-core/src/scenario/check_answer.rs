//! Checks the checks of a request: one place each, and one thing that must hold there.

use super::check_flow::Walk;
use super::written_flow::{WrittenCheck, WrittenStatuses};
use super::{Check, CheckTest, Place, TextTest};
use crate::source::At;

const PLACES: &str = "`status`, `json`, `header`, `body` or `bytes`";
const TESTS: &str = "`equals`, `contains`, `matches` or `exists`";

impl Walk<'_, '_, '_> {
    pub(super) fn checks(&mut self, written: &[At<WrittenCheck>]) -> Option<Vec<Check>> {
        let checks: Vec<Option<Check>> = written.iter().map(|check| self.check(check)).collect();
        let checks: Vec<Check> = checks.into_iter().collect::<Option<_>>()?;
        for (index, check) in checks.iter().enumerate() {
            if checks[..index].iter().any(|earlier| earlier.name == check.name) {
                self.report.add(&written[index], format!("`{}` is checked twice", check.name), None);
            }
        }
        Some(checks)
    }

    fn check(&mut self, written: &At<WrittenCheck>) -> Option<Check> {
        let inner = &written.value;
        let places =
            [inner.status.is_some(), inner.json.is_some(), inner.header.is_some(), inner.body.0, inner.bytes.is_some()];
        let tests = [inner.equals.is_some(), inner.contains.is_some(), inner.matches.is_some(), inner.exists.is_some()];
        let count = |given: &[bool]| given.iter().filter(|given| **given).count();
        if count(&places) != 1 {
            let message = format!("this check looks at {} places, and needs exactly one", count(&places));
            self.report.add(written, message, Some(format!("write one of {PLACES}")));
            return None;
        }
        let is_text = inner.status.is_none() && inner.bytes.is_none();
        if count(&tests) != usize::from(is_text) {
            let (message, help) = if is_text {
                (
                    format!("this check asks for {} things, and needs exactly one", count(&tests)),
                    format!("write one of {TESTS}"),
                )
            } else {
                (format!("{TESTS} belong to `json`, `header` and `body`"), "leave it out".to_owned())
            };
            self.report.add(written, message, Some(help));
            return None;
        }
        match (&inner.status, &inner.bytes) {
            (Some(statuses), _) => Some(self.statuses(statuses, written)),
            (_, Some(bytes)) => {
                let (min, max) = (bytes.value.min, bytes.value.max);
                let most = if max == u64::MAX { String::new() } else { max.to_string() };
                Some(Check { name: format!("bytes {min}..{most}"), test: CheckTest::Bytes { min, max } })
            }
            _ => self.text_check(written),
        }
    }

    fn statuses(&mut self, statuses: &WrittenStatuses, written: &At<WrittenCheck>) -> Check {
        if statuses.0.is_empty() {
            self.report.add(written, "the list of statuses is empty, so this check can never hold", None);
        }
        for status in statuses.0.iter().filter(|status| !(100..=599).contains(&status.value)) {
            self.report.add(status, format!("{} is not an HTTP status", status.value), None);
        }
        let statuses: Vec<u16> = statuses.0.iter().map(|status| status.value).collect();
        let words: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        Check { name: format!("status {}", words.join(" or ")), test: CheckTest::Status(statuses) }
    }

    fn text_check(&mut self, written: &At<WrittenCheck>) -> Option<Check> {
        let inner = &written.value;
        let (place, place_name) = match (&inner.json, &inner.header) {
            (Some(pointer), _) => (Place::Json(self.pointer(pointer)?), format!("json {}", pointer.value)),
            (_, Some(header)) => (Place::Header(header.value.to_lowercase()), format!("header {}", header.value)),
            _ => (Place::Body, "body".to_owned()),
        };
        let (test, test_name) = match (&inner.equals, &inner.contains, &inner.matches, &inner.exists) {
            (Some(text), ..) => (TextTest::Equals(self.text(text)?), format!("equals {}", text.value)),
            (_, Some(text), ..) => (TextTest::Contains(self.text(text)?), format!("contains {}", text.value)),
            (_, _, Some(pattern), _) => {
                (TextTest::Matches(pattern.value.clone()), format!("matches {}", pattern.value))
            }
            (.., Some(wanted)) if place == Place::Body => {
                let help = "write { bytes: 1B.. } for a body that is not empty".to_owned();
                self.report.add(wanted, "every answer has a body, if an empty one", Some(help));
                return None;
            }
            (.., wanted) => {
                let wanted = wanted.as_ref().is_none_or(|wanted| wanted.value);
                (TextTest::Exists(wanted), if wanted { "exists" } else { "does not exist" }.to_owned())
            }
        };
        Some(Check { name: format!("{place_name} {test_name}"), test: CheckTest::Text(place, test) })
    }
}
