//! The committed schemas are those of the types. `UPDATE_EXPECT=1` writes them again.

use proofload_core::environment::Environment;
use proofload_core::live::Line;
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
}
