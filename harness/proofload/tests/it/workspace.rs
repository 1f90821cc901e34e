//! The shape of the workspace: which crate may know which, and how long a file may get.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// Everything that is allowed; dev-dependencies included (design §1).
const EDGES: &[(&str, &str)] = &[
    ("proofload", "proofload-autoscale"),
    ("proofload", "proofload-core"),
    ("proofload", "proofload-runner"),
    ("proofload", "refstack"),
    ("proofload-core", "proofload-autoscale"),
    ("proofload-runner", "proofload-autoscale"),
    ("proofload-runner", "proofload-core"),
    ("refstack", "refstack-inference"),
];

/// A file tells one story: aim for 300 lines.
const FILE_LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let ours: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for package in &metadata.packages {
        let known = package.dependencies.iter().filter(|dependency| ours.contains(&dependency.name));
        seen.extend(known.map(|dependency| (package.name.to_string(), dependency.name.clone())));
    }
    let allowed: BTreeSet<(String, String)> =
        EDGES.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    let forbidden: Vec<_> = seen.difference(&allowed).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
    assert!(seen.len() >= 6, "the crates' own dependencies were not found: {seen:?}");
}

#[test]
fn a_folder_is_called_as_its_crate() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap().file_name().unwrap();
        assert_eq!(folder, package.name.as_str());
    }
}

#[test]
fn no_file_grows_beyond_one_story() {
    let mut too_long = Vec::new();
    for file in rust_files(&root()) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > FILE_LINES_MAX {
            too_long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<String> = rust_files(&root())
        .into_iter()
        .filter(|file| !std::fs::read_to_string(file).unwrap().starts_with("//! "))
        .map(|file| file.display().to_string())
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

fn rust_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.join("harness"), root.join("reference-stack")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
