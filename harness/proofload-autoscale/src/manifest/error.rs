//! What can be wrong with a manifest, with the place.

/// A manifest that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A file could not be read.
    #[error("{file}: cannot be read: {reason}")]
    Read {
        /// File.
        file: String,
        /// Why.
        reason: String,
    },
    /// A text is not YAML.
    #[error("{file}:{line}:{column}: {message}")]
    Yaml {
        /// File.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What the parser says.
        message: String,
    },
    /// A resource or a kustomization does not hold together.
    #[error("{file}:{line}: {message}")]
    Field {
        /// File.
        file: String,
        /// Line where the document begins, from 1.
        line: u64,
        /// What is wrong and what to write.
        message: String,
    },
}
