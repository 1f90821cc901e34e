//! Servers that refuse to run as root.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// This user owns nothing but the folders made here.
const NOBODY: u32 = 65534;

/// A temporary folder that such a server may write in.
pub(crate) fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    if rustix::process::geteuid().is_root() {
        chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    dir
}

/// Reads what a server says until it says `words`, and reads on for as long as it lives: it would stop at a full pipe.
pub(crate) fn until_said(log: impl Read + Send + 'static, words: &str) {
    let (mut log, mut told) = (BufReader::new(log), String::new());
    while !told.contains(words) {
        assert!(log.read_line(&mut told).unwrap() > 0, "the server did not start: {told}");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
}

/// `program` as a user without rights where we are root. When the thread that started it ends, it gets `signal`.
pub(crate) fn unprivileged(signal: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg(format!("--pdeathsig={signal}"));
    if rustix::process::geteuid().is_root() {
        let user = NOBODY.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
    }
    command.arg(program);
    command
}
