//! Carries the checks of a profile out, one after the other, and judges what came of them.

use std::sync::Arc;

use proofload_core::conformance::{CheckInfo, CheckResult, ConformanceReport, Heading, Outcome, SkipReason};
use proofload_core::environment::HttpVersion;

use super::case::{Case, Stop};
use super::context::{Context, causes, without_credentials};
use super::profile::areas;
use super::{ConformanceProfile, Event, Options, TargetError};
use crate::run::http_builder;

/// Every check of a profile, in the order in which they are carried out.
pub fn list(profile: ConformanceProfile) -> Vec<CheckInfo> {
    cases(profile).map(|case| case.info).collect()
}

/// Carries a profile out. `on_event` is told as it goes.
pub async fn run(options: Options, on_event: impl FnMut(Event)) -> Result<ConformanceReport, TargetError> {
    run_until(options, std::future::pending(), on_event).await
}

/// The same until `end`, which says why: what had not come out by then was not reached.
pub async fn run_until(
    options: Options,
    end: impl Future<Output = String>,
    mut on_event: impl FnMut(Event),
) -> Result<ConformanceReport, TargetError> {
    check_selection(options.profile, &options.select)?;
    let client = client(&options)?;
    let mut end = std::pin::pin!(end);
    let mut ended = tokio::select! {
        reached = preflight(&options, &client) => reached.map(|()| None)?,
        why = &mut end => Some(why),
    };
    let options = Arc::new(options);
    let total = cases(options.profile).filter(|case| case.info.is_selected(&options.select)).count();
    on_event(Event::Started { total });
    let (mut results, mut done) = (Vec::new(), 0);
    for case in cases(options.profile) {
        if !case.info.is_selected(&options.select) {
            results.push(skipped(&case.info, SkipReason::Disabled, "not among the selected checks".to_owned()));
            continue;
        }
        let result = if let Some(why) = &ended {
            skipped(&case.info, SkipReason::NotReached, why.clone())
        } else {
            tokio::select! {
                result = carry_out(&case, Context::new(&options, &client)) => result,
                why = &mut end => skipped(&case.info, SkipReason::NotReached, ended.insert(why).clone()),
            }
        };
        done += 1;
        let (outcome, message) = (result.outcome, result.message.clone());
        on_event(Event::Checked { done, total, id: case.info.id, outcome, message });
        results.push(result);
    }
    Ok(ConformanceReport::new(heading(&options), results))
}

fn cases(profile: ConformanceProfile) -> impl Iterator<Item = Case> {
    areas(profile).iter().flat_map(|area| {
        area.cases.iter().map(|case| Case { info: CheckInfo { feature: area.feature, ..case.info }, run: case.run })
    })
}

/// Whether every prefix selects some check of the profile.
pub fn check_selection(profile: ConformanceProfile, select: &[String]) -> Result<(), TargetError> {
    let checks = list(profile);
    let selects_none = |prefix: &&String| !checks.iter().any(|info| info.is_selected(std::slice::from_ref(*prefix)));
    match select.iter().find(selects_none) {
        Some(prefix) => Err(TargetError::NothingSelected { profile: profile.name(), prefix: prefix.clone() }),
        None => Ok(()),
    }
}

fn client(options: &Options) -> Result<reqwest::Client, TargetError> {
    let unusable = |why: String| TargetError::Unusable { target: shown(options), why };
    if !matches!(options.target.scheme(), "http" | "https") || options.target.host().is_none() {
        return Err(unusable("it is not an http or https address".to_owned()));
    }
    let version = if options.http2 { HttpVersion::Http2 } else { HttpVersion::Auto };
    http_builder(version, &options.authorities)
        .and_then(|builder| builder.connect_timeout(options.timeouts.connect).timeout(options.timeouts.request).build())
        .map_err(|error| unusable(causes(&error)))
}

/// Any answer at all will do: whether it is a good one is what the checks are for.
async fn preflight(options: &Options, client: &reqwest::Client) -> Result<(), TargetError> {
    let unreachable = |error| TargetError::Unreachable { target: shown(options), why: causes(&error) };
    client.get(options.target.clone()).send().await.map(|_| ()).map_err(unreachable)
}

async fn carry_out(case: &Case, context: Context) -> CheckResult {
    let ended = (case.run)(&context).await;
    let (outcome, skip_reason, message) = match ended {
        Ok(()) => (Outcome::Pass, None, String::new()),
        Err(Stop::Fail(message)) => (Outcome::Fail, None, message),
        Err(Stop::Error(message)) => (Outcome::Error, None, message),
        Err(Stop::Inconclusive(message)) => (Outcome::Inconclusive, None, message),
        Err(Stop::Skip(reason, message)) => (Outcome::Skip, Some(reason), message),
    };
    let (exchanges, repro, message) = context.close(&message);
    CheckResult { outcome, skip_reason, message, repro, exchanges, ..blank(&case.info) }
}

fn skipped(info: &CheckInfo, reason: SkipReason, message: String) -> CheckResult {
    CheckResult { outcome: Outcome::Skip, skip_reason: Some(reason), message, ..blank(info) }
}

fn blank(info: &CheckInfo) -> CheckResult {
    CheckResult {
        id: info.id.to_owned(),
        level: info.level,
        sentence: info.sentence.to_owned(),
        source: info.source.to_owned(),
        feature: info.feature.to_owned(),
        outcome: Outcome::Skip,
        skip_reason: None,
        message: String::new(),
        repro: None,
        exchanges: Vec::new(),
    }
}

fn heading(options: &Options) -> Heading {
    Heading {
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: options.profile.name().to_owned(),
        target: shown(options),
        date: options.date.clone(),
        strict: options.strict,
        selected: options.select.clone(),
    }
}

/// The address as reports and messages may show it.
fn shown(options: &Options) -> String {
    without_credentials(&options.target).to_string()
}
