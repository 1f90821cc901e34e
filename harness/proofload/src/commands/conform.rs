//! `proofload conform`: conformance alone.

use std::io::Write;
use std::path::{Path, PathBuf};

use proofload_core::conformance::files;
use proofload_core::report::rfc3339;
use proofload_runner::conformance::{ConformanceProfile, Event, Options, TokenSource, list, run};
use proofload_runner::unix_ms;

use crate::args::ConformArgs;
use crate::failure::Failure;

pub(crate) async fn conform(args: ConformArgs) -> Result<u8, Failure> {
    let profile = ConformanceProfile::from_name(&args.profile).ok_or_else(|| {
        let known: Vec<&str> = ConformanceProfile::ALL.iter().map(|profile| profile.name()).collect();
        Failure::usage(format!("error: there is no profile `{}`; known: {}", args.profile, known.join(", ")))
    })?;
    let mut out = std::io::stdout();
    let Some(target) = args.target.as_ref().filter(|_| !args.list) else {
        for check in list(profile) {
            writeln!(out, "{:<7} {:<44} {}", format!("{:?}", check.level).to_uppercase(), check.id, check.sentence)?;
        }
        return Ok(0);
    };
    let options = options(&args, profile, target)?;
    let mut failed = Vec::new();
    let report = run(options, |event| {
        if let Event::Checked { id, outcome, message, .. } = event
            && outcome != proofload_core::conformance::Outcome::Pass
        {
            failed.push(format!("{outcome:?} {id}: {message}"));
        }
    })
    .await
    .map_err(|error| Failure::new(error.exit_code(), format!("error: {error}")))?;
    for line in &failed {
        writeln!(out, "{line}")?;
    }
    let folder = args.out.unwrap_or_else(|| PathBuf::from("reports/conformance"));
    write_all(&folder, &files(&report))?;
    writeln!(out, "{}", report.reason)?;
    writeln!(out, "report: {}", folder.join("conformance.html").display())?;
    Ok(report.exit_code())
}

fn options(args: &ConformArgs, profile: ConformanceProfile, target: &str) -> Result<Options, Failure> {
    let target = target
        .parse()
        .map_err(|error| Failure::usage(format!("error: `{target}` is not a URL: {error}; write http://host:port")))?;
    let token = match &args.jwt_secret_file {
        Some(path) => {
            let secret = std::fs::read(path)
                .map_err(|error| Failure::usage(format!("error: {} cannot be read: {error}", path.display())))?;
            Some(TokenSource::medical_platform(secret.trim_ascii().to_vec()))
        }
        None => None,
    };
    Ok(Options {
        date: rfc3339(unix_ms()),
        token,
        select: args.select.clone(),
        strict: args.strict,
        body_max_bytes: args.max_body,
        ..Options::new(profile, target)
    })
}

fn write_all(folder: &Path, files: &[(&'static str, Vec<u8>)]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::internal(format!("error: {} cannot be written: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, content) in files {
        std::fs::write(folder.join(name), content).map_err(failed)?;
    }
    Ok(())
}
