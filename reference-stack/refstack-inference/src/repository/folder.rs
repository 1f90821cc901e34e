//! A repository on disk: `<model>/<version>/{model.onnx,labels.txt,model.json}`.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use super::{ModelFiles, RepositoryError};

pub(super) fn models(root: &Path) -> Result<Vec<ModelFiles>, RepositoryError> {
    let mut models = Vec::new();
    for name in folders(root)? {
        let versions = folders(&root.join(&name))?;
        // Only the newest is served, as TF Serving does by default.
        let newest =
            versions.iter().filter(|text| text.parse::<u64>().is_ok()).max_by_key(|text| text.parse::<u64>().ok());
        if let Some(version) = newest {
            models.push(version_files(&root.join(&name).join(version))?);
        }
    }
    Ok(models)
}

/// The names of the folders in `path`, sorted; what is not a folder or not UTF-8 is no model.
fn folders(path: &Path) -> Result<Vec<String>, RepositoryError> {
    let fail = |source| RepositoryError::Folder { path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        // `metadata` follows links: Kubernetes mounts volumes as links.
        if fs::metadata(entry.path()).is_ok_and(|data| data.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn version_files(folder: &Path) -> Result<ModelFiles, RepositoryError> {
    let read = |file: &str| {
        let path = folder.join(file);
        fs::read(&path).map_err(|source| RepositoryError::File { path, source })
    };
    let onnx = read("model.onnx")?;
    let [spec, labels] =
        [read("model.json")?, read("labels.txt")?].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ModelFiles::new(&folder.to_string_lossy(), &spec, &labels, Cow::Owned(onnx))
}
