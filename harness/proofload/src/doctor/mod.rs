//! What this machine has and lacks, feature by feature. Facts are gathered in one place, judged by a table without
//! looking at anything else, and told.

mod checks;
mod facts;

use serde::Serialize;

pub(crate) use checks::CHECKS;
pub(crate) use facts::Facts;

/// How a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    /// There, and enough.
    Ok,
    /// There, but less than one would wish.
    Limited,
    /// Not there.
    Missing,
}

/// One thing that is looked at.
pub(crate) struct Check {
    /// A word for it, also for `--fetch`.
    pub(crate) part: &'static str,
    /// What needs it.
    pub(crate) feature: &'static str,
    /// Whether `proofload run` itself needs it.
    pub(crate) is_needed: bool,
    /// Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
    /// What to do where it is missing or limited; of packages, the command is said in its place.
    pub(crate) advice: &'static str,
    /// Judges the facts: how it stands, and what was seen.
    pub(crate) look: fn(&Facts) -> (Status, String),
}

/// What was found of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) part: &'static str,
    pub(crate) status: Status,
    pub(crate) feature: &'static str,
    pub(crate) needed: bool,
    /// What was seen.
    pub(crate) seen: String,
    /// What to do; empty where nothing is to be done.
    pub(crate) mend: String,
}

/// Judges every part.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    CHECKS.iter().map(|check| finding(check, facts)).collect()
}

/// Whether the main job works.
pub(crate) fn is_fit(findings: &[Finding]) -> bool {
    !findings.iter().any(|finding| finding.needed && finding.status == Status::Missing)
}

fn finding(check: &Check, facts: &Facts) -> Finding {
    let (status, seen) = checks::by_programs(check, facts).unwrap_or_else(|| (check.look)(facts));
    let mend = match status {
        Status::Ok => String::new(),
        _ if check.packages.is_empty() => check.advice.to_owned(),
        _ => format!("apt-get install {}", check.packages.join(" ")),
    };
    Finding { part: check.part, status, feature: check.feature, needed: check.is_needed, seen, mend }
}

/// The findings as lines, the features in the order of the table, and a sentence at the end.
pub(crate) fn lines(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut feature = "";
    for finding in findings {
        if finding.feature != feature {
            feature = finding.feature;
            lines.push(feature.to_owned());
        }
        let word = match finding.status {
            Status::Ok => "OK",
            Status::Limited => "LIMITED",
            Status::Missing => "MISSING",
        };
        lines.push(format!("  {word:<8} {:<18} {}", finding.part, finding.seen));
        if !finding.mend.is_empty() {
            lines.push(format!("  {:<8} {:<18} → {}", "", "", finding.mend));
        }
    }
    let can = if is_fit(findings) { "works here" } else { "does not work here: mend what it needs first" };
    lines.push(format!("`proofload run` {can}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that has everything.
    fn good() -> Facts {
        let programs = CHECKS.iter().flat_map(|check| facts::programs_of(check.part)).copied();
        Facts {
            file_descriptors: Some(1_048_576),
            local_ports: Some(28_232),
            cores: 8,
            cpu_quota: None,
            temporary_folder: Ok("/tmp".to_owned()),
            clock_source: Some("tsc".to_owned()),
            governor: Some("performance".to_owned()),
            has_run_queue_delay: true,
            has_cpu_pressure: true,
            listen_backlog: Some(4096),
            programs: programs.map(|name| (name.to_owned(), format!("/usr/bin/{name}"))).collect(),
            faketime: Some("/usr/lib/faketime/libfaketimeMT.so.1".to_owned()),
            onnx_runtime: Some("/usr/lib/libonnxruntime.so".to_owned()),
            cluster: Some(Ok("v1.34.1".to_owned())),
        }
    }

    /// A bare one.
    fn bare() -> Facts {
        Facts { cores: 1, temporary_folder: Err("Permission denied".to_owned()), ..Facts::default() }
    }

    #[test]
    fn a_good_machine_has_nothing_to_mend() {
        let findings = judge(&good());
        assert!(
            findings.iter().all(|finding| finding.status == Status::Ok && finding.mend.is_empty()),
            "{findings:#?}"
        );
        assert!(is_fit(&findings));
    }

    #[test]
    fn a_bare_machine_is_told_what_to_do_for_each_part() {
        let findings = judge(&bare());
        assert!(
            findings.iter().all(|finding| finding.status == Status::Ok || !finding.mend.is_empty()),
            "{findings:#?}"
        );
        assert!(!is_fit(&findings));
        insta::assert_snapshot!(lines(&findings).join("\n"));
    }

    /// One fact worse than on the good machine, and what is said of it.
    fn check(spoil: fn(&mut Facts), part: &str, expected: (Status, &str)) {
        let mut facts = good();
        spoil(&mut facts);
        let findings = judge(&facts);
        let worse: Vec<&Finding> = findings.iter().filter(|finding| finding.status != Status::Ok).collect();
        let told: Vec<(&str, Status, &str)> =
            worse.iter().map(|finding| (finding.part, finding.status, finding.seen.as_str())).collect();
        assert_eq!(told, [(part, expected.0, expected.1)]);
        assert!(is_fit(&findings) || (worse[0].needed && expected.0 == Status::Missing));
    }

    #[test]
    fn each_lack_is_said_of_its_own_part_alone() {
        use Status::{Limited, Missing};
        check(|facts| facts.file_descriptors = Some(1024), "file-descriptors", (Limited, "1024 may be open at once"));
        check(|facts| facts.file_descriptors = Some(64), "file-descriptors", (Missing, "64 may be open at once"));
        check(
            |facts| facts.local_ports = Some(500),
            "local-ports",
            (Limited, "500 connections to one address at once"),
        );
        check(|facts| facts.cores = 1, "cores", (Limited, "1: generator and target share it"));
        check(|facts| facts.cpu_quota = Some(1.5), "cpu-quota", (Limited, "this control group may use 1.5 of 8 cores"));
        check(|facts| facts.clock_source = Some("hpet".to_owned()), "clock-source", (Limited, "hpet is slow to read"));
        check(|facts| facts.governor = Some("powersave".to_owned()), "cpu-governor", (Limited, "powersave"));
        check(|facts| facts.has_cpu_pressure = false, "cpu-pressure", (Missing, "the kernel does not tell it"));
        check(|facts| facts.cluster = None, "cluster", (Missing, "there is no kubeconfig"));
        let refused = |facts: &mut Facts| facts.cluster = Some(Err("connection refused".to_owned()));
        check(refused, "cluster", (Limited, "kubeconfig is there, but: connection refused"));
        check(|facts| drop(facts.programs.remove("git")), "git", (Missing, "not found"));
    }
}
