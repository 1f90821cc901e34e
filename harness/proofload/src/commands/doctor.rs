//! `proofload doctor`: what is missing for each feature, and how to get it.

use std::io::Write;
use std::process::Command;

use crate::args::DoctorArgs;
use crate::doctor::{CHECKS, Check, Facts, is_fit, judge, lines};
use crate::failure::{Failure, INTERNAL};

pub(crate) fn doctor(args: &DoctorArgs) -> Result<u8, Failure> {
    if let Some(part) = &args.fetch {
        fetch(part)?;
    }
    let findings = judge(&Facts::gather());
    let mut stdout = std::io::stdout();
    if args.json {
        let text = serde_json::to_string_pretty(&findings).expect("findings hold only texts");
        writeln!(stdout, "{text}")?;
    } else {
        for line in lines(&findings) {
            writeln!(stdout, "{line}")?;
        }
    }
    Ok(u8::from(!is_fit(&findings)))
}

/// Installs the packages of a part, where there are some.
fn fetch(part: &str) -> Result<(), Failure> {
    let packages = packages_of(part)?;
    let mut command = Command::new("apt-get");
    command.args(["install", "-y", "--no-install-recommends"]).args(packages);
    // What it says is for the person who waits, so standard output stays for the findings.
    let status = command.stdout(std::io::stderr()).status();
    let told = format!("apt-get install {}", packages.join(" "));
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(INTERNAL, format!("error: `{told}` ended with {status}; run it as root"))),
        Err(error) => Err(Failure::usage(format!(
            "error: apt-get cannot be started: {error}; get {} by the means of this system",
            packages.join(", ")
        ))),
    }
}

fn packages_of(part: &str) -> Result<&'static [&'static str], Failure> {
    let with_packages = || CHECKS.iter().filter(|check| !check.packages.is_empty());
    match CHECKS.iter().find(|check| check.part == part) {
        Some(Check { packages: [], advice, .. }) => {
            Err(Failure::usage(format!("error: `{part}` is not in a package: {advice}")))
        }
        Some(check) => Ok(check.packages),
        None => {
            let known: Vec<&str> = with_packages().map(|check| check.part).collect();
            Err(Failure::usage(format!("error: there is no part `{part}`; known: {}", known.join(", "))))
        }
    }
}
