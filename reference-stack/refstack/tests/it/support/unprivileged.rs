//! Servers that refuse to run as root.

use std::path::Path;
use std::process::Command;

/// This user owns nothing.
pub(crate) const NOBODY: u32 = 65534;

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
