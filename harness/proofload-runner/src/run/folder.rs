//! The run folder: `reports/<environment>/<run-id>/`, written as the run grows.

use std::path::{Path, PathBuf};

use super::RunError;

/// A folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// The folder.
    pub path: PathBuf,
    /// Its last part, the run's id.
    pub id: String,
}

impl RunFolder {
    /// Makes the folder and its `logs/`.
    ///
    /// # Errors
    /// A sentence naming the folder, if it cannot be made or is there already.
    pub fn create(parent: &Path, id: &str) -> Result<Self, RunError> {
        let path = parent.join(id);
        let failed = |error: std::io::Error| {
            RunError::Folder(format!(
                "the run folder {} cannot be made: {error}; choose another place with --out",
                path.display()
            ))
        };
        std::fs::create_dir_all(parent).map_err(failed)?;
        std::fs::create_dir(&path).map_err(failed)?;
        std::fs::create_dir(path.join("logs")).map_err(failed)?;
        Ok(Self { path, id: id.to_owned() })
    }

    /// Makes a folder inside, with those above it.
    ///
    /// # Errors
    /// A sentence naming the folder.
    pub(super) fn make(&self, name: &str) -> Result<(), RunError> {
        std::fs::create_dir_all(self.path.join(name)).map_err(|error| self.unwritable(name, &error))
    }

    /// Writes a file whole or not at all, so that a killed run leaves the last complete one.
    ///
    /// # Errors
    /// A sentence naming the file.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, RunError> {
        self.try_write(name, content).map_err(|error| self.unwritable(name, &error))
    }

    /// The same, with the kernel's own error.
    pub(super) fn try_write(&self, name: &str, content: &[u8]) -> std::io::Result<PathBuf> {
        let path = self.path.join(name);
        let part = self.path.join(format!("{name}.part"));
        let written = std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, &path));
        if written.is_err() {
            // Half a file is worth nothing; if removing it fails too, the first error still says why.
            let _ = std::fs::remove_file(&part);
        }
        written.map(|()| path)
    }

    /// What is said of a file that could not be written.
    pub(super) fn unwritable(&self, name: &str, error: &std::io::Error) -> RunError {
        let path = self.path.join(name);
        let advice = "free some space, or choose another place with --out";
        RunError::Folder(format!("{} cannot be written: {error}; {advice}", path.display()))
    }

    /// Removes the folder of a run that left no evidence; one that holds a record is kept.
    pub fn discard_if_empty(&self) {
        if self.path.join("record.json").exists() {
            return;
        }
        // Nothing can be done about a folder that will not go, and the run's own error matters more.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
