//! Checks contracts: each is asked of a system that is driven, once, and asks for something. Which checks there are is
//! not known here; whoever carries them out refuses what selects none.

use super::check::unknown;
use super::written_conformance::WrittenConformance;
use super::{ConformanceClause, Flow, systems_of};
use crate::source::{At, Reporter};

pub(super) fn check_conformance(
    written: &[At<WrittenConformance>],
    flows: &[Flow],
    report: &mut Reporter<'_>,
) -> Vec<ConformanceClause> {
    let mut clauses: Vec<ConformanceClause> = Vec::new();
    for clause in written {
        let Some(checked) = check_clause(clause, &systems_of(flows), report) else { continue };
        let (profile, system) = (checked.profile.name(), &checked.system);
        if clauses.iter().any(|other| (other.profile, &other.system) == (checked.profile, system)) {
            let help = "keep one, and put what both select into its list".to_owned();
            report.add(&clause.value.profile, format!("`{profile}` is asked of `{system}` twice"), Some(help));
        }
        clauses.push(checked);
    }
    clauses
}

fn check_clause(
    written: &At<WrittenConformance>,
    driven: &[&str],
    report: &mut Reporter<'_>,
) -> Option<ConformanceClause> {
    let inner = &written.value;
    let system = match (&inner.system, driven) {
        (None, [only]) => *only,
        // That there is no flow is told elsewhere.
        (None, []) => return None,
        (None, several) => {
            let profile = inner.profile.value.name();
            let likely = several.iter().find(|system| **system == profile).unwrap_or(&several[0]);
            let driven = several.join(" and ");
            let message = format!("the scenario drives {driven}, and this does not say which must keep `{profile}`");
            report.add(written, message, Some(format!("add `system: {likely}`")));
            return None;
        }
        (Some(named), driven) => {
            if !driven.contains(&named.value.as_str()) {
                unknown(named, "flow that drives the system", driven.iter().copied(), report);
                return None;
            }
            &named.value
        }
    };
    if let Some(select) = inner.select.as_ref().filter(|select| select.value.is_empty()) {
        let help = "leave `select` out for the whole profile".to_owned();
        report.add(select, "an empty list selects no check", Some(help));
    }
    Some(ConformanceClause {
        profile: inner.profile.value,
        system: system.to_owned(),
        select: inner.select.as_ref().map(|select| select.value.clone()).unwrap_or_default(),
        strict: inner.strict,
        auth: inner.auth.as_ref().map(|auth| auth.value.clone()),
    })
}
