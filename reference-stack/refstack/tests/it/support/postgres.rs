//! A PostgreSQL server of a test's own: in a temporary folder, on a Unix socket, gone with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use refstack::adapters::postgres::{PgStore, migrate};
use refstack::clock::Clock;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tempfile::TempDir;

use super::require::missing;
use super::store::{Backend, Opened};
use super::unprivileged::{folder, unprivileged, until_said};

pub(crate) struct Postgres {
    server: Child,
    programs: PathBuf,
    dir: TempDir,
    databases: AtomicU32,
}

impl Postgres {
    /// A running server, or nothing where none is installed and none is required.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            missing("postgres", "install Debian's postgresql");
            return None;
        };
        let dir = folder();
        let made = unprivileged("QUIT", &programs.join("initdb"))
            .args(["--username=refstack", "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync", "--pgdata"])
            .arg(dir.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = serve(&programs, dir.path());
        Some(Self { server, programs, dir, databases: AtomicU32::new(0) })
    }

    /// Ends the server as a power cut would end its processes, and starts it again on what is on the disk.
    pub(crate) fn crash(&mut self) {
        // SIGQUIT is the server's own immediate shutdown: nothing is flushed, the next start recovers from the log.
        self.signal(rustix::process::Signal::QUIT);
        self.server.wait().unwrap();
        self.server = serve(&self.programs, self.dir.path());
    }

    /// The address of a new, empty database.
    pub(crate) async fn empty_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
        self.url(&name)
    }

    /// A new database with the schema in it.
    pub(crate) async fn database(&self) -> Database {
        let url = self.empty_database().await;
        migrate(&url).await.unwrap();
        Database { url }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://refstack@localhost/{database}?host={}", self.dir.path().display())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.server.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::QUIT);
        let _ = self.server.wait();
    }
}

/// A database that processes open.
pub(crate) struct Database {
    pub(crate) url: String,
}

#[async_trait]
impl Backend for Database {
    async fn open(&self, clock: Clock) -> Opened {
        Opened::of(PgStore::open(&self.url, clock).await.unwrap())
    }
}

/// Debian keeps the server's programs beside its version, not on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max()
}

fn serve(programs: &Path, dir: &Path) -> Child {
    let mut server = unprivileged("QUIT", &programs.join("postgres"))
        .arg("-D")
        .arg(dir.join("data"))
        .arg("-k")
        .arg(dir)
        .args(["-h", "", "-c", "max_connections=200"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until_said(server.stderr.take().unwrap(), "ready to accept connections");
    server
}
