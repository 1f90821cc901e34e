//! `proofload schema`.

use std::io::Write;

use proofload_core::environment::Environment;
use proofload_core::live::Line;
use proofload_core::pairs::Pairs;
use proofload_core::report::Report;
use proofload_core::scenario::Scenario;

use crate::args::SchemaOf;
use crate::failure::Failure;

pub(crate) fn schema(of: SchemaOf) -> Result<u8, Failure> {
    let schema = match of {
        SchemaOf::Scenario => Scenario::schema(),
        SchemaOf::Environment => Environment::schema(),
        SchemaOf::Report => Report::schema(),
        SchemaOf::RunEvents => Line::schema(),
        SchemaOf::Pairs => Pairs::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).expect("a schema holds only texts, numbers and lists");
    writeln!(std::io::stdout(), "{text}")?;
    Ok(0)
}
