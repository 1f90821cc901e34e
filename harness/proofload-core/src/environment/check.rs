//! From an environment as written to one that cannot be wrong, and whether a scenario fits it.

use super::check_conformance::{check_body_max, token_misfit};
use super::check_prices::{check_prices, uncounted};
use super::written::{
    WrittenCluster, WrittenEnvironment, WrittenLocalCluster, WrittenProcess, WrittenPrometheus, WrittenQueue,
    WrittenSecret, WrittenSystem, WrittenToken,
};
use super::{Environment, LocalCluster, Process, Prometheus, Queue, Secret, System, Token};
use crate::Problems;
use crate::plan::{Plan, fullest};
use crate::scenario::{Executor, Part, Scenario, Stage, Template, Workload};
use crate::source::{At, Reporter, suggest};
use std::collections::BTreeMap;
use std::time::Duration;

const DEFAULT_READY_WITHIN: Duration = Duration::from_secs(20);
const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_hours(1);

pub(super) fn check(file: &str, written: WrittenEnvironment) -> Result<Environment, Problems> {
    let mut report = Reporter::new(file);
    crate::scenario::check_head(&written.api_version, &written.kind, "Environment", &mut report);
    crate::scenario::check_name(&written.name, &mut report);
    let secrets =
        written.secrets.iter().map(|(name, secret)| (name.clone(), check_secret(secret, &mut report))).collect();
    let known = Known {
        secrets: written.secrets.keys().map(String::as_str).collect(),
        processes: written.processes.keys().map(String::as_str).collect(),
    };
    let processes = check_processes(&written.processes, &known, &mut report);
    let systems: Vec<System> =
        written.systems.iter().filter_map(|(name, system)| check_system(name, system, &known, &mut report)).collect();
    let system_names: Vec<&str> = written.systems.keys().map(String::as_str).collect();
    let cluster = match &written.cluster {
        Some(WrittenCluster::Local(local)) => check_local(local, &known, &system_names, &mut report),
        None => None,
    };
    let allow = written.allow.as_ref();
    let environment = Environment {
        rate_max_per_second: allow.and_then(|allow| allow.rate.as_ref()).map(|at| at.value.per_second),
        name: written.name.value,
        description: written.description.unwrap_or_default(),
        secrets,
        processes,
        pacing: written.pacing.unwrap_or_default(),
        trust: written.trust.clone(),
        systems,
        cluster,
        prometheus: written.prometheus.as_ref().and_then(|it| check_prometheus(it, &known, &mut report)),
        prices: written.prices.as_ref().and_then(|it| check_prices(it, &mut report)),
    };
    report.finish(Some(environment))
}

pub(super) fn misfits(environment: &Environment, scenario: &Scenario) -> Vec<String> {
    let mut misfits = Vec::new();
    for flow in &scenario.flows {
        let Some(system) = environment.system(&flow.system) else {
            let known: Vec<&str> = environment.systems.iter().map(|system| system.name.as_str()).collect();
            let help = suggest(&flow.system, known).map_or(String::new(), |help| format!("; {help}"));
            misfits.push(format!("environment `{}` has no system `{}`{help}", environment.name, flow.system));
            continue;
        };
        for request in flow.requests() {
            let Some(auth) = &request.auth else { continue };
            if !system.tokens.iter().any(|(name, _)| name == auth) {
                let known = system.tokens.iter().map(|(name, _)| name.as_str());
                let help = suggest(auth, known).map_or(String::new(), |help| format!("; {help}"));
                misfits.push(format!(
                    "request `{}` wants the token source `{auth}`, and system `{}` of environment `{}` has none of that name{help}",
                    request.name, system.name, environment.name
                ));
            }
        }
    }
    for clause in &scenario.scaling {
        let pods = environment.cluster.iter().flat_map(|cluster| &cluster.pods).map(|(name, _)| name.as_str());
        let pods: Vec<&str> = pods.collect();
        if environment.cluster.is_some() && !pods.contains(&clause.target.as_str()) {
            let help = suggest(&clause.target, pods).map_or(String::new(), |help| format!("; {help}"));
            misfits.push(format!("the cluster of `{}` runs no {}{help}", environment.name, clause.target));
        }
    }
    misfits.extend(scenario.conformance.iter().filter_map(|clause| token_misfit(environment, clause)));
    misfits.extend(uncounted(environment));
    misfits.extend(above_ceiling(environment, scenario));
    misfits.dedup();
    misfits
}

fn above_ceiling(environment: &Environment, scenario: &Scenario) -> Option<String> {
    let ceiling = environment.rate_max_per_second?;
    let peak = peak_per_second(scenario);
    (peak > ceiling).then(|| {
        format!(
            "the workloads reach {peak:.0} arrivals/s together, and environment `{}` allows {ceiling:.0}/s; lower the rates, or run with --scale {:.2}",
            environment.name,
            ceiling / peak
        )
    })
}

/// What a replay would send more than the environment allows, counted in the plan: its rate stands in no scenario.
pub(super) fn replay_above_ceiling(environment: &Environment, scenario: &Scenario, plan: &Plan) -> Option<String> {
    let ceiling = environment.rate_max_per_second?;
    let is_replay: Vec<bool> =
        scenario.workloads.iter().map(|workload| matches!(workload.executor, Executor::Replay(_))).collect();
    let replayed = fullest(plan, 1_000_000_000, |workload| u64::from(is_replay[workload]));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 arrivals")]
    let peak = replayed as f64 + peak_per_second(scenario);
    (replayed > 0 && peak > ceiling).then(|| {
        format!(
            "the replay reaches {peak:.0} arrivals in a second together with the other workloads, and environment `{}` allows {ceiling:.0}/s; lower `speed`, or run with --scale {:.2}",
            environment.name,
            ceiling / peak
        )
    })
}

/// The highest rates that the scenario itself says, together; replays and virtual users say none.
fn peak_per_second(scenario: &Scenario) -> f64 {
    let peak = |workload: &Workload| workload.stages().iter().map(Stage::peak_per_second).fold(0.0, f64::max);
    scenario.workloads.iter().map(peak).sum()
}

fn check_prometheus(written: &WrittenPrometheus, known: &Known<'_>, report: &mut Reporter<'_>) -> Option<Prometheus> {
    let url = &written.url;
    if !(url.value.starts_with("http://") || url.value.starts_with("https://")) || url.value.contains("{{") {
        let help = "write its base URL, such as http://prometheus:9090".to_owned();
        report.add(url, format!("`{}` is no address of a Prometheus", url.value), Some(help));
        return None;
    }
    if let Some(bearer) = written.bearer.as_ref().filter(|bearer| !known.secrets.contains(&bearer.value.as_str())) {
        let help = suggest(&bearer.value, known.secrets.iter().copied());
        report.add(bearer, format!("there is no secret `{}`", bearer.value), help);
    }
    let bearer = written.bearer.as_ref().map(|at| at.value.clone());
    Some(Prometheus { url: url.value.trim_end_matches('/').to_owned(), bearer })
}

struct Known<'a> {
    secrets: Vec<&'a str>,
    processes: Vec<&'a str>,
}

fn check_secret(written: &WrittenSecret, report: &mut Reporter<'_>) -> Secret {
    match written {
        WrittenSecret::Env(name) => Secret::Env(name.clone()),
        WrittenSecret::File(path) => Secret::File(path.clone()),
        WrittenSecret::Generate(at) => {
            if !(32..=4096).contains(&at.value) {
                report.add(at, format!("a secret of {} bytes is refused; 32 to 4096 can be made", at.value), None);
            }
            Secret::Generate(at.value)
        }
    }
}

fn check_processes(
    written: &BTreeMap<String, WrittenProcess>,
    known: &Known<'_>,
    report: &mut Reporter<'_>,
) -> Vec<Process> {
    let checked: Vec<Process> =
        written.iter().filter_map(|(name, process)| check_process(name, process, known, &[], report)).collect();
    in_order(checked, |name| &written[name].ready, report)
}

/// Orders processes so that each needs only those before it, or others than these.
fn in_order<'w>(
    mut waiting: Vec<Process>,
    place: impl Fn(&str) -> &'w At<String>,
    report: &mut Reporter<'_>,
) -> Vec<Process> {
    let mut ordered: Vec<Process> = Vec::new();
    while !waiting.is_empty() {
        let waits_for = |name: &str| waiting.iter().any(|process| process.name == name);
        let Some(next) = waiting.iter().position(|process| !needs(process).into_iter().any(waits_for)) else {
            let name = waiting[0].name.clone();
            report.add(place(&name), format!("process `{name}` needs itself, by way of its addresses"), None);
            return Vec::new();
        };
        ordered.push(waiting.remove(next));
    }
    ordered
}

fn needs(process: &Process) -> Vec<&str> {
    process.command.iter().flat_map(Template::addresses).collect()
}

fn check_process(
    name: &str,
    written: &WrittenProcess,
    known: &Known<'_>,
    siblings: &[&str],
    report: &mut Reporter<'_>,
) -> Option<Process> {
    if written.command.is_empty() {
        report.add(&written.ready, format!("process `{name}` has an empty command"), None);
        return None;
    }
    let command: Vec<_> = written.command.iter().map(|word| check_template(word, known, siblings, report)).collect();
    Some(Process {
        name: name.to_owned(),
        command: command.into_iter().collect::<Option<_>>()?,
        ready: check_path(&written.ready, report)?,
        within: written.within.map_or(DEFAULT_READY_WITHIN, |span| span.0),
    })
}

fn check_path(written: &At<String>, report: &mut Reporter<'_>) -> Option<String> {
    if written.value.starts_with('/') {
        return Some(written.value.clone());
    }
    let help = format!("did you mean `/{}`?", written.value);
    report.add(written, format!("`{}` is not a path", written.value), Some(help));
    None
}

fn check_template(
    written: &At<String>,
    known: &Known<'_>,
    siblings: &[&str],
    report: &mut Reporter<'_>,
) -> Option<Template> {
    let template = match Template::parse(&written.value) {
        Ok(template) => template,
        Err(message) => {
            report.add(written, message, None);
            return None;
        }
    };
    for part in &template.0 {
        let (what, name, candidates): (_, _, Vec<&str>) = match part {
            Part::Text(_) => continue,
            Part::Value(name) if name == "proofload" || name == "data" => continue,
            Part::Given(kind, name) if kind == "secret" => ("secret", name.as_str(), known.secrets.clone()),
            Part::Given(_, name) => ("process", name.as_str(), [&known.processes, siblings].concat()),
            Part::Value(name) => ("value", name.as_str(), vec!["proofload", "data"]),
            _ => ("value of that kind in an environment:", written.value.as_str(), vec![]),
        };
        if !candidates.contains(&name) {
            report.add(written, format!("there is no {what} `{name}`"), suggest(name, candidates));
            return None;
        }
    }
    Some(template)
}

fn check_system(name: &str, written: &WrittenSystem, known: &Known<'_>, report: &mut Reporter<'_>) -> Option<System> {
    let url = check_url(&written.url, known, report);
    let grpc = match &written.grpc {
        Some(url) => check_url(url, known, report).map(Some),
        None => Some(None),
    };
    let ready = match &written.ready {
        Some(path) => Some(check_path(path, report)?),
        None => None,
    };
    let tokens: Vec<_> =
        written.tokens.iter().map(|(name, token)| Some((name.clone(), check_token(token, known, report)?))).collect();
    let queues: Vec<_> = written
        .queues
        .iter()
        .map(|(name, queue)| {
            let queue = match queue {
                WrittenQueue::Rabbitmq(url) => Queue::Rabbitmq(check_url(url, known, report)?),
                WrittenQueue::KafkaLag(url) => Queue::KafkaLag(check_url(url, known, report)?),
            };
            Some((name.clone(), queue))
        })
        .collect();
    Some(System {
        name: name.to_owned(),
        url: url?,
        grpc: grpc?,
        http: written.http.unwrap_or_default(),
        ready,
        tokens: tokens.into_iter().collect::<Option<_>>()?,
        queues: queues.into_iter().collect::<Option<_>>()?,
        body_max_bytes: check_body_max(written.body_max.as_ref(), report),
    })
}

fn check_url(written: &At<String>, known: &Known<'_>, report: &mut Reporter<'_>) -> Option<Template> {
    let text = &written.value;
    if !(text.starts_with("http://") || text.starts_with("https://") || text.starts_with("{{")) {
        let help = format!("did you mean `http://{text}`?");
        report.add(written, format!("`{text}` is not an http or https URL"), Some(help));
        return None;
    }
    check_template(written, known, &[], report)
}

fn check_token(written: &WrittenToken, known: &Known<'_>, report: &mut Reporter<'_>) -> Option<Token> {
    let secret = match written {
        WrittenToken::Jwt(jwt) => &jwt.secret,
        WrittenToken::Bearer(secret) => secret,
    };
    if !known.secrets.contains(&secret.value.as_str()) {
        let help = suggest(&secret.value, known.secrets.iter().copied());
        report.add(secret, format!("there is no secret `{}`", secret.value), help);
        return None;
    }
    Some(match written {
        WrittenToken::Jwt(jwt) => Token::Jwt {
            secret: jwt.secret.value.clone(),
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
            subject: jwt.subject.clone(),
            lifetime: jwt.lifetime.map_or(DEFAULT_TOKEN_LIFETIME, |span| span.0),
        },
        WrittenToken::Bearer(secret) => Token::Bearer { secret: secret.value.clone() },
    })
}

fn check_local(
    written: &WrittenLocalCluster,
    known: &Known<'_>,
    systems: &[&str],
    report: &mut Reporter<'_>,
) -> Option<LocalCluster> {
    let speed = written.speed.as_ref().map_or(1.0, |at| at.value);
    if let Some(at) = written.speed.as_ref().filter(|at| !(at.value >= 1.0 && at.value <= 100.0)) {
        report.add(at, format!("speed {} is out of range; cluster time runs 1 to 100 times as fast", at.value), None);
    }
    if !systems.contains(&written.system.value.as_str()) {
        let help = suggest(&written.system.value, systems.iter().copied());
        report.add(&written.system, format!("there is no system `{}`", written.system.value), help);
    }
    let mut pods = Vec::new();
    for (workload, containers) in &written.pods {
        let siblings: Vec<&str> = containers.keys().map(String::as_str).collect();
        let checked: Vec<_> =
            containers.iter().map(|(name, process)| check_process(name, process, known, &siblings, report)).collect();
        let checked = checked.into_iter().collect::<Option<Vec<Process>>>()?;
        pods.push((workload.clone(), in_order(checked, |name| &containers[name].ready, report)));
    }
    Some(LocalCluster { speed, manifests: written.manifests.value.clone(), system: written.system.value.clone(), pods })
}
