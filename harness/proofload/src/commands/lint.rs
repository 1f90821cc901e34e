//! `proofload lint`: contradictions in manifests, before any load.

use std::io::Write;
use std::path::{Path, PathBuf};

use proofload_autoscale::lint::{Finding, lint as find};
use proofload_autoscale::manifest::{Resource, parse, render};
use proofload_core::sarif::of_lint;

use crate::args::LintArgs;
use crate::failure::Failure;

pub(crate) fn lint(args: &LintArgs) -> Result<u8, Failure> {
    let sets = sets(&args.path)?;
    if sets.is_empty() {
        return Err(Failure::usage(format!("error: {} holds no manifest (*.yaml)", args.path.display())));
    }
    let found: Vec<(&Path, Vec<Finding>)> =
        sets.iter().map(|(name, resources)| (name.as_path(), find(resources))).collect();
    let count: usize = found.iter().map(|(_, findings)| findings.len()).sum();
    if write_sarif(args, &found)? {
        return Ok(u8::from(count > 0));
    }
    let mut out = std::io::stdout();
    for (name, findings) in found.iter().filter(|(_, findings)| !findings.is_empty()) {
        writeln!(out, "{}", name.display())?;
        for finding in findings {
            writeln!(out, "  {} {} {}: {}", finding.level, finding.id, finding.resource, finding.message)?;
            writeln!(out, "      {}", finding.advice)?;
        }
    }
    let objects: usize = sets.iter().map(|(_, resources)| resources.len()).sum();
    writeln!(out, "{count} findings in {objects} objects of {} sets", sets.len())?;
    Ok(u8::from(count > 0))
}

/// Writes SARIF where asked; says whether it stands in place of the text. What several overlays share is told once.
fn write_sarif(args: &LintArgs, found: &[(&Path, Vec<Finding>)]) -> Result<bool, Failure> {
    let Some(path) = &args.sarif else { return Ok(false) };
    let mut all: Vec<Finding> = found.iter().flat_map(|(_, findings)| findings.clone()).collect();
    all.sort_by(|a, b| (&a.file, a.line, a.id, &a.message).cmp(&(&b.file, b.line, b.id, &b.message)));
    all.dedup();
    let text = of_lint(&all);
    if path.as_os_str() == "-" {
        std::io::stdout().write_all(text.as_bytes())?;
        return Ok(true);
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::internal(format!("error: {} cannot be written: {error}", path.display())))?;
    Ok(false)
}

/// What belongs together: each kustomization that no other includes, or all plain files of a folder.
fn sets(path: &Path) -> Result<Vec<(PathBuf, Vec<Resource>)>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("error: {error}"));
    if path.is_file() && path.file_name().is_some_and(|name| name != "kustomization.yaml") {
        let text = read(path).map_err(|error| wrong(&error))?;
        let resources = parse(&path.display().to_string(), &text).map_err(|error| wrong(&error))?;
        return Ok(vec![(path.to_owned(), resources)]);
    }
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let mut folders = Vec::new();
    let mut plain = Vec::new();
    walk(folder, &mut folders, &mut plain).map_err(|error| wrong(&format!("{}: {error}", folder.display())))?;
    let mut sets = Vec::new();
    for kustomized in &folders {
        let resources = render(kustomized, &|path| read(path)).map_err(|error| wrong(&error))?;
        sets.push((kustomized.clone(), resources));
    }
    if folders.is_empty() {
        let mut resources = Vec::new();
        for file in &plain {
            let text = read(file).map_err(|error| wrong(&error))?;
            resources.extend(parse(&file.display().to_string(), &text).map_err(|error| wrong(&error))?);
        }
        if !resources.is_empty() {
            sets.push((folder.to_owned(), resources));
        }
    }
    Ok(sets)
}

/// Folders with a kustomization, and YAML files that belong to none, both sorted.
fn walk(folder: &Path, kustomized: &mut Vec<PathBuf>, plain: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if folder.join("kustomization.yaml").is_file() {
        kustomized.push(folder.to_owned());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            walk(&entry, kustomized, plain)?;
        } else if entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            plain.push(entry);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
