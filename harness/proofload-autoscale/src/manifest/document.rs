//! One YAML document that describes a Kubernetes object, with the place it came from.

use serde_json::Value;
use serde_saphyr::Spanned;

use super::error::ManifestError;

/// One YAML document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The file it came from.
    pub file: String,
    /// The line it begins on, from 1.
    pub line: u64,
    /// The object.
    pub value: Value,
    /// `metadata.namespace` as first written; patches without a namespace find an object by it.
    pub(super) origin_namespace: Option<String>,
}

impl Document {
    /// Splits a text into its documents; empty ones are skipped.
    pub fn parse_all(file: &str, text: &str) -> Result<Vec<Self>, ManifestError> {
        let values = yaml(file, text)?.into_iter();
        Ok(values.map(|spanned| Self::new(file, spanned.referenced.line(), spanned.value)).collect())
    }

    fn new(file: &str, line: u64, value: Value) -> Self {
        let mut document = Self { file: file.to_owned(), line, value, origin_namespace: None };
        document.origin_namespace = document.namespace().map(str::to_owned);
        document
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion").unwrap_or_default()
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// `Kind/name`, for messages.
    pub fn label(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> ManifestError {
        ManifestError::Field { file: self.file.clone(), line: self.line, message: message.into() }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str)
    }
}

/// The documents of a text, with their places. Only `true` and `false` are booleans, as in Kubernetes.
pub(super) fn yaml(file: &str, text: &str) -> Result<Vec<Spanned<Value>>, ManifestError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let place = error.location();
        ManifestError::Yaml {
            file: file.to_owned(),
            line: place.map_or(1, |p| p.line()),
            column: place.map_or(1, |p| p.column()),
            message: error.without_snippet().to_string(),
        }
    })
}
