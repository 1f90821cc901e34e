//! `report.json`: the report as data, and its JSON Schema.

use super::Report;

pub(super) fn render(report: &Report) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(report).expect("a report holds only numbers, texts and lists");
    text.push('\n');
    text.into_bytes()
}

impl Report {
    /// The JSON Schema of `report.json`.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Report).to_value()
    }

    /// Reads a `report.json`.
    ///
    /// # Errors
    /// A sentence, if the text is not a report of this version.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let report: Report = serde_json::from_str(text)
            .map_err(|error| format!("not a report: {error}; run `proofload judge` on its run folder again"))?;
        if report.api_version != crate::API_VERSION {
            return Err(format!(
                "the report is of {}, and this proofload reads {}",
                report.api_version,
                crate::API_VERSION
            ));
        }
        Ok(report)
    }
}
