//! Every conformance check can say yes and can say no: all pass on the reference stack, and each fails on each of the defects
//! that it names. Roles are processes of the real binary; one gateway is started per defect, beside a worker that all share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use proofload_core::conformance::{CheckInfo, ConformanceReport, Outcome, files};
use proofload_runner::conformance::{ConformanceProfile, Options, Timeouts, TokenSource, list, run};

use crate::roles::Role;

const SECRET: &str = "canary-secret-of-at-least-thirty-two-bytes";
/// Small, so that bodies over the limit are quickly sent.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Defects of a worker are planted for so many of its first jobs; more than any group of checks submits.
const JOBS_SPOILT: usize = 48;
const WORKER_DEFECTS: [&str; 2] = ["drop-job", "double-effect"];
/// A gateway that lets forbidden addresses through stands alone, so that nobody fetches them.
const ALONE: [&str; 2] = ["private-urls", "scheme-any"];

/// One system: its inference server, and a worker and data for all gateways that differ from the contract by themselves.
struct Bench {
    profile: ConformanceProfile,
    folder: tempfile::TempDir,
    inference: Role,
}

impl Bench {
    fn new(profile: ConformanceProfile) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        // Slow enough that a client can be faster than the worker.
        let slow: &[&str] = match profile {
            ConformanceProfile::MedicalPlatform => &["--min-service-time", "10ms"],
            ConformanceProfile::Fish => &[],
        };
        let inference = Role::start(&[&["inference", "--system", profile.name()], slow].concat());
        Self { profile, folder, inference }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gateway(&self, data: &Path, defect: Option<&str>) -> Role {
        let (data, secret) = (data.display().to_string(), self.data("secret").display().to_string());
        let limit = BODY_BYTES_MAX.to_string();
        let mut args = vec!["gateway", "--system", self.profile.name(), "--data", &data];
        args.extend(["--inference", &self.inference.address, "--max-body", &limit]);
        if self.profile == ConformanceProfile::MedicalPlatform {
            args.extend(["--jwt-secret-file", &secret]);
        }
        args.extend(defect.iter().flat_map(|name| ["--defect", name]));
        Role::start(&args)
    }

    fn worker(&self, data: &Path, defect: Option<&str>) -> Role {
        let data = data.display().to_string();
        let mut args = vec!["worker", "--system", self.profile.name(), "--data", &data, "--concurrency", "1"];
        args.extend(["--inference", &self.inference.address]);
        let spoilt: Vec<String> =
            defect.iter().flat_map(|name| (1..=JOBS_SPOILT).map(move |nth| format!("{name}={nth}"))).collect();
        args.extend(spoilt.iter().flat_map(|planted| ["--defect", planted]));
        Role::start(&args)
    }

    /// The stack that a defect makes: a bad gateway beside the shared worker, or a stack of its own.
    fn stack_with(&self, defect: &str) -> Vec<Role> {
        let own = self.data(defect);
        if WORKER_DEFECTS.contains(&defect) {
            return vec![self.gateway(&own, None), self.worker(&own, Some(defect))];
        }
        let data = if ALONE.contains(&defect) { own } else { self.data("shared") };
        vec![self.gateway(&data, Some(defect))]
    }

    async fn check(&self, gateway: &Role, select: Vec<String>, job: Duration) -> ConformanceReport {
        let options = Options {
            token: Some(TokenSource::medical_platform(SECRET.into())),
            select,
            body_max_bytes: BODY_BYTES_MAX,
            timeouts: Timeouts { job, poll_every: Duration::from_millis(5), ..Timeouts::default() },
            ..Options::new(self.profile, gateway.address.parse().unwrap())
        };
        run(options, |_| ()).await.unwrap()
    }

    /// The checks that name a defect and did not fail on it.
    async fn survivors(&self, defect: &str, checks: &[CheckInfo]) -> Vec<String> {
        let stack = self.stack_with(defect);
        let select = checks.iter().map(|check| check.id.to_owned()).collect();
        let report = self.check(&stack[0], select, Duration::from_secs(2)).await;
        let results = report.checks.iter().filter(|result| checks.iter().any(|check| check.id == result.id));
        let survived = results.filter(|result| result.outcome != Outcome::Fail);
        survived.map(|result| format!("{} on {defect}: {:?} {}", result.id, result.outcome, result.message)).collect()
    }
}

/// The checks by the defects they name.
fn by_defect(profile: ConformanceProfile) -> BTreeMap<&'static str, Vec<CheckInfo>> {
    let mut grouped: BTreeMap<&str, Vec<CheckInfo>> = BTreeMap::new();
    for check in list(profile) {
        for defect in check.defects {
            grouped.entry(defect).or_default().push(check);
        }
    }
    grouped
}

async fn prove(profile: ConformanceProfile) {
    let bench = Bench::new(profile);
    let shared = bench.data("shared");
    let gateway = bench.gateway(&shared, None);
    let _worker = bench.worker(&shared, None);

    let report = bench.check(&gateway, Vec::new(), Duration::from_mins(1)).await;
    let not_passed = report.checks.iter().filter(|check| check.outcome != Outcome::Pass);
    let not_passed: Vec<String> = not_passed.map(|check| format!("{}: {}", check.id, check.message)).collect();
    assert!(not_passed.is_empty(), "on the clean stack:\n{}", not_passed.join("\n"));
    assert_eq!(report.exit_code(), 0);
    for (name, content) in files(&report) {
        let text = String::from_utf8(content).unwrap();
        assert!(!text.contains("canary-secret") && !text.contains("eyJ"), "a secret in {name}");
    }

    let mut survivors = Vec::new();
    for (defect, checks) in by_defect(profile) {
        survivors.extend(bench.survivors(defect, &checks).await);
    }
    assert!(survivors.is_empty(), "these did not fail:\n{}", survivors.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fish_checks_pass_on_the_stack_and_fail_on_their_defects() {
    prove(ConformanceProfile::Fish).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn medical_platform_checks_pass_on_the_stack_and_fail_on_their_defects() {
    prove(ConformanceProfile::MedicalPlatform).await;
}

/// The names a gateway accepts, as it lists them when it refuses one.
fn known_to_gateway(profile: ConformanceProfile) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_proofload"))
        .args(["stack", "gateway", "--system", profile.name(), "--defect", "nonsense", "--data"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    let (_, names) = text.split_once("this role knows ").unwrap_or_else(|| panic!("no list in `{text}`"));
    names.split([',', ' ', '\n']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_defect_of_a_gateway_is_found_by_some_check() {
    for profile in ConformanceProfile::ALL {
        let named: BTreeSet<String> = by_defect(profile).into_keys().map(str::to_owned).collect();
        let known = known_to_gateway(profile);
        let unfound: Vec<&String> = known.difference(&named).collect();
        assert!(unfound.is_empty(), "no check of {} finds {unfound:?}", profile.name());
        let invented: Vec<&String> =
            named.difference(&known).filter(|name| !WORKER_DEFECTS.contains(&name.as_str())).collect();
        assert!(invented.is_empty(), "the gateway of {} knows no {invented:?}", profile.name());
    }
}
