//! Where models come from: those embedded in the binary, or a folder of the same layout.

mod embedded;
mod folder;
mod spec;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use spec::{Colour, ImageSpec, InputSpec, ModelSpec, OutputSpec, Resize};

/// Every model that can be served, newest version of each, sorted by name.
#[derive(Debug, Clone)]
pub struct Repository {
    models: Vec<ModelFiles>,
}

/// One version of one model, read but not yet loaded by an engine.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    /// What `model.json` says.
    pub spec: ModelSpec,
    /// The version, from the folder's name.
    pub version: u64,
    /// One name per class, in the order of the scores.
    pub labels: Vec<String>,
    /// The ONNX file.
    pub onnx: Cow<'static, [u8]>,
    /// The ONNX file's path, for messages.
    pub path: String,
}

/// Why a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The folder is missing or cannot be listed.
    #[error(
        "cannot read the models folder {path}: {source}; give a folder of <model>/<version>/{{model.onnx,labels.txt,model.json}}, or leave --models out to serve the models built in"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder holds no model.
    #[error(
        "no model in {path}; it must hold <model>/<version>/{{model.onnx,labels.txt,model.json}} with a whole number as version"
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A file of a model is missing or unreadable.
    #[error("cannot read {path}: {source}; a version needs model.onnx, labels.txt and model.json")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of a model is there but wrong.
    #[error("{path} is broken: {why}; compare it with reference-stack/refstack-inference/models/digits_cnn/1")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A model was asked for by name and is not there.
    #[error("no model named {name:?}; the repository has: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl Repository {
    /// The models built into the binary.
    pub fn embedded() -> Result<Self, RepositoryError> {
        Ok(Self { models: embedded::models()? })
    }

    /// The newest version of each model under `path`.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        let models = folder::models(path)?;
        if models.is_empty() {
            return Err(RepositoryError::Empty { path: path.to_owned() });
        }
        Ok(Self { models })
    }

    /// The models, by name.
    pub fn models(&self) -> &[ModelFiles] {
        &self.models
    }

    /// Keeps the models named; an empty list keeps all.
    pub fn only(mut self, names: &[String]) -> Result<Self, RepositoryError> {
        let missing = names.iter().find(|name| !self.models.iter().any(|model| &model.spec.name == *name));
        if let Some(name) = missing {
            let known: Vec<_> = self.models.iter().map(|model| model.spec.name.as_str()).collect();
            return Err(RepositoryError::Unknown { name: name.clone(), known: known.join(", ") });
        }
        self.models.retain(|model| names.is_empty() || names.contains(&model.spec.name));
        Ok(self)
    }
}

impl ModelFiles {
    /// Reads the texts of one version and checks that they agree with each other.
    fn new(folder: &str, spec: &str, labels: &str, onnx: Cow<'static, [u8]>) -> Result<Self, RepositoryError> {
        let broken = |file: &str, why: String| RepositoryError::Broken { path: format!("{folder}/{file}"), why };
        let spec: ModelSpec = serde_json::from_str(spec).map_err(|error| broken("model.json", error.to_string()))?;
        spec.check().map_err(|why| broken("model.json", why))?;
        let mut parts = folder.rsplit('/');
        let version = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        if parts.next() != Some(spec.name.as_str()) {
            return Err(broken("model.json", format!("it names {:?}, not the folder it is in", spec.name)));
        }
        let labels: Vec<_> = labels.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if labels.len() != spec.output.classes {
            let why = format!("{} labels for {} classes", labels.len(), spec.output.classes);
            return Err(broken("labels.txt", why));
        }
        Ok(Self { spec, version, labels, onnx, path: format!("{folder}/model.onnx") })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn said(path: &Path) -> String {
        match Repository::open(path) {
            Ok(repository) => format!("{:?}", repository.models().iter().map(|m| &m.path).collect::<Vec<_>>())
                .replace(path.to_str().unwrap(), "DIR"),
            Err(error) => error.to_string().replace(path.to_str().unwrap(), "DIR"),
        }
    }

    fn copy_digits(to: &Path) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits_cnn/1");
        fs::create_dir_all(to).unwrap();
        for file in ["model.onnx", "labels.txt", "model.json"] {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }

    #[test]
    fn the_embedded_models_are_whole() {
        let seen: Vec<_> =
            Repository::embedded().unwrap().models().iter().map(|m| (m.path.clone(), m.labels.len())).collect();
        let expected = [("digits_cnn", 10), ("fish_classifier", 9), ("resnet50_chest_xray", 4)];
        assert_eq!(seen, expected.map(|(name, classes)| (format!("embedded/{name}/1/model.onnx"), classes)));
    }

    #[test]
    fn a_folder_serves_the_newest_version_and_says_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert!(said(&root.join("none")).contains("leave --models out"), "{}", said(&root.join("none")));
        assert!(said(root).starts_with("no model in DIR; it must hold <model>/<version>/"), "{}", said(root));
        copy_digits(&root.join("digits_cnn/2"));
        copy_digits(&root.join("digits_cnn/10"));
        assert_eq!(said(root), "[\"DIR/digits_cnn/10/model.onnx\"]");
        fs::write(root.join("digits_cnn/10/labels.txt"), "zero\none\n").unwrap();
        assert!(
            said(root).starts_with("DIR/digits_cnn/10/labels.txt is broken: 2 labels for 10 classes; compare"),
            "{}",
            said(root)
        );
        fs::write(root.join("digits_cnn/10/model.json"), "{").unwrap();
        assert!(said(root).starts_with("DIR/digits_cnn/10/model.json is broken: EOF while parsing"), "{}", said(root));
        fs::remove_file(root.join("digits_cnn/10/model.onnx")).unwrap();
        assert!(said(root).starts_with("cannot read DIR/digits_cnn/10/model.onnx: No such file"), "{}", said(root));
    }

    #[test]
    fn only_names_that_exist() {
        let only = |name: &str| Repository::embedded().unwrap().only(&[name.to_owned()]);
        assert_eq!(only("fish_classifier").unwrap().models().len(), 1);
        let error = only("fish").unwrap_err().to_string();
        assert_eq!(
            error,
            "no model named \"fish\"; the repository has: digits_cnn, fish_classifier, resnet50_chest_xray"
        );
    }
}
