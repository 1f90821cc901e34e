//! Secrets: fetched from where the environment points, kept in files that only this user reads, gone at the end.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use proofload_core::environment::Secret;

/// The secrets of a run.
#[derive(Default)]
pub(crate) struct Secrets {
    values: HashMap<String, Vec<u8>>,
    files: HashMap<String, PathBuf>,
}

impl Secrets {
    /// Fetches every secret. `variable` reads the environment of the process; `folder` is where the environment file
    /// lies; generated ones are written below `data`.
    ///
    /// # Errors
    /// A sentence naming the secret and where it was looked for, never its value.
    pub(crate) fn fetch(
        wanted: &[(String, Secret)],
        variable: &dyn Fn(&str) -> Option<String>,
        folder: &Path,
        data: &Path,
    ) -> Result<Self, String> {
        let mut secrets = Self::default();
        for (name, secret) in wanted {
            let value = match secret {
                Secret::Env(key) => variable(key)
                    .filter(|value| !value.is_empty())
                    .ok_or_else(|| format!("secret `{name}` comes from the variable {key}, which is not set"))?
                    .into_bytes(),
                Secret::File(path) => {
                    let path = folder.join(path);
                    let value = std::fs::read(&path)
                        .map_err(|error| format!("secret `{name}`: {} cannot be read: {error}", path.display()))?;
                    value.trim_ascii().to_vec()
                }
                Secret::Generate(bytes) => generate(*bytes as usize),
            };
            let path = data.join(format!("secret-{name}"));
            write_private(&path, &value).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
            secrets.files.insert(name.clone(), path);
            secrets.values.insert(name.clone(), value);
        }
        Ok(secrets)
    }

    /// The value of a secret.
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        self.values.get(name).map(Vec::as_slice)
    }

    /// The files that hold the secrets, by name.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.files.iter()
    }

    /// The file that holds a secret.
    pub(crate) fn file(&self, name: &str) -> Option<&Path> {
        self.files.get(name).map(PathBuf::as_path)
    }
}

/// So many random characters (hexadecimal, 4 bits each), from the system's generator by way of random UUIDs.
fn generate(length: usize) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&uuid::Uuid::new_v4().simple().to_string());
    }
    text.truncate(length);
    text.into_bytes()
}

fn write_private(path: &Path, value: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: Secret, expected: &str) {
        let data = tempfile::tempdir().unwrap();
        let variable = |key: &str| (key == "SET").then(|| "from-variable".to_owned());
        let got = Secrets::fetch(&[("s".to_owned(), secret)], &variable, data.path(), data.path());
        let text = match got {
            Ok(secrets) => String::from_utf8_lossy(secrets.value("s").unwrap()).into_owned(),
            Err(error) => error,
        };
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn secrets_come_from_where_the_environment_points() {
        check(Secret::Env("SET".to_owned()), "from-variable");
        check(Secret::Env("UNSET".to_owned()), "secret `s` comes from the variable UNSET, which is not set");
        check(Secret::File("missing".to_owned()), "secret `s`: ");
    }

    #[test]
    fn generated_secrets_differ_and_have_their_length() {
        let (a, b) = (generate(48), generate(48));
        assert_eq!((a.len(), b.len()), (48, 48));
        assert_ne!(a, b);
    }
}
