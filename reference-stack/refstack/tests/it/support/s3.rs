//! S3 as two others serve it: `s3s-fs` in this process, and `moto` (a Python package) as a second opinion.

use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use refstack::adapters::s3_objects::S3Objects;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::require::missing;

pub(crate) const BUCKET: &str = "test-bucket";
const KEY: &str = "key";
const SECRET: &str = "secret";

/// `s3s-fs`, which checks signatures.
pub(crate) struct S3s {
    endpoint: String,
    dir: TempDir,
}

impl S3s {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(dir.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that goes away is no fault of the server.
                    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { endpoint, dir }
    }

    pub(crate) fn objects(&self, spool: &Path) -> S3Objects {
        S3Objects::open_at(&self.endpoint, (KEY, SECRET), &format!("s3://{BUCKET}/stage"), spool).unwrap()
    }

    pub(crate) fn objects_with_a_wrong_secret(&self, spool: &Path) -> S3Objects {
        S3Objects::open_at(&self.endpoint, (KEY, "wrong"), &format!("s3://{BUCKET}/stage"), spool).unwrap()
    }

    /// Names of the objects in the bucket.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.dir.path().join(BUCKET), &mut found);
        found
    }
}

/// `moto_server` on the path, where `.ci/run` puts it.
pub(crate) struct Moto {
    server: Child,
    pub(crate) endpoint: String,
}

impl Moto {
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = on_the_path("moto_server") else {
            missing("moto", "pip install 'moto[server]'");
            return None;
        };
        let port = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // It ends when the thread that started it does.
        let server = Command::new("setpriv")
            .arg("--pdeathsig=KILL")
            .arg(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut moto = Self { server, endpoint: format!("http://127.0.0.1:{port}") };
        moto.until_ready().await;
        Some(moto)
    }

    pub(crate) fn objects(&self, spool: &Path) -> S3Objects {
        S3Objects::open_at(&self.endpoint, (KEY, SECRET), &format!("s3://{BUCKET}"), spool).unwrap()
    }

    /// It says nothing when it begins to listen; its first answer is the bucket's making.
    async fn until_ready(&mut self) {
        let client = reqwest::Client::new();
        while client.put(format!("{}/{BUCKET}", self.endpoint)).send().await.is_err() {
            assert!(self.server.try_wait().unwrap().is_none(), "moto_server ended");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn on_the_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn list(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            list(&entry.path(), found);
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
}
