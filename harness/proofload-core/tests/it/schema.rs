//! The committed schemas are those of the types. `UPDATE_EXPECT=1` writes them again.

use std::path::Path;

use proofload_core::environment::Environment;
use proofload_core::live::Line;
use proofload_core::pairs::Pairs;
use proofload_core::report::Report;
use proofload_core::scenario::Scenario;

fn check(name: &str, schema: &serde_json::Value) {
    let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
    let expected = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == expected, "{path} is not what the types say; run the test with UPDATE_EXPECT=1 and look");
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    check("report.v1.json", &Report::schema());
    check("scenario.v1.json", &Scenario::schema());
    check("environment.v1.json", &Environment::schema());
    check("run-events.v1.json", &Line::schema());
    check("pairs.v1.json", &Pairs::schema());
}

/// Editors complete what the first line points at.
#[test]
fn every_committed_scenario_and_environment_names_its_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut seen = 0;
    for folder in [".", "fish", "medical-platform", "environments"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        for path in entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
            let kind = if folder == "environments" { "environment" } else { "scenario" };
            let schema = named.unwrap_or_else(|| panic!("{} names no schema", path.display()));
            assert!(schema.ends_with(&format!("/schema/{kind}.v1.json")), "{}: {schema}", path.display());
            assert!(path.parent().unwrap().join(schema).is_file(), "{}: {schema}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}
