//! A Redis server of a test's own: on a Unix socket in a temporary folder, gone with the test.

use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::require::missing;
use super::unprivileged::{folder, unprivileged, until_said};

const SERVER: &str = "/usr/bin/redis-server";

pub(crate) struct RedisServer {
    server: Child,
    dir: TempDir,
}

impl RedisServer {
    /// A running server, or nothing where none is installed and none is required.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(SERVER).exists() {
            missing("redis", "install Debian's redis-server");
            return None;
        }
        let dir = folder();
        let server = serve(dir.path());
        Some(Self { server, dir })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.dir.path().join("redis.sock").display())
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again; it has forgotten everything.
    pub(crate) fn restart(&mut self) {
        self.server = serve(self.dir.path());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(dir: &Path) -> Child {
    let mut server = unprivileged("KILL", Path::new(SERVER))
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"])
        .arg(dir)
        .arg("--unixsocket")
        .arg(dir.join("redis.sock"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until_said(server.stdout.take().unwrap(), "ready to accept connections");
    server
}
